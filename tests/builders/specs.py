"""Workflows, phases and agents as a user would apply them: plain dicts with short defaults.

Keyword arguments are the API's fields in snake case: `a_task("x", depends_on=["y"],
timeout_seconds=5)`; values are given as they stand in YAML.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic.alias_generators import to_camel

from spectra_operator.api.constants import API_VERSION

Body = dict[str, Any]

NAMESPACE = "team"
AGENT = "worker"
SCHEDULE_UID = "44444444-0000-4000-8000-000000000004"
PHASE_UID = "11111111-0000-4000-8000-000000000001"
WORKFLOW_UID = "22222222-0000-4000-8000-000000000002"
AGENT_UID = "33333333-0000-4000-8000-000000000003"


def a_task(name: str = "work", *, agent: str = AGENT, **fields: Any) -> Body:
    """Return a task of a phase; `depends_on`, `input`, `count`, `retry` and so on as fields."""
    return {"name": name, "agent": agent, **_fields(fields)}


def a_choice(name: str = "work", *capabilities: str, **fields: Any) -> Body:
    """Return a task that any agent with these capabilities may do; with `able` if none is given."""
    wanted = {"capabilities": list(capabilities or ("able",))}
    return {"name": name, "requires": wanted, **_fields(fields)}


def a_retry(
    limit: int = 0, *, losses: int | None = None, seconds: int = 0, factor: int = 2
) -> Body:
    """Return a retry policy with pauses that start at `seconds`; none by default."""
    policy: Body = {"limit": limit, "backoff": {"initialSeconds": seconds, "factor": factor}}
    return policy if losses is None else policy | {"lossLimit": losses}


def a_step(name: str = "build", tasks: Iterable[Body] = (), **fields: Any) -> Body:
    """Return a phase as it stands in a workflow's list; one task `work` if none is given."""
    return {"name": name, "tasks": list(tasks) or [a_task()], **_fields(fields)}


def a_chain(*names: str, **fields: Any) -> list[Body]:
    """Return tasks of which each depends on the one before."""
    tasks = [a_task(name, **fields) for name in names]
    for before, task in zip(names, tasks[1:], strict=False):
        task["dependsOn"] = [before]
    return tasks


def a_workflow(
    phases: Iterable[Body] = (), *, name: str = "flow", uid: str = WORKFLOW_UID, **fields: Any
) -> Body:
    """Return a Workflow object; one phase `build` with one task if none is given."""
    spec = {"phases": list(phases) or [a_step()], **_fields(fields)}
    return _object("Workflow", name, uid, spec)


def a_phase(
    tasks: Iterable[Body] = (), *, name: str = "stage", uid: str = PHASE_UID, **fields: Any
) -> Body:
    """Return a Phase object that stands alone; one task `work` if none is given."""
    spec = {"tasks": list(tasks) or [a_task()], **_fields(fields)}
    return _object("Phase", name, uid, spec)


def a_phase_of(workflow: Body, name: str = "build", tasks: Iterable[Body] = ()) -> Body:
    """Return a Phase object that belongs to a workflow."""
    meta = workflow["metadata"]
    ref = {"name": meta["name"], "uid": meta["uid"]}
    return a_phase(tasks, name=f"{meta['name']}-{name}", workflow_ref=ref, phase=name)


def an_agent(
    name: str = AGENT, *, uid: str = AGENT_UID, template: Body | None = None, **fields: Any
) -> Body:
    """Return an Agent object; `template` adds to a template that has only an image."""
    spec = {"template": {"image": "example/worker:1"} | (template or {}), **_fields(fields)}
    return _object("Agent", name, uid, spec)


def a_schedule(
    cron: str = "*/5 * * * *",
    workflow: Body | None = None,
    *,
    name: str = "nightly",
    uid: str = SCHEDULE_UID,
    metadata: Body | None = None,
    **fields: Any,
) -> Body:
    """Return a Schedule object of a workflow's spec; one phase with one task if none is given."""
    template: Body = {"spec": (workflow or a_workflow())["spec"]}
    if metadata is not None:
        template["metadata"] = metadata
    spec = {"schedule": cron, "workflowTemplate": template, **_fields(fields)}
    return _object("Schedule", name, uid, spec)


def an_action(
    kind: str,
    name: str = "please",
    *,
    target: str = "flow",
    target_kind: str = "Workflow",
    uid: str | None = None,
    **fields: Any,
) -> Body:
    """Return an Action about a workflow, by alice; `uid` is that of the target."""
    about = {"kind": target_kind, "name": target} | ({"uid": uid} if uid else {})
    given = {"actor": "alice", "reason": "because"} | _fields(fields)
    return _object("Action", name, f"uid-of-{name}", {"target": about, "type": kind, **given})


def a_template(phases: Iterable[Body] = (), *, name: str = "shape", **fields: Any) -> Body:
    """Return a WorkflowTemplate; one phase `build` with one task if none is given."""
    spec = {"phases": list(phases) or [a_step()], **_fields(fields)}
    return _object("WorkflowTemplate", name, f"uid-of-{name}", spec)


def a_parameter(name: str, value: Any, kind: str = "string") -> Body:
    """Return a parameter of a workflow."""
    return {"name": name, "type": kind, "value": value}


def _object(kind: str, name: str, uid: str, spec: Body) -> Body:
    meta = {"namespace": NAMESPACE, "name": name, "uid": uid, "generation": 1}
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": meta, "spec": spec}


def _fields(fields: dict[str, Any]) -> Body:
    return {to_camel(key): value for key, value in fields.items() if value is not None}
