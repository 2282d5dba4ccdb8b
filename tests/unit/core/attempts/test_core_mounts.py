"""The workspace in a task's container: mounted where the task says, and only there."""

from __future__ import annotations

from typing import Any

import pytest

from builders.records import a_policy
from builders.specs import Body, a_phase, a_task, an_agent
from spectra_operator.api.agent import AgentSpec
from spectra_operator.core.attempts.objects import AttemptPlan, pod_body
from spectra_operator.core.spec.compile import compile_phase

CLAIM = {"claimName": "flow-workspace-abc"}


def pod(workspace: Body | None, claim: Body | None = CLAIM) -> Any:
    """Return the pod of a task that wants this of a phase with that claim."""
    agent = AgentSpec.model_validate(an_agent()["spec"])
    plan = AttemptPlan("work", None, 1, "worker", agent, "r1", "{}", a_policy())
    shape = compile_phase(a_phase([a_task(workspace=workspace)], workspace=claim))
    return pod_body(shape, plan, "0")["spec"]


def mount(spec: Any) -> Any:
    """Return the mount of the workspace."""
    [container] = spec["containers"]
    found = [m for m in container["volumeMounts"] if m["name"] == "workspace"]
    return found[0] if found else None


@pytest.mark.parametrize(
    ("wanted", "mounted"),
    [
        ({}, {"mountPath": "/workspace"}),
        ({"mountPath": "/data"}, {"mountPath": "/data"}),
        ({"subPath": "in/raw"}, {"mountPath": "/workspace", "subPath": "in/raw"}),
        ({"readOnly": True}, {"mountPath": "/workspace", "readOnly": True}),
    ],
)
def test_a_workspace_is_mounted_as_the_task_says(wanted: Body, mounted: Body) -> None:
    spec = pod(wanted)
    assert mount(spec) == {"name": "workspace", **mounted}
    volume = {"name": "workspace", "persistentVolumeClaim": CLAIM}
    assert volume in spec["volumes"]
    env = {e["name"]: e.get("value") for e in spec["containers"][0]["env"]}
    assert env["SPECTRA_WORKSPACE"] == mounted["mountPath"]


def test_a_task_that_asks_for_none_gets_none() -> None:
    spec = pod(None)
    assert mount(spec) is None
    assert [volume["name"] for volume in spec["volumes"]] == ["tmp"]
    assert "SPECTRA_WORKSPACE" not in {e["name"] for e in spec["containers"][0]["env"]}
