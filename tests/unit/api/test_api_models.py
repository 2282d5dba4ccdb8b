"""The models: bounds and defaults that users rely on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

import spectra_operator
from builders.specs import Body, a_phase, a_step, a_task, a_workflow, an_agent
from spectra_operator.api import constants as c
from spectra_operator.api.agent import AgentSpec
from spectra_operator.api.common import FailurePolicy, RetryPolicy
from spectra_operator.api.phase import PhaseSpec, PhaseState
from spectra_operator.api.workflow import WorkflowSpec, WorkflowState
from spectra_operator.core.phase.records import PHASE_ENDED
from spectra_operator.core.workflow.records import WORKFLOW_ENDED

ROOT = Path(__file__).parents[3]


def _policy(**fields: Any) -> Body:
    return {"type": "Pods", "value": 1, "periodSeconds": 15} | fields


def test_operator_is_a_source_root_and_never_a_package() -> None:
    """As a package it would hide the standard library's module of that name."""
    assert not (ROOT / "operator" / "__init__.py").exists()
    assert Path(str(spectra_operator.__file__)).parent.parent == ROOT / "operator"


def task(**fields: Any) -> WorkflowSpec:
    """Return a workflow with one task that has these fields."""
    spec = a_workflow([a_step("build", [a_task("work") | fields])])["spec"]
    return WorkflowSpec.model_validate(spec)


@pytest.mark.parametrize("name", ["a", "0", "load-1", "a" * 40])
def test_names_of_steps_are_labels_of_at_most_forty_characters(name: str) -> None:
    assert task(name=name).all_phases[0].all_tasks[0].name == name


@pytest.mark.parametrize("name", ["", "A", "-a", "a-", "a.b", "a_b", "a b", "ä", "a" * 41, "a\n"])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        task(name=name)


@pytest.mark.parametrize(
    "fields",
    [
        {"count": 0},
        {"count": c.MAX_COUNT + 1},
        {"timeoutSeconds": 0},
        {"timeoutSeconds": 31_536_001},
        {"pendingTimeoutSeconds": 0},
        {"retry": {"limit": 101}},
        {"retry": {"limit": -1}},
        {"retry": {"lossLimit": 101}},
        {"retry": {"backoff": {"factor": 11}}},
        {"retry": {"backoff": {"maxSeconds": 86_401}}},
        {"onNodeLost": "Maybe"},
        {"input": {f"k{i}": 1 for i in range(65)}},
        {"dependsOn": ["A"]},
        {"agent": "A"},
    ],
    ids=str,
)
def test_values_out_of_bounds_are_refused(fields: Body) -> None:
    with pytest.raises(ValidationError):
        task(**fields)


def test_a_workflow_has_phases_and_a_phase_has_tasks() -> None:
    specs: list[Body] = [{"phases": []}, {"phases": [{"name": "a", "tasks": []}]}]
    for spec in specs:
        with pytest.raises(ValidationError):
            WorkflowSpec.model_validate(spec)


def test_what_is_left_out_has_the_documented_default() -> None:
    spec = WorkflowSpec.model_validate(a_workflow()["spec"])
    assert (spec.priority, spec.suspend, spec.failure_policy) == (0, False, FailurePolicy.FAIL)
    assert (spec.parallelism, spec.active_deadline_seconds) == (None, None)
    retry = RetryPolicy()
    assert (retry.limit, retry.loss_limit) == (0, 3)
    assert (retry.backoff.initial_seconds, retry.backoff.factor) == (1, 2)
    assert retry.backoff.max_seconds == 300


def test_a_phase_stands_alone_unless_it_names_its_workflow() -> None:
    assert PhaseSpec.model_validate(a_phase()["spec"]).workflow_ref is None


@pytest.mark.parametrize("name", ["flow", "etl.v2", "a" * 63])
def test_every_name_that_a_workflow_may_have_can_be_referred_to(name: str) -> None:
    spec = a_phase(workflow_ref={"name": name, "uid": "u"})["spec"]
    ref = PhaseSpec.model_validate(spec).workflow_ref
    assert ref is not None
    assert ref.name == name


