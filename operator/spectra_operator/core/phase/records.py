"""What is known of tasks and phases: immutable records, the meaning of a Phase's status.

A task is a set of items; a task without `count` has the one item 0. Ended items are sets of
indexes, so that a fan-out of 10,000 costs a few kilobytes; only items that were tried and have
not ended carry a record of their own.

Attempts of an item are counted from 1, over everything that happens to it. The first `prior` of
them came before its last reset, by a fallback or an action; `failures + losses` have ended badly
since. The attempts up to the sum of these are *recorded*; one more is the attempt that is live or
ended the item.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from types import MappingProxyType

from ...api.phase import PhaseState, TaskState
from .. import indexes
from ..attempts.progress import Progress
from ..attempts.results import Usage
from ..conditions import RunRecord
from ..sparse import FEW, length_of, with_entry, without, without_all
from .open_masks import OpenMasks
from .skips import BENIGN

ENDED = frozenset({TaskState.SUCCEEDED, TaskState.FAILED, TaskState.SKIPPED, TaskState.CANCELLED})
PHASE_ENDED = frozenset(
    {PhaseState.SUCCEEDED, PhaseState.FAILED, PhaseState.CANCELLED, PhaseState.REJECTED}
)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What an attempt that ended badly, at a time, has left for the next one, as JSON text."""

    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Item:
    """An item that was tried and has not ended: Running, or Backoff until `not_before`.

    `way` is 0 for the task's own agent and i for its i-th fallback. `checkpoint` is the last one
    of the attempts before the one that is live.
    """

    state: TaskState
    attempt: int
    failures: int = 0
    losses: int = 0
    not_before: datetime | None = None
    reason: str = ""
    prior: int = 0
    way: int = 0
    checkpoint: Checkpoint | None = None

    @property
    def recorded(self) -> int:
        """Number of the last attempt whose end is in this record."""
        return self.prior + self.failures + self.losses


@dataclass(frozen=True, slots=True)
class Spawned:
    """The plan that a planner's attempt returned, and the Phase object that carries it out.

    `tasks` is the plan as JSON until that object was seen; `outputs` what the planner returned
    beside it, as JSON.
    """

    attempt: int
    object_name: str
    tasks: str = ""
    outputs: str = ""


