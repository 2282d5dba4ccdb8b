"""What would happen: makespan, critical path, load and waiting of a workflow that is not run."""

from __future__ import annotations

from typing import Any

import pytest

from builders.simulations import a_spec, assuming, simulated
from builders.specs import AGENT, a_chain, a_choice, a_retry, a_step, a_task
from spectra_operator.api.agent import TaskDefaults
from spectra_operator.api.phase import TaskState
from spectra_operator.api.template import WorkflowTemplateSpec
from spectra_operator.api.workflow import WorkflowSpec, WorkflowState
from spectra_operator.core.insight.durations import Durations, Observed
from spectra_operator.core.phase.readiness import MAX_OPEN_ITEMS
from spectra_operator.core.selection.figures import Figures, Profile
from spectra_operator.core.simulation.simulate import Load, Variation, simulate, what_if
from spectra_operator.core.simulation.spec import Assumptions

CHAIN = [a_step("build", a_chain("a", "b", "c"))]
WIDE = [a_step("build", [a_task("many", count=10)])]


def test_a_chain_takes_the_sum_of_its_tasks() -> None:
    seen = simulated(CHAIN)
    assert (seen.state, seen.makespan, seen.reason) == (WorkflowState.SUCCEEDED, 30.0, "")
    assert seen.critical == ("build/a", "build/b", "build/c")
    assert (seen.tasks["build/b"].start, seen.tasks["build/b"].end) == (10.0, 20.0)


def test_phases_follow_one_another() -> None:
    steps = [a_step("one"), a_step("two", depends_on=["one"]), a_step("side")]
    seen = simulated(steps, assuming({"one/work": 5, "two/work": 7, "side/work": 9}))
    assert (seen.makespan, seen.critical) == (12.0, ("one/work", "two/work"))


def test_limits_make_items_wait_and_the_report_says_for_what() -> None:
    seen = simulated(WIDE, assuming(10, agents=4))
    assert seen.makespan == 30.0
    assert seen.waiting == {f"agent {AGENT} 4/4": 6 * 10 + 2 * 10}
    assert (seen.peak, seen.busy) == ({AGENT: 4}, {AGENT: 100.0})
    assert seen.load == (Load(0.0, {AGENT: 4}), Load(20.0, {AGENT: 2}), Load(30.0, {}))


def test_parallelism_of_workflow_and_phase_limits_too() -> None:
    assert simulated(WIDE, parallelism=5).waiting == {"workflow 5/5": 50.0}
    assert simulated([WIDE[0] | {"parallelism": 2}]).makespan == 50.0
    own = [a_step("build", [a_task("many", count=10, parallelism=5)])]
    assert simulated(own).makespan == 20.0


def test_a_task_that_waited_says_how_long_and_for_what() -> None:
    tasks = [a_task("a"), a_task("b")]
    span = simulated([a_step("build", tasks)], assuming(10, agents=1)).tasks["build/b"]
    assert (span.start, span.waited, span.reason) == (10.0, 10.0, f"agent {AGENT} 1/1")


def test_durations_are_given_else_seen_else_planned_else_the_agents_else_assumed() -> None:
    tasks = [
        *a_chain("given", "seen"),
        a_task("planned", plan={"durationSeconds": 7}),
        a_task("agent", agent="known"),
        a_task("assumed", agent="unknown"),
    ]
    observed = Observed({"p/seen": Durations((4000, 5000, 90_000))}, {"known": Durations((3000,))})
    assumed = Assumptions(observed=observed, seconds={"p/given": 2})
    tasks_seen = simulated([a_step("p", tasks)], assumed).tasks
    lengths = [span.end - span.start for span in tasks_seen.values() if span.end and span.start
               is not None]  # fmt: skip
    assert lengths == [2, 5, 7, 3, 60]


def test_with_a_seed_durations_are_drawn_and_the_same_seed_draws_the_same() -> None:
    observed = Observed(agents={AGENT: Durations(tuple(range(1000, 33_000, 1000)))})
    spans = {
        seed: simulated(CHAIN, Assumptions(observed=observed, seed=seed)).makespan
        for seed in ("a", "b", "c")
    }
    assert len(set(spans.values())) > 1
    assert simulated(CHAIN, Assumptions(observed=observed, seed="a")).makespan == spans["a"]


def test_attempts_that_fail_are_retried_after_their_pause() -> None:
    tasks = [a_task("a", retry=a_retry(3, seconds=5, factor=1) | {"backoff": {
        "initialSeconds": 5, "factor": 1, "jitterPercent": 0}})]  # fmt: skip
    seen = simulated([a_step("build", tasks)], assuming(10, failures={"*": 1.0}))
    assert (seen.state, seen.makespan) == (WorkflowState.FAILED, 55.0)
    assert seen.tasks["build/a"].attempts == 4
    assert seen.reason.startswith("phase build: task a failed: Simulated")