def test_an_agent_needs_an_image_and_nothing_else() -> None:
    spec = AgentSpec.model_validate(an_agent()["spec"])
    assert (spec.concurrency, spec.template.env) == (None, None)
    with pytest.raises(ValidationError):
        AgentSpec.model_validate({"template": {}})


def a_pool(**scaling: Any) -> AgentSpec:
    """Return an agent of mode Pool with at most three workers."""
    fields: Body = {"mode": "Pool", "scaling": {"maxReplicas": 3} | scaling}
    return AgentSpec.model_validate(an_agent(**fields)["spec"])


def test_a_pool_has_the_documented_defaults() -> None:
    spec = a_pool()
    assert spec.scaling is not None
    assert (spec.slots, spec.replicas) == (1, None)
    assert (spec.scaling.min_replicas, spec.scaling.tasks_per_replica) == (0, None)
    assert spec.scaling.cooldown_seconds == 300
    for rules in (spec.scaling.behavior.scale_up, spec.scaling.behavior.scale_down):
        assert (rules.stabilization_window_seconds, rules.policies) == (None, None)
        assert rules.select_policy == "Max"


@pytest.mark.parametrize(
    "scaling",
    [
        {"maxReplicas": None},
        {"maxReplicas": 0},
        {"maxReplicas": c.MAX_WORKERS + 1},
        {"minReplicas": -1},
        {"tasksPerReplica": 0},
        {"tasksPerReplica": 65},
        {"cooldownSeconds": 86_401},
        {"behavior": {"scaleUp": {"stabilizationWindowSeconds": 3601}}},
        {"behavior": {"scaleUp": {"selectPolicy": "Most"}}},
        {"behavior": {"scaleUp": {"policies": []}}},
        {"behavior": {"scaleUp": {"policies": [{"type": "Pods", "value": 1}]}}},
        {"behavior": {"scaleUp": {"policies": [_policy(periodSeconds=1801)]}}},
        {"behavior": {"scaleUp": {"policies": [_policy(value=0)]}}},
        {"behavior": {"scaleUp": {"policies": [_policy(type="Nodes")]}}},
    ],
    ids=str,
)
def test_scaling_out_of_the_bounds_of_an_autoscaler_is_refused(scaling: Body) -> None:
    with pytest.raises(ValidationError):
        a_pool(**scaling)


@pytest.mark.parametrize("fields", [{"slots": 0}, {"slots": 33}, {"replicas": -1}], ids=str)
def test_slots_and_replicas_have_bounds(fields: Body) -> None:
    with pytest.raises(ValidationError):
        AgentSpec.model_validate(an_agent(mode="Pool", **fields)["spec"])


def test_a_template_has_no_field_that_gives_rights() -> None:
    fields = set(AgentSpec.model_fields["template"].annotation.model_fields)  # type: ignore[union-attr]
    assert not fields & {
        "service_account_name",
        "security_context",
        "volumes",
        "host_network",
        "init_containers",
        "node_name",
    }


def test_the_core_and_the_api_agree_on_which_states_are_ends() -> None:
    assert set(PhaseState) - PHASE_ENDED == {PhaseState.READY, PhaseState.RUNNING}
    assert set(WorkflowState) - WORKFLOW_ENDED == {
        WorkflowState.PENDING,
        WorkflowState.RUNNING,
        WorkflowState.SUSPENDED,
        WorkflowState.FINALIZING,
        WorkflowState.ROLLING_BACK,
    }


def test_yaml_as_a_user_writes_it_is_understood() -> None:
    text = """
    parameters: [{name: rows, type: integer, value: 20000}]
    priority: 100
    phases:
    - name: database
      plan: {durationDays: 7, milestone: ready}
      tasks:
      - {name: schema, agent: architect, retry: {limit: 2, backoff: {initialSeconds: 1}}}
      - {name: migrate, agent: database, dependsOn: [schema], allowFailure: true, count: 3,
         input: {ddl: "${tasks.schema.outputs.ddl}", rows: "${parameters.rows}"}}
    """
    spec = WorkflowSpec.model_validate(yaml.safe_load(text))
    schema, migrate = spec.all_phases[0].all_tasks
    assert schema.retry is not None
    assert (schema.retry.limit, schema.retry.backoff.initial_seconds) == (2, 1)
    assert (migrate.count, migrate.allow_failure, migrate.depends_on) == (3, True, ["schema"])
