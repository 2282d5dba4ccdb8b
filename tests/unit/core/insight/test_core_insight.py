"""What is expected of a workflow: its end, what decides about it, and how far it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from builders.pods import at
from spectra_operator.api.task import Plan
from spectra_operator.api.workflow import StepState
from spectra_operator.core.graph import build
from spectra_operator.core.insight.estimate import Estimate
from spectra_operator.core.insight.expectations import Insight, Outlook
from spectra_operator.core.insight.progress import WorkflowFacts, workflow_insight
from spectra_operator.core.phase.records import Tally
from spectra_operator.core.workflow.records import StepRecord
from unit.core.core_settings import steady

NOW = at(60)
GRAPH = build({"one": (), "side": (), "two": ("one",), "end": ("two", "side")})
RUNNING = StepRecord(StepState.RUNNING, tally=Tally(total=4, succeeded=1), started_at=at(0))
WAITING = StepRecord(tally=Tally(total=4))
DONE = StepRecord(StepState.SUCCEEDED, tally=Tally(total=4, succeeded=4))
STEPS = {"one": RUNNING, "side": RUNNING, "two": WAITING, "end": WAITING}


def expects(seconds: float, task: str = "t", *, steps: int = 2, done: float = 0) -> Outlook:
    total = done + seconds
    return Outlook(Estimate(seconds, 4), task, steps, done, total, samples=3, clue=True)


OUTLOOKS = {
    "one": expects(30, "migrate", done=10),
    "side": expects(40),
    "two": expects(50),
    "end": expects(10, steps=1),
}


def insight(
    steps: Mapping[str, StepRecord] = STEPS,
    outlooks: Mapping[str, Outlook] = OUTLOOKS,
    now: datetime = NOW,
    **fields: Any,
) -> Insight:
    return workflow_insight(WorkflowFacts(GRAPH, steps, outlooks, **fields), at(0), now)


def test_the_longest_path_of_phases_tells_when_all_is_over() -> None:
    seen = insight()
    assert seen.rest == Estimate(90, 12)
    assert seen.samples == 12


def test_the_critical_path_names_its_task_and_how_many_steps_follow() -> None:
    assert insight().critical_path == "one/migrate +4"
    last = dict.fromkeys(("one", "side", "two"), DONE) | {"end": RUNNING}
    assert insight(last).critical_path == "end/t"
    assert insight(dict.fromkeys(STEPS, DONE)).critical_path == ""


def test_a_phase_whose_tasks_have_all_ended_gives_the_path_on() -> None:
    over = OUTLOOKS | {"one": Outlook(clue=True)}
    assert insight(outlooks=over).critical_path == "two/t +2"


def test_phases_off_the_path_have_slack() -> None:
    phases = insight().phases
    assert [name for name, phase in phases.items() if phase.critical] == ["one", "two", "end"]
    assert {name: phase.slack for name, phase in phases.items()} == {
        "one": 0.0,
        "side": 40.0,
        "two": 0.0,
        "end": 0.0,
    }


def test_a_phase_that_ended_is_neither_critical_nor_has_slack() -> None:
    seen = insight(STEPS | {"one": DONE}).phases["one"]
    assert (seen.critical, seen.slack) == (False, None)


def test_without_a_clue_there_is_a_path_but_no_time() -> None:
    blind = {name: replace(outlook, clue=False) for name, outlook in OUTLOOKS.items()}
    seen = insight(outlooks=blind)
    assert (seen.rest, seen.critical_path) == (None, "one/migrate +4")
    assert {phase.slack for phase in seen.phases.values()} == {None}


def test_one_phase_of_which_nothing_is_known_leaves_the_time_open() -> None:
    seen = insight(outlooks=OUTLOOKS | {"end": replace(OUTLOOKS["end"], clue=False)})
    assert (seen.rest, seen.critical_path) == (None, "one/migrate +4")
    assert {phase.slack for phase in seen.phases.values()} == {None}
    over = insight(STEPS | {"one": DONE}, OUTLOOKS | {"one": Outlook()})
    assert over.rest is not None


def test_the_workflows_own_parallelism_may_be_what_limits() -> None:
    assert insight(parallelism=1).rest == Estimate(130)
    assert insight(parallelism=9).rest == Estimate(90, 12)


def test_percent_weighs_work_by_time() -> None:
    assert insight().percent == int(100 * 10 / 140)
    half = STEPS | {"one": DONE}
    outlooks = OUTLOOKS | {"one": Outlook(done=40, total=40, clue=True)}
    assert insight(half, outlooks).percent == int(100 * 40 / 140)


def test_percent_never_goes_back() -> None:
    assert insight(percent=50).percent == 50
    more = OUTLOOKS | {"two": expects(5000)}  # a forEach turned out to be long
    assert insight(outlooks=more, percent=7).percent == 7


def test_percent_is_100_only_when_everything_succeeded() -> None:
    assert insight(dict.fromkeys(STEPS, DONE), {}).percent == 100
    almost = dict.fromkeys(STEPS, DONE) | {"end": RUNNING}
    nearly = {"end": Outlook(done=1e6, total=1e6)}
    assert insight(almost, nearly).percent == 99
    failed = dict.fromkeys(STEPS, DONE) | {"end": StepRecord(StepState.FAILED, tally=Tally(4))}
    assert insight(failed, {}).percent == 75


def test_after_a_restart_ended_phases_count_by_their_items() -> None:
    steps = STEPS | {"one": DONE}
    outlooks = {name: outlook for name, outlook in OUTLOOKS.items() if name != "one"}
    usual = 100 / 12
    assert insight(steps, outlooks).percent == int(100 * 4 * usual / (4 * usual + 100))


def test_a_workflow_without_phases_has_nothing_to_tell() -> None:
    empty = workflow_insight(WorkflowFacts(build({}), {}, {}), at(0), at(1))
    assert (empty.rest, empty.critical_path) == (None, "")


def test_plans_are_compared_and_the_next_due_time_wakes() -> None:
    plans = {
        "one": Plan(duration_seconds=50, milestone="Foundation"),
        "side": Plan(duration_seconds=90, milestone="Side"),
    }
    seen = insight(plans=plans)
    assert (seen.phases["one"].late, seen.phases["one"].milestone) == ("10s", "Late")
    assert (seen.phases["side"].late, seen.phases["side"].milestone) == ("", "Pending")
    assert seen.wake_at == at(91)


@steady()
@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=12))
def test_whatever_the_estimates_say_percent_only_grows(work: list[tuple[int, int]]) -> None:
    shown = 0
    for done, left in work:
        outlooks = {name: Outlook(done=done, total=done + left, clue=True) for name in STEPS}
        percent = insight(outlooks=outlooks, percent=shown).percent
        assert shown <= percent <= 99
        shown = percent