def test_failures_come_by_their_odds() -> None:
    tasks = [a_task("many", count=200, max_failed=200)]
    seen = simulated([a_step("build", tasks)], assuming(1, failures={AGENT: 0.25}, seed="x"))
    retried = [a_task("many", count=200, retry=a_retry(9))]
    again = simulated([a_step("build", retried)], assuming(1, failures={AGENT: 0.25}, seed="x"))
    assert seen.state is WorkflowState.SUCCEEDED
    assert 230 <= again.tasks["build/many"].attempts <= 310


def test_what_fails_skips_what_depends_on_it() -> None:
    seen = simulated(CHAIN, assuming(10, failures={"build/b": 1.0}))
    assert seen.tasks["build/c"].state is TaskState.SKIPPED
    assert (seen.tasks["build/c"].start, seen.makespan) == (None, 20.0)


def test_an_attempt_is_stopped_at_its_timeout() -> None:
    tasks = [a_task("a", timeout_seconds=5)]
    seen = simulated([a_step("build", tasks)], assuming(60))
    assert (seen.state, seen.makespan) == (WorkflowState.FAILED, 6.0)
    defaults = {AGENT: TaskDefaults.model_validate({"timeoutSeconds": 5})}
    assert simulated(CHAIN, assuming(60, defaults=defaults)).makespan == 6.0
    assert simulated(CHAIN, assuming(4, defaults=defaults)).makespan == 12.0


def test_deadlines_stop_what_runs() -> None:
    assert simulated(CHAIN, active_deadline_seconds=15).makespan == 15.0
    assert simulated([CHAIN[0] | {"activeDeadlineSeconds": 12}]).makespan == 12.0


def test_items_are_given_or_known_or_assumed() -> None:
    first = a_task("first")
    tasks = [
        first,
        a_task("known", for_each=["a", "b"]),
        a_task("parameter", for_each="${parameters.names}"),
        a_task("open", for_each="${tasks.first.outputs.names}", depends_on=["first"]),
        a_task("given", for_each="${tasks.first.outputs.names}", depends_on=["first"]),
        a_task("none", for_each="${tasks.first.outputs.names}", depends_on=["first"]),
    ]
    names = {"name": "names", "type": "array", "value": [1, 2, 3, 4]}
    assumed = assuming(items={"build/given": 7, "build/none": 0})
    seen = simulated([a_step("build", tasks)], assumed, parameters=[names])
    assert [span.attempts for span in seen.tasks.values()] == [1, 2, 4, 3, 7, 0]
    assert seen.notes == ("build/open has 3 items: they depend on outputs",)


def test_conditions_on_outputs_are_true_unless_they_are_said_to_be_false() -> None:
    when = "tasks.a.outputs.x == 1"
    steps = [a_step("build", [a_task("a"), a_task("b", when=when, depends_on=["a"])])]
    seen = simulated(steps)
    assert seen.makespan == 20.0
    assert seen.notes == ("build/b runs: its condition is taken to be true",)
    skipped = simulated(steps, assuming(skipped=frozenset({"build/b"})))
    assert (skipped.makespan, skipped.notes) == (10.0, ())
    assert skipped.tasks["build/b"].state is TaskState.SKIPPED


@pytest.mark.parametrize(("value", "makespan"), [(1, 20.0), (0, 10.0)])
def test_conditions_on_parameters_are_evaluated(value: int, makespan: float) -> None:
    tasks = [a_task("a"), a_task("b", when="parameters.x == 1", depends_on=["a"])]
    x = [{"name": "x", "type": "integer", "value": value}]
    seen = simulated([a_step("build", tasks)], parameters=x)
    assert (seen.makespan, seen.notes) == (makespan, ())


def test_templates_and_patterns_are_expanded() -> None:
    row = [a_step("build", [a_task("a"), a_task("b")], pattern="Sequential")]
    assert simulated(row).makespan == 20.0
    template = {"nightly": WorkflowTemplateSpec.model_validate({"phases": row})}
    spec = WorkflowSpec.model_validate({"templateRef": {"name": "nightly"}})
    assert simulate(spec, assuming(), templates=template).makespan == 20.0
    assert simulate(spec, assuming()).problems[0].reason == "TemplateNotFound"


def test_what_follows_the_end_is_played() -> None:
    spec: dict[str, Any] = {"finally": [a_task("tidy")], "on_failure": [a_task("tell")]}
    good = simulated(CHAIN, **spec)
    assert (good.makespan, good.critical[-1]) == (40.0, "finally/tidy")
    assert "on-failure/tell" not in good.tasks
    bad = simulated(CHAIN, assuming(10, failures={"build/a": 1.0}), **spec)
    assert (bad.state, bad.makespan) == (WorkflowState.FAILED, 30.0)
    assert (bad.tasks["on-failure/tell"].start, bad.tasks["finally/tidy"].start) == (10.0, 20.0)


def test_a_phase_that_fails_is_done_by_its_fallback() -> None:
    other = {"tasks": [a_task("other")]}
    steps = [a_step("build", fallback=other), a_step("use", depends_on=["build"])]
    seen = simulated(steps, assuming(10, failures={"build/work": 1.0}))
    assert (seen.state, seen.makespan) == (WorkflowState.SUCCEEDED, 30.0)
    assert seen.critical == ("build/work", "build~fallback/other", "use/work")


