"""What is expected of a phase, before it begins, while it runs, and when it is over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from builders.pods import at
from builders.specs import Body, a_chain, a_phase, a_task
from spectra_operator.api.phase import TaskState
from spectra_operator.api.task import Task
from spectra_operator.core.insight.durations import Durations, Observed
from spectra_operator.core.insight.estimate import NO_LIMITS, NOTHING, Width
from spectra_operator.core.insight.expectations import Outlook
from spectra_operator.core.insight.outlook import (
    PhaseFacts,
    expected_items,
    phase_outlook,
    task_slack,
)
from spectra_operator.core.phase.records import TaskRecord
from spectra_operator.core.spec.compile import compile_phase

TASKS = [*a_chain("a", "b", agent="slow"), a_task("c", agent="fast")]
SEEN = Observed(agents={"slow": Durations((10_000,)), "fast": Durations((15_000, 15_000))})
DONE = TaskRecord(state=TaskState.SUCCEEDED, succeeded=1)


def facts(
    records: Mapping[str, TaskRecord] | None = None,
    *,
    tasks: list[Body] = TASKS,
    observed: Observed = SEEN,
    width: Width = NO_LIMITS,
) -> PhaseFacts:
    shape = compile_phase(a_phase(tasks))
    return PhaseFacts("build", shape.tasks, shape.graph, observed, width, records or {})


def outlook(records: Mapping[str, TaskRecord] | None = None, now: float = 0, **kw: Any) -> Outlook:
    return phase_outlook(facts(records, **kw), at(now))


def test_before_it_begins_the_longest_path_decides() -> None:
    seen = outlook()
    assert (seen.rest.seconds, seen.task, seen.steps) == (20.0, "a", 2)
    assert (seen.done, seen.total, seen.samples, seen.clue) == (0.0, 35.0, 3, True)


def test_what_is_done_is_left_out() -> None:
    seen = outlook({"a": DONE})
    assert (seen.rest.seconds, seen.task, seen.steps) == (15.0, "c", 1)
    assert (seen.done, seen.total) == (10.0, 35.0)
    over = outlook(dict.fromkeys("abc", DONE))
    assert (over.rest, over.task, over.steps) == (NOTHING, "", 0)
    assert over.done == over.total == 35.0


def test_a_running_task_needs_only_its_rest() -> None:
    running = TaskRecord(state=TaskState.RUNNING, attempt=1, started_at=at(0))
    assert outlook({"a": running}, now=4).rest.seconds == 16.0
    again = TaskRecord(state=TaskState.RUNNING, attempt=2, started_at=at(0))
    assert outlook({"a": again}, now=4).rest.seconds == 20.0


def test_without_a_clue_every_attempt_counts_as_a_second() -> None:
    seen = outlook(observed=Observed())
    assert (seen.clue, seen.samples, seen.task, seen.total) == (False, 0, "a", 3.0)


def test_an_agent_of_which_nothing_was_seen_gives_no_clue_until_its_tasks_have_ended() -> None:
    half = Observed(agents={"slow": Durations((10_000,))})
    seen = outlook(observed=half)
    assert (seen.clue, seen.samples, seen.task) == (False, 1, "a")
    assert outlook({"c": DONE}, observed=half).clue
    assert outlook(dict.fromkeys("abc", DONE), observed=half).clue


def test_a_plan_stands_in_for_what_was_not_seen() -> None:
    tasks = [a_task("a", plan={"durationSeconds": 60})]
    seen = outlook(tasks=tasks, observed=Observed())
    assert (seen.rest.seconds, seen.samples, seen.clue) == (60.0, 0, True)


def test_limits_make_the_phase_longer() -> None:
    assert outlook(width=Width(phase=1)).rest.seconds == 35.0
    many = [a_task("m", agent="slow", count=10, parallelism=5)]
    assert outlook(tasks=many).rest.seconds == 20.0
    assert outlook(tasks=many, width=Width({"slow": 2})).rest.seconds == 50.0


def test_items_that_ended_are_done_work() -> None:
    many = [a_task("m", agent="slow", count=4)]
    half = TaskRecord(TaskState.RUNNING, total=4, fan_out=True, succeeded=0b01, failed=0b10)
    seen = outlook({"m": half}, tasks=many)
    assert (seen.done, seen.total, seen.rest.seconds) == (20.0, 40.0, 10.0)


def test_a_benign_skip_takes_work_away_and_another_one_leaves_it_undone() -> None:
    benign = TaskRecord(state=TaskState.SKIPPED, reason="ConditionFalse")
    assert outlook({"c": benign}).total == 20.0
    other = TaskRecord(state=TaskState.SKIPPED, reason="DependencyFailed")
    assert (outlook({"c": other}).total, outlook({"c": other}).done) == (35.0, 0.0)


def test_each_task_may_be_late_by_its_slack() -> None:
    assert task_slack(facts(), at(0)) == {"a": 0.0, "b": 0.0, "c": 5.0}


@pytest.mark.parametrize(
    ("fields", "items"),
    [
        ({}, 1),
        ({"count": 7}, 7),
        ({"forEach": [1, 2, 3]}, 3),
        ({"forEach": "${tasks.a.outputs.x}"}, 1),
        ({"matrix": {"x": [1, 2], "y": [1, 2, 3]}}, 6),
        ({"matrix": {"x": [1, 2], "y": "${parameters.y}"}}, 1),
    ],
)
def test_items_are_expected_as_far_as_the_spec_tells(fields: Body, items: int) -> None:
    assert expected_items(Task.model_validate(a_task() | fields)) == items
