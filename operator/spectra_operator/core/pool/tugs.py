"""Whether a number of workers that others set goes to and fro: then two of them pull at it.

Who sets `spec.replicas` cannot be told from the object: every HorizontalPodAutoscaler writes as
the same controller. Kubernetes reports two of them itself (`AmbiguousSelector`), but only where
the number lies within the bounds of both.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

TURNS = 4
"""Changes between the same two numbers that are no chance any more."""
WITHIN = timedelta(seconds=120)
"""How long these may take together; an autoscaler looks four times a minute."""
CALM = timedelta(seconds=60)
"""How long the number must stand still until nobody pulls any more."""


@dataclass(frozen=True, slots=True)
class Tugs:
    """The last numbers that were set, with when they were seen first, newest last."""

    seen: tuple[tuple[int | None, datetime], ...] = ()

    def after(self, number: int | None, now: datetime) -> Tugs:
        """Return it with the number as it is now."""
        if self.seen and self.seen[-1][0] == number:
            return self
        return Tugs((*self.seen, (number, now))[-(TURNS + 1) :])

    def between(self, now: datetime) -> tuple[int, int] | None:
        """Return the two numbers that are pulled between, the smaller one first, if any are."""
        numbers = [number for number, _ in self.seen if number is not None]
        if len(numbers) <= TURNS or len(set(numbers)) != 2:
            return None
        (_, first), (_, last) = self.seen[1], self.seen[-1]
        if last - first > WITHIN or now >= last + CALM:
            return None
        return min(numbers), max(numbers)

    def over_at(self) -> datetime | None:
        """Return when nobody pulls any more if the number stays as it is."""
        return self.seen[-1][1] + CALM if self.seen else None


NO_TUGS = Tugs()
