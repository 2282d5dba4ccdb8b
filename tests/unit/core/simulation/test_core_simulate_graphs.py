"""Simulations of random graphs against what can be reckoned without playing."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from builders.simulations import a_random_graph, assuming, simulated
from builders.specs import AGENT, Body
from spectra_operator.api.workflow import WorkflowState
from spectra_operator.core.graph import build, longest_paths
from unit.core.core_settings import steady

SEEDS = st.integers(0, 10**9)


def analytic(steps: list[Body], seconds: dict[str, float]) -> float:
    """Return the length of the longest path through the phases, each as long as its own."""
    lengths = {step["name"]: _length(step, seconds) for step in steps}
    phases = build({step["name"]: tuple(step.get("dependsOn", ())) for step in steps})
    return max(longest_paths(phases, lengths.__getitem__).values())


def _length(step: Body, seconds: dict[str, float]) -> float:
    graph = build({task["name"]: tuple(task.get("dependsOn", ())) for task in step["tasks"]})
    return max(longest_paths(graph, lambda name: seconds[f"{step['name']}/{name}"]).values())


@steady(60)
@given(SEEDS)
def test_where_nothing_limits_the_makespan_is_the_longest_path(seed: int) -> None:
    steps, seconds = a_random_graph(seed)
    seen = simulated(steps, assuming(seconds))
    assert seen.state is WorkflowState.SUCCEEDED
    assert seen.makespan == analytic(steps, seconds)
    assert seen.waiting == {}
    assert all(span.waited == 0 for span in seen.tasks.values())


@steady(60)
@given(SEEDS)
def test_the_critical_path_is_as_long_as_the_makespan_and_has_no_gaps(seed: int) -> None:
    steps, seconds = a_random_graph(seed)
    seen = simulated(steps, assuming(seconds))
    spans = [seen.tasks[path] for path in seen.critical]
    assert spans[0].start == 0
    assert spans[-1].end == seen.makespan
    for before, after in pairwise(spans):
        assert before.end == after.start


@steady(60)
@given(SEEDS, st.integers(1, 3), st.one_of(st.none(), st.integers(1, 3)))
def test_under_limits_nothing_is_faster_and_no_limit_is_exceeded(
    seed: int, agents: int, parallelism: int | None
) -> None:
    steps, seconds = a_random_graph(seed)
    seen = simulated(steps, assuming(seconds, agents=agents), parallelism=parallelism)
    most = min(agents, parallelism or agents)
    work = sum(seen.busy.values())
    assert seen.state is WorkflowState.SUCCEEDED
    assert seen.makespan >= max(analytic(steps, seconds), work / most)
    assert all(load.busy.get(AGENT, 0) <= most for load in seen.load)
    assert seen.peak.get(AGENT, 0) <= most


@steady(40)
@given(SEEDS, st.sampled_from([0.2, 0.6]))
def test_whatever_fails_the_run_ends_and_the_same_seed_gives_the_same(
    seed: int, odds: float
) -> None:
    steps, seconds = a_random_graph(seed)
    assumed = assuming(seconds, agents=2, failures={"*": odds}, seed=str(seed))
    seen = simulated(steps, assumed, failure_policy="Continue")
    assert seen.state in (WorkflowState.SUCCEEDED, WorkflowState.FAILED)
    assert simulated(steps, assumed, failure_policy="Continue") == seen
