"""The small objects that scenarios are made of: tiny agents and workflows, as users write them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic.alias_generators import to_camel

from builders.specs import a_step, an_agent
from spectra_operator.api.constants import API_VERSION

Body = dict[str, Any]

IMAGE = "docker.io/local/spectra-agent:dev"
PROVE = 'read id < /proc/sys/kernel/random/uuid; out "{\\"ran\\": \\"$id\\"}"'
"""Succeed, and return a number that no other run can have."""
HELD_UNTIL = "/tmp/go"
HOLD = f"trap 'exit 143' TERM; until [ -e {HELD_UNTIL} ]; do sleep 0.1; done; {PROVE}"
"""Run until `when.let_go`, so that a test decides what happens meanwhile."""
_PRELUDE = 'out() { printf \'{"outputs": %s}\' "$1" > /dev/termination-log; }\n'


def agent(name: str = "worker", script: str = PROVE, **fields: Any) -> Body:
    """Return an Agent that runs a shell script in a tiny pod.

    Args:
        name: Its name.
        script: What its container does; `out JSON` writes its outputs.
        fields: Further fields of the spec in snake case; `template` adds to the template.
    """
    template = {
        "image": IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": ["sh", "-c", _PRELUDE + script],
        "terminationGracePeriodSeconds": 1,
        "resources": {"requests": {"cpu": "1m", "memory": "4Mi"}, "limits": {"memory": "64Mi"}},
        **fields.pop("template", {}),
    }
    return _plain(an_agent(name, template=template, **fields))


def workflow(name: str, phases: Iterable[Body], **fields: Any) -> Body:
    """Return a Workflow; fields of its spec in snake case."""
    spec = {"phases": list(phases)}
    return _object("Workflow", name, spec | _camel(fields))


def one_phase(name: str, tasks: Iterable[Body], phase: str = "work", **fields: Any) -> Body:
    """Return a Workflow of one phase."""
    return workflow(name, [a_step(phase, tasks)], **fields)


def quota(name: str, **hard: str) -> Body:
    """Return a ResourceQuota."""
    meta = {"name": name}
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": meta, "spec": {"hard": hard}}


def steps_of(workflow: Mapping[str, Any]) -> dict[str, int]:
    """Return the number of items of each task of a workflow, by `workflow/phase/task`."""
    name = workflow["metadata"]["name"]
    return {
        f"{name}/{phase['name']}/{task['name']}": task.get("count", 1)
        for phase in workflow["spec"]["phases"]
        for task in phase["tasks"]
    }


def graph_of(workflow: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return what each task of a workflow waits for, as `workflow/phase/task`."""
    name = workflow["metadata"]["name"]
    phases = {phase["name"]: phase for phase in workflow["spec"]["phases"]}
    graph = {}
    for phase in phases.values():
        earlier = [
            f"{name}/{before}/{task['name']}"
            for before in phase.get("dependsOn", ())
            for task in phases[before]["tasks"]
        ]
        for task in phase["tasks"]:
            parents = [f"{name}/{phase['name']}/{p}" for p in task.get("dependsOn", ())]
            graph[f"{name}/{phase['name']}/{task['name']}"] = parents + earlier
    return graph


def _camel(fields: Mapping[str, Any]) -> Body:
    return {to_camel(name): value for name, value in fields.items()}


def _plain(body: Body) -> Body:
    return _object(body["kind"], body["metadata"]["name"], body["spec"])


def _object(kind: str, name: str, spec: Body) -> Body:
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": spec}
