"""Kubernetes Events: the story of a run for `kubectl describe`, told once.

A story is the difference between two records, told when the newer one stands in status; so a
restart repeats nothing. Repetitions of the same words are counted on one Event.
"""

from __future__ import annotations

import logging
import re
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..api import constants as c
from ..api.phase import PhaseState, TaskState
from ..api.workflow import StepState, WorkflowState
from ..core.changes import Change
from ..core.conditions import RunRecord, timestamp
from ..core.insight.milestones import LATE, REACHED
from ..core.names import short_hash
from ..core.phase.records import PhaseRecord, TaskRecord
from ..core.phase.settle import is_benign
from ..core.pool.scale_story import SILENT, TROUBLES, scale_story
from ..core.snapshot import PhaseShape, WorkflowShape
from ..core.workflow.records import StepRecord, WorkflowRecord
from ..kube.clock import Clock
from ..kube.resources import EVENTS, Body
from .correlation import about_task
from .effects import Announce, Effect
from .keys import RESOURCES, Key

logger = logging.getLogger(__name__)

_REMEMBERED = 4096
_VARYING = frozenset({"Pending", "Waiting"})
"""Notes whose numbers are the cluster's, such as ports in an image pull's error; not ours."""
_DIGITS = re.compile(r"[0-9]+")
_MOST_TASKS_TOLD = 20
_PASSING = ("", "ContainerCreating", "PodInitializing")
_TOLD_BY_WORKFLOW = frozenset({"Started", *PhaseState})
_WARNINGS = frozenset(
    {"Failed", "Rejected", "Retrying", "TaskFailed", "TaskLost", "PhaseFailed", "MilestoneLate"}
    | {"RunsMissed", "RunRefused", "ActionRefused", SILENT}
    | TROUBLES
    | {"AnalysisFailed", "WorkersCrashing", "ProgressDeadlineExceeded", "GateFailed", "GateError"}
    | {"Inconclusive", "QueryError", "OrderRefused"}
)


@dataclass(frozen=True, slots=True)
class Note:
    """One sentence of a story; of a task's also which, and which attempt, if it is one's."""

    reason: str
    message: str
    task: str = ""
    attempt: int = 0


def phase_story(before: PhaseRecord, after: PhaseRecord) -> Iterator[Note]:
    """Yield what happened to a phase between two records."""
    if before.state is None and after.state is not PhaseState.REJECTED:
        yield Note("Started", f"{after.tally().total} task items to do")
    yield from _changes_story(before, after)
    told = 0
    for name, task in after.tasks.items():
        known = before.tasks.get(name) or TaskRecord()
        if task is known or task == known:
            continue
        for note in _task_story(name, known, task):
            told += 1
            if told <= _MOST_TASKS_TOLD:
                yield note
    if after.ended and not before.ended:
        tally = after.tally()
        text = after.message or f"{tally.succeeded} of {tally.total} task items succeeded"
        yield Note(str(after.state), text)


def _task_story(name: str, before: TaskRecord, after: TaskRecord) -> Iterator[Note]:
    why = f"{after.reason}: {after.message}" if after.message else after.reason
    if after.state is TaskState.FAILED and before.state is not TaskState.FAILED:
        yield Note("TaskFailed", f"task {name}: {why}", name, after.attempt)
    elif after.failures > before.failures:
        text = f"task {name}, attempt {after.attempt}: {why}"
        yield Note("Retrying", text, name, after.attempt)
    if after.losses > before.losses:
        text = f"task {name}, attempt {after.attempt}: {why}"
        yield Note("TaskLost", text, name, after.attempt)
    if after.way > before.way:
        text = f"task {name} goes on with fallback {after.way} after {why}"
        yield Note("FallbackUsed", text, name)
    if after.spawned and not before.spawned:
        text = f"task {name} returned a plan; {after.spawned.object_name} carries it out"
        yield Note("Planned", text, name)
    if after.state is TaskState.SKIPPED and before.state is not after.state and is_benign(after):
        yield Note("TaskSkipped", f"task {name}: {why}", name)
    if after.state is TaskState.READY and after.reason and after.reason != before.reason:
        yield Note("Waiting", f"task {name}: {why}", name)
    if after.state is TaskState.RUNNING and after.reason not in (before.reason, *_PASSING):
        yield Note("Waiting" if after.fan_out else "Pending", f"task {name}: {why}", name)


