"""What is known of an agent when it may be chosen: what it can do, and how its attempts went."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from statistics import median

_PRIOR = 20
"""Successes that every agent is credited with, so that one failure is no verdict."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One attempt that ended well or badly; losses to the infrastructure are none of these.

    `seconds` is how long it took from its creation, None if that is not known; `cost` what it
    reported, in the currency that the agents report in.
    """

    good: bool
    seconds: float | None = None
    cost: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Figures:
    """How the newest attempts of an agent's revision went.

    `seconds` is the time that half of the successful ones took at most, `cost` what all of them
    cost for each that succeeded; both are None while none has succeeded.
    """

    ended: int = 0
    succeeded: int = 0
    seconds: float | None = None
    cost: Decimal | None = None

    @property
    def reliability(self) -> float:
        """Smoothed ratio of success: (succeeded + 20) / (ended + 20)."""
        return (self.succeeded + _PRIOR) / (self.ended + _PRIOR)


NOTHING_SEEN = Figures()


def figures_of(seen: Iterable[Seen]) -> Figures:
    """Return the figures of these attempts."""
    found = list(seen)
    good = [one for one in found if one.good]
    times = [one.seconds for one in good if one.seconds is not None]
    return Figures(
        ended=len(found),
        succeeded=len(good),
        seconds=median(times) if times else None,
        cost=sum((one.cost for one in found), Decimal(0)) / len(good) if good else None,
    )


def recalled(
    counts: tuple[int, int], cost: Decimal, seconds: Sequence[float], most: int
) -> tuple[Seen, ...]:
    """Return what stands for the newest of the attempts that a status counts, at most so many.

    Args:
        counts: How many succeeded and how many failed. Nobody knows any more in which order they
            did, so the failures lie evenly among the others.
        cost: Of all of them together; each has its share.
        seconds: Durations of the newest that succeeded, the newest last.
        most: How many to return.
    """
    succeeded, failed = counts
    ended = succeeded + failed
    if not ended:
        return ()
    many = min(ended, most)
    bad = round(many * failed / ended)
    good = many - bad
    newest = list(seconds)[-good:] if good else []
    times = iter([*[None] * (good - len(newest)), *newest])
    lies_here = [(place + 1) * bad // many > place * bad // many for place in range(many)]
    return tuple(
        Seen(not failure, None if failure else next(times), cost / ended) for failure in lies_here
    )


@dataclass(frozen=True, slots=True)
class Profile:
    """An agent that may be chosen. `mounts` tells that its attempts can mount a workspace.

    `slots` is what its workers can do at once, in mode Pool; `begun` how many attempts it was
    given by a choice so far, to take turns by.
    """

    capabilities: frozenset[str]
    mounts: bool = True
    slots: int | None = None
    figures: Figures = NOTHING_SEEN
    begun: int = 0

    def fits(self, capabilities: Iterable[str], *, mounting: bool) -> bool:
        """Whether the agent can do a task that requires these; `mounting`: it has a workspace."""
        return self.capabilities.issuperset(capabilities) and (self.mounts or not mounting)


@dataclass(frozen=True, slots=True)
class Contender:
    """An agent at the moment of a choice.

    `busy` attempts are live, `room` more may start now, `width` may run at once (None: no limit).
    """

    name: str
    busy: int
    room: int
    width: int | None = None
    begun: int = 0
    figures: Figures = field(default=NOTHING_SEEN)
