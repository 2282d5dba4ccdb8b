"""What a pass knows of the attempts since the last one, so that it need not go by all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ..attempts.evidence import Attempt
from ..policy import TaskPolicy
from .records import PhaseRecord


@dataclass(frozen=True, slots=True)
class Missing:
    """An attempt that status calls running though no pod of it is known: to be looked up."""

    task: str
    index: int
    number: int


@dataclass(frozen=True, slots=True)
class Attention:
    """What the next decision must look at beside what changes meanwhile.

    It holds for a decision that goes on from this very `record`, by these very `policies`.
    `restless` names the pods of attempts that each pass looks at, `unwritten` those whose end is
    recorded but did not stand in `persisted`: they are looked at when that is another. All others
    rest until they change, or until `limit_at`, when the first of them passes a time limit.
    """

    record: PhaseRecord
    policies: Mapping[str, TaskPolicy]
    persisted: PhaseRecord
    restless: frozenset[str] = frozenset()
    unwritten: frozenset[str] = frozenset()
    missing: tuple[Missing, ...] = ()
    limit_at: datetime | None = None

    def wanted(self, persisted: PhaseRecord) -> frozenset[str]:
        """Return the pods to look at, whether they change or not, as status stands now."""
        return self.restless if persisted is self.persisted else self.restless | self.unwritten


@dataclass(frozen=True, slots=True)
class Glance:
    """The attempts that changed since a decision or were restless after it, and those gone."""

    attention: Attention
    seen: tuple[Attempt, ...]
    gone: tuple[Attempt, ...] = ()