def workflow_story(before: WorkflowRecord, after: WorkflowRecord) -> Iterator[Note]:
    """Yield what happened to a workflow between two records."""
    if after.state is not before.state and not after.ended:
        phases = "1 phase" if len(after.steps) == 1 else f"{len(after.steps)} phases"
        text = after.message or f"{after.tally().total} task items in {phases}"
        turn = _turn(before, after)
        if turn and turn not in {note.reason for note in _changes_story(before, after)}:
            yield Note(turn, text)
    yield from _changes_story(before, after)
    yield from _orders_story(before, after)
    if len(after.steps) > 1 or not _goes_well(after):  # one alone is begun and done as its workflow
        yield from _steps_story(before, after)
    if after.ended and not before.ended:
        tally = after.tally()
        text = after.message or f"{tally.succeeded} of {tally.total} task items succeeded"
        yield Note(str(after.state), text)


def _goes_well(record: WorkflowRecord) -> bool:
    steps = record.steps.values()
    return all(not step.ended or step.state is StepState.SUCCEEDED for step in steps)


def _steps_story(before: WorkflowRecord, after: WorkflowRecord) -> Iterator[Note]:
    """Yield what happened to the phases of a workflow between two records."""
    for name, step in after.steps.items():
        known = before.steps.get(name) or StepRecord()
        if step.object_name and not known.object_name:
            yield Note("PhaseStarted", f"phase {name} is {step.object_name}")
        if step.ended and not known.ended:
            suffix = f": {step.message}" if step.message else ""
            yield Note(f"Phase{step.state}", f"phase {name} {step.tally.progress}{suffix}")


def milestone_story(
    shape: WorkflowShape, before: WorkflowRecord, after: WorkflowRecord
) -> Iterator[Note]:
    """Yield which milestones were reached or came to be late between two records."""
    for name, insight in after.insight.phases.items():
        known, plan = before.insight.phases.get(name), shape.phases[name].plan
        if plan is None or insight.milestone == (known.milestone if known else ""):
            continue
        late = f", {insight.late} late" if insight.late else ""
        if insight.milestone == REACHED:
            yield Note("MilestoneReached", f"phase {name}: {plan.milestone}{late}")
        elif insight.milestone == LATE:
            yield Note("MilestoneLate", f"phase {name}: {plan.milestone} is due{late}")


def agent_story(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Note]:
    """Yield what happened to an agent between two statuses."""
    for reason, message in scale_story(before, after):
        yield Note(reason, message)


def _orders_story(before: WorkflowRecord, after: WorkflowRecord) -> Iterator[Note]:
    known = {order.uid: order for order in before.orders}
    for order in after.orders:
        if known.get(order.uid) == order:
            continue
        place = "/".join(part for part in (order.phase, order.task) if part)
        what = f"{order.type} {place}".strip()
        if order.refused:
            yield Note("ActionRefused", f"{what} by {order.actor}: {order.refused}")
        elif order.uid not in known:
            yield Note("ActionTaken", f"{what} by {order.who_and_why}")


def _changes_story(before: RunRecord, after: RunRecord) -> Iterator[Note]:
    """Yield who changed which level and why; one who suspends or resumes tells that by name."""
    if after.changes is before.changes:
        return
    for change in after.changes:
        if change not in before.changes:
            yield _change_note(change)


