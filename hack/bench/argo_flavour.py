"""The objects of Argo Workflows: the same graphs as a DAG template of one Workflow.

Published fields alone (`argoproj.io/v1alpha1`): `entrypoint`, `templates[].dag.tasks[]` with
`dependencies` and `withSequence.count`, `nodeSelector`, `tolerations`. Pods have a `command`, so
that the controller asks no registry for the image's.
"""

from __future__ import annotations

import re
from typing import Any

from bench.flavour import Item
from bench.graphs import Graph, Step, Task
from cluster.kwok import LABEL, TAINT
from spectra_operator.kube.resources import Body, Resource

GROUP, VERSION = "argoproj.io", "v1alpha1"
WORKFLOW_LABEL = "workflows.argoproj.io/workflow"
COMPLETED_LABEL = "workflows.argoproj.io/completed"
NODE_NAME = "workflows.argoproj.io/node-name"
ENTRY, WORK = "graph", "work"
SEPARATOR = "-"
"""Between step and task in a DAG task's name; a step has none in its own."""

_NODE = re.compile(r"^(?P<flow>[^.]+)\.(?P<task>[^(]+)(\((?P<index>\d+):.*\))?$")


class ArgoFlavour:
    """Workflows with one DAG; a step is a prefix of the names of its tasks."""

    workflows = Resource(GROUP, VERSION, "workflows", "Workflow")
    finished = f"{COMPLETED_LABEL}=true"

    def needs(self) -> list[tuple[Resource, Body]]:
        """Return nothing: templates stand in the workflow itself."""
        return []

    def workflow(self, name: str, graph: Graph) -> Body:
        """Return a Workflow."""
        tasks = [_task(graph, step, task) for step in graph.steps for task in step.tasks]
        container = {"image": "none", "command": ["run"]}
        return {
            "apiVersion": f"{GROUP}/{VERSION}",
            "kind": "Workflow",
            "metadata": {"name": name},
            "spec": {
                "entrypoint": ENTRY,
                "nodeSelector": LABEL,
                "tolerations": [{"key": TAINT["key"], "operator": "Exists"}],
                "templates": [
                    {"name": ENTRY, "dag": {"tasks": tasks}},
                    {"name": WORK, "container": container},
                ],
            },
        }

    def item_of(self, pod: Body) -> Item | None:
        """Return what a pod does, by the name of its node."""
        notes = pod["metadata"].get("annotations") or {}
        found = _NODE.fullmatch(notes.get(NODE_NAME, ""))
        if found is None:
            return None
        step, _, task = found["task"].partition(SEPARATOR)
        return Item(found["flow"], step, task, int(found["index"] or 0))

    def succeeded(self, workflow: Body) -> bool:
        """Tell whether the phase is Succeeded."""
        phase: str = (workflow.get("status") or {}).get("phase", "")
        return phase == "Succeeded"


def _task(graph: Graph, step: Step, task: Task) -> Body:
    before = sorted(SEPARATOR.join(key) for key in graph.predecessors[step.name, task.name])
    body: dict[str, Any] = {"name": SEPARATOR.join((step.name, task.name)), "template": WORK}
    if before:
        body["dependencies"] = before
    if task.items:
        body["withSequence"] = {"count": str(task.items)}
    return body
