"""The attempts of one phase, and what a pass would otherwise have to go by all of them for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from ..core.attempts.evidence import Attempt

_MOST_NOTED = 256
"""Beyond so many changes, and more than there are attempts, it is as cheap to look at all."""


class AttemptCell:
    """Attempts by the name of their pod, with those apart that have ended or have no pod yet.

    What changes is noted from the first time that somebody says what was seen, for as long as it
    stays less than going by all of them.
    """

    __slots__ = ("_changed", "_gone", "_uids", "by_pod", "unsettled")

    def __init__(self) -> None:
        self.by_pod: dict[str, Attempt] = {}
        self.unsettled: dict[str, Attempt] = {}
        self._uids: Counter[str] = Counter()
        self._changed: set[str] | None = None
        self._gone: dict[str, Attempt] = {}

    def put(self, attempt: Attempt) -> Attempt | None:
        """Take in an attempt as it is now; return what was known of it."""
        pod, known = attempt.pod, self.by_pod.get(attempt.pod)
        self.by_pod[pod] = attempt
        if attempt.live and attempt.uid:
            self.unsettled.pop(pod, None)
        else:
            self.unsettled[pod] = attempt
        if known is None or known.phase_uid != attempt.phase_uid:
            self._count(known, -1)
            self._count(attempt, 1)
        self._note(pod)
        return known

    def take(self, pod: str) -> Attempt | None:
        """Take an attempt out."""
        known = self.by_pod.pop(pod, None)
        self.unsettled.pop(pod, None)
        self._count(known, -1)
        if known is not None:
            self._note(pod)
            if self._changed is not None:
                self._gone[pod] = known
        return known

    def are_of(self, uid: str) -> bool:
        """Whether all attempts are of the phase with this UID, none of one of the same name."""
        return not self._uids or self._uids.keys() == {uid}

    def of_uid(self, uid: str) -> Iterable[Attempt]:
        """Return the attempts of one UID, as they are whenever one goes by them."""
        return self.by_pod.values() if self.are_of(uid) else _Some(self.by_pod, uid)

    def all_seen(self) -> None:
        """Note that a decision was made about all that is here now."""
        self._changed, self._gone = set(), {}

    def changes(
        self, uid: str, wanted: Iterable[str]
    ) -> tuple[tuple[Attempt, ...], tuple[Attempt, ...]] | None:
        """Return the attempts that changed or are wanted, and those gone since all was seen.

        Those of another phase of the same name are left out. None if what changed is not known.
        """
        if self._changed is None:
            return None
        names = sorted(self._changed.union(wanted))  # effects come in this order, each time
        found = (self.by_pod[pod] for pod in names if pod in self.by_pod)
        gone = (known for pod, known in self._gone.items() if pod not in self.by_pod)
        return (
            tuple(attempt for attempt in found if attempt.phase_uid == uid),
            tuple(attempt for attempt in gone if attempt.phase_uid == uid),
        )

    def _note(self, pod: str) -> None:
        if self._changed is None:
            return
        self._changed.add(pod)
        if len(self._changed) > max(_MOST_NOTED, len(self.by_pod)):
            self._changed, self._gone = None, {}

    def _count(self, attempt: Attempt | None, by: int) -> None:
        if attempt is None:
            return
        self._uids[attempt.phase_uid] += by
        if not self._uids[attempt.phase_uid]:
            del self._uids[attempt.phase_uid]


class _Some:
    """The attempts of one UID among others."""

    def __init__(self, by_pod: dict[str, Attempt], uid: str) -> None:
        self._by_pod, self._uid = by_pod, uid

    def __iter__(self) -> Iterator[Attempt]:
        return (a for a in self._by_pod.values() if a.phase_uid == self._uid)