NO_USAGE = Usage()
NO_ITEMS: Mapping[int, Item] = MappingProxyType({})
NO_OUTPUTS: Mapping[int, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """A task's state. Masks hold ended items by index; `outputs` their results as JSON text.

    A task whose items are not known yet has a `total` of 0. `prior` counts the attempts of items
    that are not open; `way` is the one of the last attempt. `progress` is what its live attempts
    say: nothing rests on it, and it is not kept. `selection` says why the last attempt's agent
    was chosen, if it was. `masks` saves going by the open items of a wide fan-out again.
    """

    state: TaskState = TaskState.WAITING
    total: int = 1
    fan_out: bool = False
    succeeded: int = 0
    failed: int = 0
    cancelled: int = 0
    open: Mapping[int, Item] = field(default_factory=lambda: NO_ITEMS)
    outputs: Mapping[int, str] = field(default_factory=lambda: NO_OUTPUTS)
    reason: str = ""
    message: str = ""
    agent: str = ""
    selection: str = ""
    revision: str = ""
    pod: str = ""
    attempt: int = 0
    prior: int = 0
    way: int = 0
    failures: int = 0
    losses: int = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None
    usage: Usage = NO_USAGE
    spawned: Spawned | None = None
    progress: Progress | None = None
    masks: OpenMasks | None = field(default=None, compare=False, repr=False)

    @property
    def ended(self) -> bool:
        """Whether the task has ended."""
        return self.state in ENDED

    @property
    def ended_mask(self) -> int:
        """Items that have ended."""
        return self.succeeded | self.failed | self.cancelled

    @property
    def running_mask(self) -> int:
        """Items with a live attempt."""
        return self.open_masks.running if self.open else 0

    @property
    def untried_mask(self) -> int:
        """Items that no attempt was made for."""
        tried = self.open_masks.all if self.open else 0
        return indexes.full(self.total) & ~self.ended_mask & ~tried

    @property
    def open_masks(self) -> OpenMasks:
        """Which items are open, and which of them run."""
        known = self.masks
        if known is None or known.items is not self.open:
            known = OpenMasks.of(self.open)
        return known

    def pausing(self) -> Iterator[tuple[int, Item]]:
        """Yield the open items that do not run, by index."""
        if self.open:
            masks = self.open_masks
            for index in indexes.iterate(masks.all & ~masks.running):
                yield index, self.open[index]

    def recorded(self, index: int) -> int | None:
        """Number of the last attempt of an item whose end is in this record; None: all of them."""
        if self.ended:
            return None
        item = self.open.get(index)
        if item is not None:  # an item that is open has not ended
            return item.recorded
        return None if (self.ended_mask >> index) & 1 else self.prior

    def way_of(self, index: int) -> int:
        """Way that an item's current attempt goes: 0, or the number of a fallback."""
        item = self.open.get(index)
        return item.way if item else 0

    def left(self, index: int) -> str:
        """Return what the attempts of an item have left for the next, as JSON, or nothing.

        It may be spoilt: whoever may write a status may have written it.
        """
        item = self.open.get(index)
        return item.checkpoint.text if item and item.checkpoint else ""

    def with_item(self, index: int, item: Item | None) -> TaskRecord:
        """Return the record with an open item set or, for None, removed."""
        items = without(self.open, index) if item is None else with_entry(self.open, index, item)
        masks = self.open_masks.after(items, index) if len(items) > FEW else None
        return replace(self, open=items, masks=masks)

    def without_items(self, gone: Set[int]) -> TaskRecord:
        """Return the record without some open items."""
        items = without_all(self.open, gone)
        masks = self.open_masks.less(items, indexes.of(gone)) if len(items) > FEW else None
        return replace(self, open=items, masks=masks)

    def output_bytes(self) -> int:
        """Bytes of the outputs, as status holds them: those of a fan-out stand in an array."""
        if not self.outputs:
            return 0
        size = length_of(self.outputs)
        if not self.fan_out or not self.outputs:
            return size
        return size + _array_bytes(self.total) - len("null") * len(self.outputs)

    def output_growth(self, text: str) -> int:
        """Bytes that the outputs of one more item would add."""
        if not self.fan_out:
            return len(text)
        array = 0 if self.outputs else _array_bytes(self.total)
        return array + len(text) - len("null")


def _array_bytes(total: int) -> int:
    """Bytes of an array with null for each item."""
    return len("[]") + len("null,") * total - len(",")


@dataclass(frozen=True, slots=True)
class Tally:
    """Task items by state.

    `total` counts what is or was to be done, without the items that were skipped for a benign
    reason; `skipped` counts these too.
    """

    total: int = 0
    running: int = 0
    succeeded: int = 0
    failed: int = 0
    skipped: int = 0
    cancelled: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.total + other.total,
            self.running + other.running,
            self.succeeded + other.succeeded,
            self.failed + other.failed,
            self.skipped + other.skipped,
            self.cancelled + other.cancelled,
        )

    @property
    def progress(self) -> str:
        """Items that succeeded of those to be done, as people read it."""
        return f"{self.succeeded}/{self.total}"


@dataclass(frozen=True, slots=True)
class PhaseRecord(RunRecord):
    """A phase's state and its tasks; what status holds, or will.

    `applied` has the actions that were taken in, by UID, and why one was refused.
    """

    state: PhaseState | None = None
    tasks: Mapping[str, TaskRecord] = field(default_factory=dict)
    applied: Mapping[str, str] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        """Whether the phase has ended."""
        return self.state in PHASE_ENDED

    def tally(self) -> Tally:
        """Count the items of all tasks by state."""
        counts = [0] * _STATES
        for record in self.tasks.values():
            for place, count in enumerate(_tally(record)):
                counts[place] += count
        return Tally(*counts)

    def usage(self) -> Usage:
        """Sum what all tasks used."""
        used = (r.usage for r in self.tasks.values() if r.usage is not NO_USAGE)
        return sum(used, NO_USAGE)


def tally(record: TaskRecord) -> Tally:
    """Count the items of one task by state."""
    return Tally(*_tally(record))


_STATES = len(fields(Tally))


def _tally(record: TaskRecord) -> tuple[int, ...]:
    """Count the items of one task, in the order of the fields of Tally."""
    unknown = not record.total and record.state is not TaskState.SUCCEEDED
    total = 1 if unknown else record.total
    left = total - record.ended_mask.bit_count() if record.ended else 0
    stopped = record.state is TaskState.CANCELLED
    benign = record.state is TaskState.SKIPPED and record.reason in BENIGN
    return (
        total - left if benign else total,
        0 if record.ended or not record.open else record.running_mask.bit_count(),
        record.succeeded.bit_count(),
        record.failed.bit_count(),
        0 if stopped else left,
        record.cancelled.bit_count() + (left if stopped else 0),
    )