def test_a_task_that_fails_is_done_by_another_agent() -> None:
    tasks = [a_task("a", fallback=[{"agent": "second"}])]
    seen = simulated([a_step("build", tasks)], assuming(10, failures={AGENT: 1.0}))
    assert (seen.state, seen.makespan) == (WorkflowState.SUCCEEDED, 20.0)
    assert seen.peak == {AGENT: 1, "second": 1}


def test_a_rollback_is_not_played_and_that_is_said() -> None:
    undo = [a_task("a", compensate={"agent": AGENT}), a_task("b", depends_on=["a"])]
    assumed = assuming(10, failures={"build/b": 1.0})
    seen = simulated([a_step("build", undo)], assumed, failure_policy="Rollback")
    assert (seen.state, seen.makespan) == (WorkflowState.FAILED, 20.0)
    assert seen.notes == ("nothing is undone: a rollback is not simulated",)


def test_what_had_to_be_assumed_is_said() -> None:
    seen = simulated([a_step("build", [a_task("a", agent="new")])], Assumptions())
    assert seen.notes == (
        "build/a takes 60 s: no duration was given, seen or planned",
        "agent new is not known and taken to have no limit",
    )


def test_a_spec_that_can_never_work_is_refused_with_its_problems() -> None:
    cycle = [a_task("a", depends_on=["b"]), a_task("b", depends_on=["a"])]
    seen = simulated([a_step("build", cycle)])
    assert seen.state is None
    assert seen.problems[0].reason == "DependencyCycle"


def test_what_would_wait_for_ever_is_told() -> None:
    seen = simulated(CHAIN, Assumptions(agents={AGENT: 0}))
    assert seen.state is WorkflowState.RUNNING
    assert seen.reason == f"it would wait for ever, for agent {AGENT} 0/0"


def test_changes_are_tried_side_by_side() -> None:
    changes = [
        Variation("as it is"),
        Variation("twice the agents", agents={AGENT: 4}),
        Variation("one at a time", parallelism=1),
    ]
    seen = what_if(a_spec(WIDE), assuming(10, agents=2), changes)
    assert [(change.name, run.makespan) for change, run in seen] == [
        ("as it is", 50.0),
        ("twice the agents", 30.0),
        ("one at a time", 100.0),
    ]


@pytest.mark.parametrize("limit", [None, 100])
def test_ten_thousand_items_are_played(limit: int | None) -> None:
    tasks = [a_task("many", count=10_000)]
    seen = simulated([a_step("build", tasks)], assuming(10, agents=limit))
    assert seen.makespan == 10.0 * (10_000 // (limit or MAX_OPEN_ITEMS))


def test_a_thousand_tasks_of_different_lengths_are_played() -> None:
    steps = [a_step(f"p{p}", [a_task(f"t{t}") for t in range(100)]) for p in range(10)]
    seconds = {f"p{p}/t{t}": (p * 100 + t) / 10 for p in range(10) for t in range(100)}
    seen = simulated(steps, assuming(seconds, agents=50))
    assert seen.state is WorkflowState.SUCCEEDED
    assert len(seen.load) <= 201


def test_the_spec_itself_is_left_as_it_was() -> None:
    spec = a_spec(WIDE)
    before = spec.model_dump()
    simulate(spec, assuming())
    assert spec.model_dump() == before


def choosing(**profiles: Profile) -> Assumptions:
    """Ten seconds an attempt; agents with two slots each."""
    agents = dict.fromkeys(profiles, 2)
    return Assumptions(seconds={"*": 10.0}, agents=agents, profiles=profiles)


def test_items_that_any_agent_may_do_are_spread_over_all_that_can() -> None:
    able = Profile(frozenset({"able"}))
    assumed = choosing(one=able, two=able, other=Profile(frozenset({"else"})))
    seen = simulated([a_step("build", [a_choice("many", count=8)])], assumed)
    assert (seen.makespan, seen.peak) == (20.0, {"one": 2, "two": 2})
    assert list(seen.waiting) == [
        "no agent with able has a free slot: agent one 2/2; agent two 2/2"
    ]


def test_the_policy_of_the_workflow_is_simulated_too() -> None:
    fast = Profile(frozenset({"able"}), figures=Figures(9, 9, 1.0))
    slow = Profile(frozenset({"able"}), figures=Figures(9, 9, 5.0))
    steps = [a_step("build", [a_choice("many", count=2)])]
    seen = simulated(steps, choosing(fast=fast, slow=slow), selection_policy="Performance")
    assert seen.peak == {"fast": 2}


def test_where_no_agent_is_able_the_simulation_says_that_it_would_wait() -> None:
    seen = simulated([a_step("build", [a_choice("x", "gpu")])], choosing())
    assert "no agent of this namespace has the capability gpu" in seen.reason