def _change_note(change: Change) -> Note:
    if change.field == "suspend":
        reason = "Suspended" if change.after == "true" else "Resumed"
        return Note(reason, f"by {change.who_and_why}")
    text = f"from {change.before} to {change.after} by {change.who_and_why}"
    return Note(f"{change.field.capitalize()}Changed", text)


def _turn(before: WorkflowRecord, after: WorkflowRecord) -> str:
    """Return what a new state is told as; empty if it is told otherwise.

    A suspended workflow that is stopped, or fails, runs on to its end without being resumed.
    """
    if after.state is not WorkflowState.RUNNING:
        return str(after.state)
    if before.state is not WorkflowState.SUSPENDED:
        return "Started"
    return "" if after.levels and after.levels.suspend else "Resumed"


class Storyteller:
    """Turns stories into Events; the same words about the same object become one Event."""

    def __init__(self, clock: Clock, submit: Callable[[Effect], None], instance: str) -> None:
        self._clock = clock
        self._submit = submit
        self._instance = instance
        self._last = 0
        self._told: OrderedDict[tuple[str, str, str], tuple[str, int]] = OrderedDict()

    def phase(self, key: Key, shape: PhaseShape, before: PhaseRecord, after: PhaseRecord) -> None:
        """Tell what happened to a phase; its workflow tells of its start and end."""
        owned = shape.spec.workflow_ref is not None
        for note in phase_story(before, after):
            if owned and note.reason in _TOLD_BY_WORKFLOW:
                continue
            self.tell(key, shape.uid, note)

    def workflow(
        self, key: Key, shape: WorkflowShape, before: WorkflowRecord, after: WorkflowRecord
    ) -> None:
        """Tell what happened to a workflow."""
        for note in (*workflow_story(before, after), *milestone_story(shape, before, after)):
            self.tell(key, shape.uid, note)

    def tell_agent(
        self, key: Key, uid: str, before: Mapping[str, Any], after: Mapping[str, Any]
    ) -> None:
        """Tell what happened to an agent between two statuses."""
        for note in agent_story(before, after):
            self.tell(key, uid, note)

    def tell(self, key: Key, uid: str, note: Note) -> None:
        """Create an Event, or count one that was told before."""
        now = timestamp(self._clock.now())
        message = note.message[:1024]
        same = _DIGITS.sub("#", message) if note.reason in _VARYING else message
        words = (uid, note.reason, same)
        known = self._told.get(words)
        if known:
            name, count = known[0], known[1] + 1
            self._told[words] = (name, count)
            body: Body = {"count": count, "lastTimestamp": now}
            self._submit(Announce(key, EVENTS, body, name))
            return
        digest = short_hash(f"{uid}{note.reason}{message}{now}", 12)
        name = f"{key.name[:200].rstrip('-.')}.{self._moment():x}.{digest}"
        logger.info("%s: %s", key, note.reason, extra=about_task(note.task, note.attempt))
        self._told[words] = (name, 1)
        if len(self._told) > _REMEMBERED:
            self._told.popitem(last=False)
        self._submit(Announce(key, EVENTS, self._event(key, uid, note, name), ""))

    def _moment(self) -> int:
        """Return a number that grows with every Event: kubectl sorts those of a second by name."""
        self._last = max(self._last + 1, int(self._clock.now().timestamp() * 1e6))
        return self._last

    def _event(self, key: Key, uid: str, note: Note, name: str) -> Body:
        now = timestamp(self._clock.now())
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": key.namespace},
            "involvedObject": {
                "apiVersion": RESOURCES[key.kind].api_version,
                "kind": key.kind,
                "namespace": key.namespace,
                "name": key.name,
                "uid": uid,
            },
            "reason": note.reason,
            "message": note.message[:1024],
            "type": "Warning" if note.reason in _WARNINGS else "Normal",
            "count": 1,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "source": {"component": c.MANAGER, "host": self._instance},
            "reportingComponent": f"{c.GROUP}/operator",
            "reportingInstance": self._instance,
        }
