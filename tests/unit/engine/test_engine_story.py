"""The story of a run: every sentence it can tell, each told once."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest

from builders.clock import FakeClock
from builders.pods import at
from builders.specs import NAMESPACE, a_step, a_workflow
from spectra_operator.api.phase import PhaseState, TaskState
from spectra_operator.api.workflow import StepState, WorkflowState
from spectra_operator.core.changes import Change, SpecLevels
from spectra_operator.core.insight.expectations import Insight, PhaseInsight
from spectra_operator.core.phase.records import PhaseRecord, Tally, TaskRecord
from spectra_operator.core.spec.compile import compile_workflow
from spectra_operator.core.workflow.records import StepRecord, WorkflowRecord
from spectra_operator.engine.effects import Announce, Effect
from spectra_operator.engine.keys import Key
from spectra_operator.engine.story import (
    Note,
    Storyteller,
    milestone_story,
    phase_story,
    workflow_story,
)

KEY = Key("Phase", NAMESPACE, "stage")
RUNNING = TaskRecord(TaskState.RUNNING, attempt=1)


def _phase(
    state: PhaseState = PhaseState.RUNNING, tasks: dict[str, TaskRecord] | None = None
) -> PhaseRecord:
    return PhaseRecord(state=state, tasks=tasks or {})


def _told(before: TaskRecord | None, after: TaskRecord) -> list[str]:
    old = _phase(tasks={"work": before} if before else {})
    new = _phase(tasks={"work": after})
    return [f"{note.reason} {note.message}" for note in phase_story(old, new)]


def test_a_phase_that_begins_tells_how_much_there_is_to_do() -> None:
    notes = list(
        phase_story(PhaseRecord(), _phase(tasks={"work": TaskRecord(total=7, fan_out=True)}))
    )
    assert notes == [Note("Started", "7 task items to do")]


def test_a_rejected_phase_never_started() -> None:
    after = replace(_phase(PhaseState.REJECTED), message="spec.tasks: a cycle")
    assert list(phase_story(PhaseRecord(), after)) == [Note("Rejected", "spec.tasks: a cycle")]


def test_a_phase_that_ends_tells_how_it_went() -> None:
    done = replace(RUNNING, state=TaskState.SUCCEEDED, succeeded=1)
    notes = list(phase_story(_phase(tasks={"w": done}), _phase(PhaseState.SUCCEEDED, {"w": done})))
    assert notes == [Note("Succeeded", "1 of 1 task items succeeded")]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (
            RUNNING,
            replace(RUNNING, state=TaskState.FAILED, failures=1, reason="Error", message="code 1"),
            ["TaskFailed task work: Error: code 1"],
        ),
        (
            RUNNING,
            replace(RUNNING, state=TaskState.BACKOFF, failures=1, reason="OOMKilled"),
            ["Retrying task work, attempt 1: OOMKilled"],
        ),
        (
            RUNNING,
            replace(RUNNING, state=TaskState.BACKOFF, losses=1, reason="Evicted", message="low"),
            ["TaskLost task work, attempt 1: Evicted: low"],
        ),
        (
            None,
            TaskRecord(TaskState.READY, reason="AgentConcurrency", message="agent worker 3/3"),
            ["Waiting task work: AgentConcurrency: agent worker 3/3"],
        ),
        (
            RUNNING,
            replace(RUNNING, reason="ImagePullBackOff", message="no such image"),
            ["Pending task work: ImagePullBackOff: no such image"],
        ),
        (RUNNING, replace(RUNNING, pod="another"), []),
        (RUNNING, RUNNING, []),
    ],
    ids=["failed", "retrying", "lost", "waiting", "pending", "no news", "nothing at all"],
)
def test_what_becomes_of_a_task_is_told_in_one_sentence(
    before: TaskRecord | None, after: TaskRecord, told: list[str]
) -> None:
    assert _told(before, after) == told


def test_no_more_than_twenty_tasks_are_told_of_at_a_time() -> None:
    broken = replace(RUNNING, state=TaskState.FAILED, reason="Error")
    after = _phase(tasks={f"t{number}": broken for number in range(30)})
    assert len(list(phase_story(_phase(), after))) == 20


def _flow(state: WorkflowState | None, **fields: Any) -> WorkflowRecord:
    steps = fields.pop("steps", {"build": StepRecord(tally=Tally(total=4))})
    return WorkflowRecord(state=state, steps=steps, **fields)


@pytest.mark.parametrize(
    ("before", "after", "note"),
    [
        (None, WorkflowState.RUNNING, Note("Started", "4 task items in 1 phase")),
        (None, WorkflowState.PENDING, Note("Pending", "4 task items in 1 phase")),
        (
            WorkflowState.RUNNING,
            WorkflowState.SUSPENDED,
            Note("Suspended", "4 task items in 1 phase"),
        ),
        (
            WorkflowState.SUSPENDED,
            WorkflowState.RUNNING,
            Note("Resumed", "4 task items in 1 phase"),
        ),
        (
            WorkflowState.RUNNING,
            WorkflowState.SUCCEEDED,
            Note("Succeeded", "0 of 4 task items succeeded"),
        ),
        (None, WorkflowState.REJECTED, Note("Rejected", "0 of 4 task items succeeded")),
    ],
)
def test_every_turn_of_a_workflow_is_told(
    before: WorkflowState | None, after: WorkflowState, note: Note
) -> None:
    assert list(workflow_story(_flow(before), _flow(after))) == [note]


def test_a_message_goes_before_the_usual_words() -> None:
    after = _flow(WorkflowState.FAILED, message="phase build: task a failed")
    notes = list(workflow_story(_flow(WorkflowState.RUNNING), after))
    assert notes == [Note("Failed", "phase build: task a failed")]


def test_a_phase_is_told_of_when_its_object_appears_whatever_its_state_was() -> None:
    waiting = StepRecord()
    planned = WorkflowRecord(steps={"build": StepRecord(StepState.READY), "test": waiting})
    ready = StepRecord(StepState.READY, object_name="flow-build-x")
    made = WorkflowRecord(steps={"build": ready, "test": waiting})
    told = [note.reason for note in workflow_story(planned, made)]
    assert told == ["PhaseStarted"]


def test_the_phases_of_a_workflow_are_told_when_they_begin_and_end() -> None:
    begun = StepRecord(StepState.RUNNING, "flow-build-x", Tally(total=4))
    ended = replace(begun, state=StepState.FAILED, tally=Tally(4, succeeded=3), message="why")
    flows = [
        _flow(WorkflowState.RUNNING, steps={"build": StepRecord(), "test": StepRecord()}),
        _flow(WorkflowState.RUNNING, steps={"build": begun, "test": StepRecord()}),
        _flow(WorkflowState.RUNNING, steps={"build": ended, "test": StepRecord()}),
    ]
    told = [list(workflow_story(a, b)) for a, b in itertools.pairwise(flows)]
    assert told == [
        [Note("PhaseStarted", "phase build is flow-build-x")],
        [Note("PhaseFailed", "phase build 3/4: why")],
    ]


def test_a_phase_that_is_alone_begins_and_ends_with_its_workflow_unless_it_fails() -> None:
    begun = StepRecord(StepState.RUNNING, "flow-build-x", Tally(total=4))
    flows = [
        _flow(WorkflowState.RUNNING, steps={"build": step})
        for step in (
            StepRecord(),
            begun,
            replace(begun, state=StepState.SUCCEEDED),
            replace(begun, state=StepState.FAILED, message="why"),
        )
    ]
    fresh, running, succeeded, failed = flows
    assert not [*workflow_story(fresh, running), *workflow_story(running, succeeded)]
    assert list(workflow_story(running, failed)) == [Note("PhaseFailed", "phase build 0/4: why")]


class _Teller:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.submitted: list[Announce] = []
        self.stories = Storyteller(self.clock, self._submit, "one")

    def _submit(self, effect: Effect) -> None:
        assert isinstance(effect, Announce)
        self.submitted.append(effect)


def test_an_event_says_what_it_is_about_and_whether_it_is_a_warning() -> None:
    teller = _Teller()
    teller.stories.tell(KEY, "u1", Note("TaskFailed", "task a: Error"))
    teller.stories.tell(KEY, "u1", Note("Started", "3 task items to do"))
    warning, normal = (effect.body for effect in teller.submitted)
    assert (warning["type"], normal["type"]) == ("Warning", "Normal")
    assert warning["involvedObject"]["uid"] == "u1"
    assert warning["metadata"]["name"].startswith("stage.")
    assert (warning["count"], warning["reportingInstance"]) == (1, "one")


def test_the_same_words_are_counted_on_the_event_that_said_them_first() -> None:
    teller = _Teller()
    for _ in range(3):
        teller.stories.tell(KEY, "u1", Note("Suspended", "spec.suspend is true"))
        teller.clock.advance(5)
    first, second, third = teller.submitted
    assert (first.name, first.body["count"]) == ("", 1)
    name = first.body["metadata"]["name"]
    assert [second.name, third.name] == [name, name]
    assert third.body == {"count": 3, "lastTimestamp": "2026-01-01T00:00:10Z"}


def test_the_same_words_about_another_object_are_another_event() -> None:
    teller = _Teller()
    teller.stories.tell(KEY, "u1", Note("Started", "1 task items to do"))
    teller.stories.tell(KEY, "u2", Note("Started", "1 task items to do"))
    names = {effect.body["metadata"]["name"] for effect in teller.submitted}
    assert len(names) == 2


def test_only_so_many_words_are_remembered() -> None:
    teller = _Teller()
    for number in range(4097):
        teller.stories.tell(KEY, f"u{number}", Note("Started", "x"))
    teller.stories.tell(KEY, "u0", Note("Started", "x"))
    assert teller.submitted[-1].name == ""  # told anew, not counted
    teller.stories.tell(KEY, "u4096", Note("Started", "x"))
    assert teller.submitted[-1].body["count"] == 2


def test_a_name_of_any_length_and_a_long_message_fit_into_an_event() -> None:
    teller = _Teller()
    key = Key("Phase", NAMESPACE, "a" * 199 + "-" + "b" * 53)
    teller.stories.tell(key, "u1", Note("Failed", "x" * 5000))
    meta = teller.submitted[0].body["metadata"]
    assert len(meta["name"]) <= 253
    assert len(teller.submitted[0].body["message"]) == 1024


def _milestones(before: PhaseInsight | None, after: PhaseInsight) -> list[str]:
    plan = {"durationSeconds": 60, "milestone": "Foundation"}
    shape = compile_workflow(a_workflow([a_step("build", plan=plan), a_step("other")]))
    old = WorkflowRecord(insight=Insight(phases={"build": before} if before else {}))
    new = WorkflowRecord(insight=Insight(phases={"build": after, "other": after}))
    return [str(note.message) for note in milestone_story(shape, old, new)]


def test_a_milestone_is_told_when_it_is_reached_and_when_it_is_late() -> None:
    pending, late = PhaseInsight(milestone="Pending"), PhaseInsight(late="2d", milestone="Late")
    reached = PhaseInsight(late="3d", milestone="Reached")
    assert _milestones(None, pending) == []
    assert _milestones(pending, late) == ["phase build: Foundation is due, 2d late"]
    assert _milestones(late, replace(late, late="3d")) == []
    assert _milestones(late, reached) == ["phase build: Foundation, 3d late"]
    assert _milestones(pending, PhaseInsight(milestone="Reached")) == ["phase build: Foundation"]
    assert _milestones(pending, PhaseInsight(milestone="Missed")) == []


@pytest.mark.parametrize(("suspend", "told"), [(True, []), (False, ["Resumed"])])
def test_who_cancels_a_suspended_workflow_does_not_resume_it(
    suspend: bool, told: list[str]
) -> None:
    levels = SpecLevels(suspend=suspend)
    before = WorkflowRecord(state=WorkflowState.SUSPENDED, levels=SpecLevels(suspend=True))
    after = replace(before, state=WorkflowState.RUNNING, levels=levels)
    assert [note.reason for note in workflow_story(before, after)] == told


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("suspend", "false", "true", "alice", "wrong data"), "Suspended by alice: wrong data"),
        (("suspend", "true", "false", "kubectl-edit", ""), "Resumed by kubectl-edit"),
        (("priority", "0", "9", "alice", "urgent"), "PriorityChanged from 0 to 9 by alice: urgent"),
        (("parallelism", "3", "none", "bob", ""), "ParallelismChanged from 3 to none by bob"),
    ],
)
def test_a_change_of_a_level_names_who_and_why_and_is_told_once(
    change: tuple[str, str, str, str, str], told: str
) -> None:
    field, old, new, actor, reason = change
    state = WorkflowState.SUSPENDED if new == "true" else WorkflowState.RUNNING
    other = WorkflowState.SUSPENDED if new == "false" else WorkflowState.RUNNING
    before = WorkflowRecord(state=other)
    noted = Change(field, old, new, actor, at(1), reason)
    after = replace(before, state=state, changes=(noted,))

    assert [f"{n.reason} {n.message}" for n in workflow_story(before, after)] == [told]
    assert list(workflow_story(after, after)) == []
    alone = [phase_story(_phase(), replace(_phase(), changes=(noted,)))]
    assert [f"{n.reason} {n.message}" for notes in alone for n in notes] == [told]
