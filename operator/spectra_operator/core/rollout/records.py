"""What is known of a rollout and what is to be done: immutable records.

Words: *stable* is the revision that was promoted last; *preview* the one under way; *active* what
new claims use. Before the switch active is stable, after it active is preview.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from ...api.rollout import (
    GateTaskSpec,
    Replay,
    Rollout,
    RolloutEnd,
    RolloutOrderRecord,
    RolloutOutcome,
    RolloutState,
    RolloutStatus,
    RolloutVerb,
)
from ..pool.fleet import Keep
from .readable import readable
from .stats import NO_STATS, RevisionStats


@dataclass(frozen=True, slots=True)
class RolloutRecord:
    """What a decision leaves to the next one; the fields are those of `RolloutStatus`."""

    number: int = 0
    stable: str = ""
    active: str = ""
    preview: str = ""
    rejected: str = ""
    warm: str = ""
    warm_until: datetime | None = None
    state: RolloutState = RolloutState.PENDING
    reason: str = ""
    message: str = ""
    since: datetime | None = None
    deadline: datetime | None = None
    progress: int = 0
    switched_at: datetime | None = None
    enough_at: datetime | None = None
    alone_since: datetime | None = None
    replay: str = ""
    proven: bool = False
    by: str = ""
    history: tuple[RolloutEnd, ...] = ()
    applied: tuple[RolloutOrderRecord, ...] = ()

    @property
    def exposed(self) -> bool:
        """Whether the revision under way was switched to."""
        return bool(self.preview) and self.active == self.preview

    def was_promoted(self, revision: str) -> bool:
        """Whether a revision was promoted, and not gone back on since, as history tells."""
        telling = (RolloutOutcome.PROMOTED, RolloutOutcome.ROLLED_BACK)
        ends = [each.outcome for each in self.history if each.revision == revision]
        known = [outcome for outcome in ends if outcome in telling]
        return bool(known) and known[-1] is RolloutOutcome.PROMOTED


def render_record(record: RolloutRecord) -> dict[str, Any]:
    """Return a record as a status has it, without what is empty."""
    fields = {name: getattr(record, name) for name in RolloutStatus.model_fields}
    status = RolloutStatus.model_construct(
        **{**fields, "history": list(record.history), "applied": list(record.applied)}
    )
    return status.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def parse_record(document: Any) -> RolloutRecord:
    """Return the record that a status tells of.

    What cannot be read is left out; without a stable revision the spec's is taken as the first
    one. A revision that is active and neither stable nor under way was never switched to. Where
    nothing says since when the stable one is alone, it surely is since the last rollout has ended.
    """
    status = readable(document)
    fields = {name: getattr(status, name) for name in RolloutStatus.model_fields}
    record = RolloutRecord(
        **{**fields, "history": tuple(status.history), "applied": tuple(status.applied)}
    )
    if record.alone_since is None and record.history and not record.exposed:
        record = replace(record, alone_since=record.history[-1].at)
    known = record.active in (record.stable, record.preview)
    return record if known and record.active else replace(record, active=record.stable)


@dataclass(frozen=True, slots=True)
class RolloutOrder:
    """What a person asks for by an Action object; `at` is when it was made.

    `revision` names where an Undo leads; empty for the revision that was promoted before.
    """

    uid: str
    name: str
    verb: RolloutVerb
    actor: str
    reason: str
    at: datetime
    revision: str = ""

    @property
    def who_and_why(self) -> str:
        """The actor and the reason, as messages give them."""
        return f"{self.actor}: {self.reason}"[:1024]


@dataclass(frozen=True, slots=True)
class WorkerCounts:
    """Workers of a revision. `failing`: how many failed, at once or in a row, without success.

    `stuck` of them are there and will hardly ever start; `trouble` says of one that does not start
    what keeps it.
    """

    ready: int = 0
    starting: int = 0
    failing: int = 0
    stuck: int = 0
    trouble: str = ""


NO_WORKERS = WorkerCounts()


class GateState(StrEnum):
    """How a gate stands. Error: it could not be tried, which says nothing of the revision."""

    PENDING = "Pending"
    PASSED = "Passed"
    FAILED = "Failed"
    ERROR = "Error"


@dataclass(frozen=True, slots=True)
class GateResult:
    """How a gate stands, why, and since when.

    `steps` counts what of it is done: each is progress. `pause` is in seconds: when one that could
    not be tried is tried again. `lost`: its attempt began and came to no end.
    """

    state: GateState
    at: datetime
    message: str = ""
    steps: int = 0
    pause: int = 10
    lost: bool = False


@dataclass(frozen=True, slots=True)
class GateTask:
    """A gate to try with the preview revision.

    `key` is unique over all rollouts of the agent, so that a result of another one is none.
    """

    key: str
    spec: GateTaskSpec | Replay


@dataclass(frozen=True, slots=True)
class Reading:
    """What a query gave: a value, nothing (no data), or an error of the provider."""

    at: datetime
    value: float | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class RolloutSnapshot:
    """All that a decision about a rollout may use.

    Each attempt of a revision must be counted once: in `running` from the moment that it is given
    until its end stands in `stats`, so that no crash makes it disappear in between.

    Attributes:
        pooled: Whether the agent is in mode Pool; otherwise there are no workers.
        wanted: Revision of the spec's template; empty while the spec is invalid.
        stored: Revisions whose templates are stored.
        record: What the last decision left, as it stands in status.
        stats: Ended attempts by revision.
        running: Attempts under way by revision: claims given, pods made.
        workers: By revision.
        desired: How many workers the tasks make wanted.
        orders: All that are there, also those applied before.
        gates: By key of the gate.
        readings: The newest by name of the query.
    """

    spec: Rollout
    wanted: str
    now: datetime
    pooled: bool = True
    stored: frozenset[str] = frozenset()
    record: RolloutRecord = RolloutRecord()
    stats: Mapping[str, RevisionStats] = field(default_factory=dict)
    running: Mapping[str, int] = field(default_factory=dict)
    workers: Mapping[str, WorkerCounts] = field(default_factory=dict)
    desired: int = 1
    orders: tuple[RolloutOrder, ...] = ()
    gates: Mapping[str, GateResult] = field(default_factory=dict)
    readings: Mapping[str, Reading] = field(default_factory=dict)

    def workers_of(self, revision: str) -> WorkerCounts:
        """Return the workers of a revision."""
        return self.workers.get(revision, NO_WORKERS)

    def has_worker(self, revision: str) -> bool:
        """Whether attempts of a revision could begin now."""
        return not self.pooled or self.workers_of(revision).ready > 0


@dataclass(frozen=True, slots=True)
class Told:
    """Something to tell as an Event."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class RolloutDecision:
    """What is to be done for a rollout.

    Attributes:
        record: What the next decision needs. `allowed` holds once it stands in status.
        stats: The statistics to go on with, written together with the record.
        allowed: How many more attempts each revision may be given now, the first one first; None
            for no limit. A revision that is not named gets none.
        keep: Which revisions keep workers; those of others drain.
        run_gate: Gates to try now; one that is under way is not named again.
        query_at: When the next queries are due, if any.
        told: What to tell as Events.
        wake_at: When to decide again if nothing happens before.
    """

    record: RolloutRecord
    stats: Mapping[str, RevisionStats]
    allowed: Mapping[str, int | None]
    keep: Mapping[str, Keep]
    run_gate: tuple[GateTask, ...] = ()
    query_at: datetime | None = None
    told: tuple[Told, ...] = ()
    wake_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """A decision in the making: the record as it has become, and what to tell of it.

    `anew` names the revision whose statistics begin anew.
    """

    snapshot: RolloutSnapshot
    record: RolloutRecord
    told: tuple[Told, ...] = ()
    anew: str = ""

    def stats_of(self, revision: str) -> RevisionStats:
        """Return the statistics of a revision."""
        known = self.snapshot.stats.get(revision, NO_STATS)
        return NO_STATS if revision == self.anew else known

    def becomes(self, **changes: Any) -> Turn:
        """Return the turn with a changed record, and nothing to tell of it."""
        return replace(self, record=replace(self.record, **changes))

    def tell(self, reason: str, message: str) -> Turn:
        """Return the turn with one more thing to tell."""
        return replace(self, told=(*self.told, Told(reason, message[:1024])))

    def enter(self, state: RolloutState, reason: str, message: str) -> Turn:
        """Return the turn in a state; it tells of one that is new, or holds for another reason."""
        before = self.record
        if (before.state, before.reason, before.message) == (state, reason, message[:1024]):
            return self
        since = before.since if before.state is state else self.snapshot.now
        after = self.becomes(state=state, reason=reason, message=message[:1024], since=since)
        return after if before.reason == reason else after.tell(reason, message)
