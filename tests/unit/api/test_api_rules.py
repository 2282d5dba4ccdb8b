"""The rules that the API server checks: where they stand, and what they can and cannot see."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from spectra_operator.api.crds import FIXED_BY_POLICY, KINDS, PHASE, WORKFLOW, crd
from spectra_operator.api.phase import PhaseSpec
from spectra_operator.api.rules import label_name, refused_change
from spectra_operator.api.workflow import WorkflowSpec

Node = dict[str, Any]

LEVELS = {"suspend", "priority", "parallelism", "ttlSecondsAfterFinished", "podCleanup"}
"""What may be changed on a running workflow, beside descriptions and deadlines."""


def nodes(node: Node, path: str = "") -> Iterator[tuple[str, Node]]:
    yield path, node
    for name, child in node.get("properties", {}).items():
        yield from nodes(child, f"{path}.{name}")
    if isinstance(node.get("items"), dict):
        yield from nodes(node["items"], f"{path}[*]")


def schema(kind: str) -> Node:
    (found,) = (k for k in KINDS if k.kind == kind)
    version: Node = crd(found)["spec"]["versions"][0]
    return dict(version["schema"]["openAPIV3Schema"])


def messages(kind: str, path: str) -> list[str]:
    """What the API server may say about one place of a kind's schema."""
    node = dict(nodes(schema(kind)))[path]
    return [rule["message"] for rule in node.get("x-kubernetes-validations", ())]


@pytest.mark.parametrize(
    ("kind", "path", "says"),
    [
        ("Workflow", ".spec.phases[*]", "tasks: give tasks or templateRef"),
        ("Workflow", ".spec.phases[*]", "name: finally, on-failure, rollback"),
        ("WorkflowTemplate", ".spec.phases[*]", "name: finally, on-failure, rollback"),
        ("Workflow", ".spec.phases[*].fallback", "tasks: give tasks or templateRef"),
        ("Workflow", ".spec.phases[*].plan", "durationDays: give"),
        ("Workflow", ".spec.workspace", "size: give claimName"),
        ("WorkflowTemplate", ".spec.workspace", "claimName: an existing claim"),
        ("Workflow", ".spec.parameters[*]", "minimum: is larger than maximum"),
        ("Action", ".spec", "task: name the task"),
        ("Action", ".spec", "task: this type is about the whole target"),
        ("Action", ".spec", "type: an agent takes Promote, Abort, Undo, Retry"),
        ("Action", ".spec", "type: is about the rollout of an agent"),
        ("Action", ".spec", "task: an agent has no phases and tasks"),
        ("Action", ".spec", "revision: goes with Undo"),
        ("WorkflowTemplate", "", "metadata.name: at most 63 characters"),
        ("Agent", "", "metadata.name: at most 63 characters"),
        ("Agent", ".spec", "mode: cannot be changed once applied"),
        ("Agent", ".spec", "slots: is for mode Pool"),
        ("Agent", ".spec", "replicas: is for mode Pool"),
        ("Agent", ".spec", "scaling: is for mode Pool"),
        ("Agent", ".spec.scaling", "minReplicas: is larger than maxReplicas"),
    ],
)
def test_a_rule_stands_where_the_field_is(kind: str, path: str, says: str) -> None:
    assert any(message.startswith(says) for message in messages(kind, path))


def test_a_fallback_may_bear_any_name_since_it_has_none() -> None:
    assert not any("name:" in m for m in messages("Workflow", ".spec.phases[*].fallback"))


@pytest.mark.parametrize(
    ("kind", "model", "mutable"),
    [
        (WORKFLOW, WorkflowSpec, LEVELS | {"activeDeadlineSeconds", "description"}),
        (
            PHASE,
            PhaseSpec,
            LEVELS | {"activeDeadlineSeconds", "description", "plan"},
        ),
    ],
    ids=["Workflow", "Phase"],
)
def test_what_is_not_a_level_cannot_be_changed_once_applied(
    kind: Any, model: Any, mutable: set[str]
) -> None:
    fields = {info.alias for info in model.model_fields.values()}
    fixed = FIXED_BY_POLICY[kind.plural]

    assert fields - set(fixed) == mutable
    assert fields >= set(fixed)
    assert len(fixed) == len(set(fixed))


@pytest.mark.parametrize("plural", FIXED_BY_POLICY)
def test_no_rule_of_a_status_that_is_written_often_compares_with_what_was_before(
    plural: str,
) -> None:
    """Such a rule is evaluated at each write of a status, which cannot change the spec."""
    (kind,) = (k.kind for k in KINDS if k.plural == plural)
    found = [
        rule["rule"]
        for _, node in nodes(schema(kind))
        for rule in node.get("x-kubernetes-validations", ())
    ]

    assert not [rule for rule in found if "oldSelf" in rule]


def test_who_changes_what_is_fixed_is_told_what_to_do() -> None:
    assert refused_change("finally", "workflow") == (
        "finally: cannot be changed once applied; delete the workflow and apply it anew"
    )


def test_a_name_that_others_use_is_a_label() -> None:
    rule, message = label_name("tasks")

    assert "{0,61}" in rule
    assert message.endswith("as tasks name it")
