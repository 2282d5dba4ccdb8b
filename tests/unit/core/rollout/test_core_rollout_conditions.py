"""Conditions over numbers, what is refused of them, and what a status says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from spectra_operator.api.agent import AgentSpec
from spectra_operator.api.rollout import RolloutState
from spectra_operator.core.language.expressions import ExpressionError
from spectra_operator.core.rollout.conditions import (
    compile_condition,
    look,
    look_at_value,
    never_decides,
)
from spectra_operator.core.rollout.records import RolloutRecord
from spectra_operator.core.rollout.stats import NO_STATS
from spectra_operator.core.rollout.status import rollout_progressing
from spectra_operator.core.rollout.validate import agent_problems, rollout_problems
from unit.core.rollout.rollout_cases import a_rollout, analysed

ROOT = Path(__file__).parents[4]
FIGURES = {**NO_STATS.figures(), "failureRatio": 0.5, "costPerTask": 2.0}
QUERY = {"name": "q", "query": "up", "condition": "value < 1"}


# A condition, the stable revision's cost per task, and what comes of it.
@pytest.mark.parametrize(
    ("condition", "stable", "verdict"),
    [
        ("failureRatio == 0.5", None, "Passed"),
        ("failureRatio <= 0", None, "Failed"),
        ("costPerTask <= 2 * stable.costPerTask", 1.0, "Passed"),
        ("costPerTask <= stable.costPerTask * 3 / 2", 1.0, "Failed"),
        ("costPerTask <= 2 * stable.costPerTask", None, "Inconclusive"),
        ("p95Seconds < 1", None, "Inconclusive"),
        ("failureRatio", None, "Inconclusive"),
        ("failureRatio < 1 && p50Seconds < 1", None, "Inconclusive"),
    ],
)
def test_a_condition_is_true_false_or_inconclusive(
    condition: str, stable: float | None, verdict: str
) -> None:
    assert look(condition, FIGURES, {"costPerTask": stable}).verdict == verdict


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("p95Seconds", "gives a number, not true or false"),
        ('p95Seconds < "a"', "a type that it does not take"),
        ("size(failureRatio) > 1", "not a number"),
        ("attempts % 2 == 0", "does not work"),
    ],
)
def test_a_condition_that_no_numbers_could_decide_is_found_before_it_is_used(
    source: str, says: str
) -> None:
    assert says in never_decides(source)


@pytest.mark.parametrize(
    "source",
    [
        "failureRatio <= 0.1 && p95Seconds < 2 * stable.p95Seconds",
        "1 / (failureRatio - 0.5) > 2",
        "attempts > 10 || losses == 0",
    ],
)
def test_a_condition_that_some_numbers_decide_is_left_alone(source: str) -> None:
    assert never_decides(source) == ""


@pytest.mark.parametrize(
    ("value", "verdict"), [(0.5, "Passed"), (3.0, "Failed"), (None, "Inconclusive")]
)
def test_the_condition_of_a_query_reads_its_value(value: float | None, verdict: str) -> None:
    assert look_at_value("value < 1", value).verdict == verdict


@pytest.mark.parametrize(
    "source",
    [
        "failureRate < 1",
        "stable < 1",
        "stable.speed < 1",
        "failureRatio <",
        "tasks.a > 1",
        "x" * 2000,
    ],
)
def test_a_condition_over_what_there_is_not_is_refused(source: str) -> None:
    with pytest.raises(ExpressionError):
        compile_condition(source)


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        (
            {"analysis": {"conditions": ["failureRatio < 1", "nothing < 1"]}},
            "spec.rollout.analysis.conditions[1]",
        ),
        ({"analysis": {"conditions": ["1 + 1"]}}, "spec.rollout.analysis.conditions[0]"),
        (
            {"preGate": {"tasks": [{"task": "a", "expect": "value > 1"}]}},
            "spec.rollout.preGate.tasks[0].expect",
        ),
        (
            {
                "analysis": {
                    "prometheus": {
                        "address": "http://p:9090",
                        "queries": [QUERY | {"condition": "failureRatio < 1"}],
                    }
                }
            },
            "spec.rollout.analysis.prometheus.queries[q].condition",
        ),
    ],
)
def test_an_expression_that_can_never_work_is_found_at_its_field(
    fields: dict[str, Any], where: str
) -> None:
    (problem,) = rollout_problems(a_rollout(**fields))

    assert (problem.reason, problem.field) == ("InvalidExpression", where)


def problems_of(replayable: bool, *conditions: str) -> list[tuple[str, str]]:
    """Return what is wrong with an agent that is to do a recorded task again."""
    gate = {"replay": {"last": 1, "conditions": list(conditions)}}
    template = {"image": "x"}
    spec = AgentSpec.model_validate(
        {"template": template, "replayable": replayable, "rollout": {"preGate": gate}}
    )
    return [(p.reason, p.field) for p in agent_problems(spec)]


def test_a_replay_is_for_agents_that_are_replayable() -> None:
    assert problems_of(True, "outputs == recorded.outputs") == []
    assert problems_of(False) == [("NotReplayable", "spec.rollout.preGate.replay")]


def test_what_is_wrong_in_a_replay_is_found_at_its_field() -> None:
    wrong = "spec.rollout.preGate.replay.conditions[1]"

    assert problems_of(True, "cost < 1.0", "stable.x") == [("InvalidExpression", wrong)]


def test_an_agent_without_a_rollout_has_no_problem_with_it() -> None:
    assert list(agent_problems(AgentSpec.model_validate({"template": {"image": "x"}}))) == []


def test_an_address_that_can_never_be_asked_is_found() -> None:
    prometheus = {"address": "http://me:secret@p:9090", "queries": [QUERY]}

    (problem,) = rollout_problems(a_rollout(analysis={"prometheus": prometheus}))

    assert (problem.reason, problem.field) == (
        "InvalidAddress",
        "spec.rollout.analysis.prometheus.address",
    )
    assert "secret" not in problem.message


def test_two_queries_of_one_name_are_found() -> None:
    prometheus = {"address": "http://p:9090", "queries": [QUERY, QUERY]}

    (problem,) = rollout_problems(a_rollout(analysis={"prometheus": prometheus}))

    assert problem.reason == "DuplicateName"


def test_a_whole_and_right_rollout_has_no_problem() -> None:
    gate = {
        "tasks": [{"task": "a"}, {"task": "b", "expect": "outputs.x == 1"}],
    }
    rollout = analysed("costPerTask <= 2 * stable.costPerTask").model_copy(
        update={"pre_gate": a_rollout(preGate=gate).pre_gate}
    )

    assert list(rollout_problems(rollout)) == []


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("Pending", True),
        ("Preview", True),
        ("Exposed", True),
        ("Paused", False),
        ("Promoted", False),
        ("RolledBack", False),
        ("Aborted", False),
    ],
)
def test_a_rollout_progresses_while_it_is_neither_over_nor_held(state: str, status: bool) -> None:
    found = rollout_progressing(RolloutRecord(state=RolloutState(state)))

    assert (found.type, found.status, found.reason) == ("RolloutProgressing", status, state)


def test_the_example_of_the_documentation_works() -> None:
    text = (ROOT / "docs/adr/0012-rollouts.md").read_text()
    example = yaml.safe_load(text.split("```yaml\n")[1].split("```")[0])

    rollout = a_rollout(**example["spec"]["rollout"])

    assert list(rollout_problems(rollout)) == []
    assert rollout.pre_gate is not None
    assert rollout.max_unproven == 30
