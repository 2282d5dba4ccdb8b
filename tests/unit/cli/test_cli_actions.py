from __future__ import annotations

from typing import Any

import pytest

from kubectl_spectra.actions import Request, action_body
from kubectl_spectra.kinds import PHASES, WORKFLOWS
from kubectl_spectra.targets import Target, TaskPath
from spectra_operator.api.action import ActionSpec, ActionType

FLOW = Target(WORKFLOWS, "flow")


def spec_of(request: Request, reason: str | None = "because") -> dict[str, Any]:
    spec: dict[str, Any] = action_body(request, "uid-1", "jane", reason)["spec"]
    return spec


def test_an_action_says_who_asks_for_what_of_whom_and_why() -> None:
    body = action_body(Request(ActionType.CANCEL, FLOW), "uid-1", "jane", "too dear")

    assert (body["apiVersion"], body["kind"]) == ("spectra.dev/v1alpha1", "Action")
    assert body["metadata"] == {"generateName": "flow-cancel-"}
    assert body["spec"] == {
        "target": {"kind": "Workflow", "name": "flow", "uid": "uid-1"},
        "type": "Cancel",
        "reason": "too dear",
        "actor": "jane",
    }


def test_a_reason_is_made_up_where_none_is_given() -> None:
    spec = spec_of(Request(ActionType.RETRY, FLOW), None)

    assert spec["reason"] == "Retry asked for with kubectl spectra"


def test_a_task_is_named_with_its_phase() -> None:
    spec = spec_of(Request(ActionType.SKIP, FLOW, TaskPath("build", "compile")))

    assert (spec["phase"], spec["task"]) == ("build", "compile")


def test_a_task_of_a_phase_that_stands_alone_has_no_phase() -> None:
    spec = spec_of(Request(ActionType.RERUN, Target(PHASES, "stage"), TaskPath(None, "compile")))

    assert spec["target"]["kind"] == "Phase"
    assert spec["task"] == "compile"
    assert "phase" not in spec


def test_outputs_come_with_a_task_that_is_marked() -> None:
    path = TaskPath("build", "compile")
    request = Request(ActionType.MARK_SUCCEEDED, FLOW, path, {"rows": 5})

    assert spec_of(request)["outputs"] == {"rows": 5}
    name = action_body(request, "u", "jane", "r")["metadata"]["generateName"]
    assert name == "flow-mark-succeeded-"


@pytest.mark.parametrize("kind", list(ActionType))
def test_every_action_fits_the_api(kind: ActionType) -> None:
    spec = spec_of(Request(kind, FLOW, TaskPath("build", "compile")))

    assert ActionSpec.model_validate(spec).type is kind
    name = action_body(Request(kind, Target(WORKFLOWS, "x" * 52)), "u", "a", "r")["metadata"]
    assert len(name["generateName"]) + 5 <= 253
