"""The fields of a rollout: defaults, bounds, rules that the API server checks."""

from __future__ import annotations

from typing import Any

import cel
import pytest
from pydantic import ValidationError

from spectra_operator.api.rollout import Analysis, Rollout, RolloutStatus, RolloutStrategy
from spectra_operator.api.schema import structural_schema

ADDRESS = "http://prometheus:9090"


def accepts(model: type[Rollout | Analysis], fields: dict[str, Any]) -> bool:
    """Whether the model's rules hold for an object as written."""
    rules = structural_schema(model)["x-kubernetes-validations"]
    return all(cel.evaluate(rule["rule"], {"self": fields}) for rule in rules)


def test_a_rollout_is_blue_green_without_gates_unless_said_otherwise() -> None:
    rollout = Rollout()

    assert rollout.strategy is RolloutStrategy.BLUE_GREEN
    assert (rollout.pre_gate, rollout.analysis, rollout.pause) == (None, None, False)
    assert (rollout.max_unproven, rollout.warm_seconds) == (20, 600)
    assert rollout.progress_deadline_seconds == 300


# The minimum of the analysis: as given, else 20, and never more than there may be.
@pytest.mark.parametrize(
    ("fields", "least"),
    [
        ({}, 20),
        ({"maxUnproven": 10}, 10),
        ({"maxUnproven": 100}, 20),
        ({"maxUnproven": 100, "analysis": {"minTasks": 50, "conditions": ["attempts > 1"]}}, 50),
    ],
)
def test_the_minimum_of_attempts_fits_into_what_is_allowed(
    fields: dict[str, Any], least: int
) -> None:
    assert Rollout.model_validate(fields).min_tasks == least


@pytest.mark.parametrize(
    ("fields", "fine"),
    [
        ({}, True),
        ({"analysis": {}}, True),
        ({"analysis": {"minTasks": 20}}, True),
        ({"analysis": {"minTasks": 21}}, False),
        ({"maxUnproven": 30, "analysis": {"minTasks": 30}}, True),
        ({"maxUnproven": 5, "analysis": {"minTasks": 6}}, False),
    ],
)
def test_a_minimum_that_could_never_be_reached_is_refused(
    fields: dict[str, Any], fine: bool
) -> None:
    assert accepts(Rollout, fields) is fine


@pytest.mark.parametrize(
    ("fields", "fine"),
    [
        ({}, False),
        ({"conditions": []}, False),
        ({"conditions": ["failureRatio < 1"]}, True),
        ({"prometheus": {"address": ADDRESS}}, True),
    ],
)
def test_an_analysis_of_nothing_is_refused(fields: dict[str, Any], fine: bool) -> None:
    assert accepts(Analysis, fields) is fine


@pytest.mark.parametrize(
    "fields",
    [
        {"strategy": "Canary"},
        {"maxUnproven": 0},
        {"maxUnproven": 1001},
        {"progressDeadlineSeconds": 0},
        {"warmSeconds": -1},
        {"analysis": {"conditions": [""]}},
        {"analysis": {"conditions": ["a"] * 17}},
        {"analysis": {"intervalSeconds": 0}},
        {"analysis": {"onInconclusive": "Ignore"}},
        {"analysis": {"prometheus": {"address": "ftp://x", "queries": []}}},
        {"analysis": {"prometheus": {"address": ADDRESS, "queries": []}}},
        {"preGate": {"replay": {"last": 101}}},
        {"preGate": {"tasks": [{"task": "No Name"}]}},
    ],
)
def test_values_out_of_bounds_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Rollout.model_validate(fields)


@pytest.mark.parametrize("model", [Rollout, RolloutStatus])
def test_every_field_is_described_and_the_schema_is_structural(
    model: type[Rollout | RolloutStatus],
) -> None:
    for name, field in structural_schema(model)["properties"].items():
        assert field.get("description"), name
