"""The objects of Argo Workflows: the same graphs as DAG templates of one Workflow.

A graph of one step is one DAG. One of several is a DAG of DAGs, as people of the field write it:
each waits for those before it as a whole, so that layers of a hundred tasks are not ten thousand
dependencies, which would be a larger object than the engine takes.

Published fields alone (`argoproj.io/v1alpha1`): `entrypoint`, `templates[].dag.tasks[]` with
`dependencies` and `withSequence.count`, `nodeSelector`, `tolerations`. Pods have a `command`, so
that the controller asks no registry for the image's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from bench.flavour import Item
from bench.graphs import ONLY, Graph, Step, Task
from cluster.kwok import LABEL, TAINT
from spectra_operator.kube.resources import Body, Resource

GROUP, VERSION = "argoproj.io", "v1alpha1"
WORKFLOW_LABEL = "workflows.argoproj.io/workflow"
COMPLETED_LABEL = "workflows.argoproj.io/completed"
NODE_NAME = "workflows.argoproj.io/node-name"
ENTRY, WORK = "graph", "work"
_NODE = re.compile(
    r"^(?P<flow>[^.]+)\.((?P<step>[^.(]+)\.)?(?P<task>[^.(]+)(\((?P<index>\d+):.*\))?$"
)


class ArgoFlavour:
    """Workflows with one DAG, or one of DAGs."""

    workflows = Resource(GROUP, VERSION, "workflows", "Workflow")
    finished = f"{COMPLETED_LABEL}=true"

    def needs(self) -> list[tuple[Resource, Body]]:
        """Return nothing: templates stand in the workflow itself."""
        return []

    def workflow(self, name: str, graph: Graph) -> Body:
        """Return a Workflow."""
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
                    *_dags(graph),
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
        step = found["step"] or ONLY
        return Item(found["flow"], step, found["task"], int(found["index"] or 0))

    def succeeded(self, workflow: Body) -> bool:
        """Tell whether the phase is Succeeded."""
        phase: str = (workflow.get("status") or {}).get("phase", "")
        return phase == "Succeeded"


def _dags(graph: Graph) -> list[Body]:
    """Return the templates of a graph, that of the whole first."""
    if len(graph.steps) == 1:
        return [_dag(ENTRY, graph.steps[0])]
    steps = [_waiting({"name": s.name, "template": s.name}, s.after) for s in graph.steps]
    return [{"name": ENTRY, "dag": {"tasks": steps}}, *(_dag(s.name, s) for s in graph.steps)]


def _dag(name: str, step: Step) -> Body:
    return {"name": name, "dag": {"tasks": [_task(task) for task in step.tasks]}}


def _task(task: Task) -> Body:
    body = _waiting({"name": task.name, "template": WORK}, task.after)
    if task.items:
        body["withSequence"] = {"count": str(task.items)}
    return body


def _waiting(body: Body, before: Iterable[str]) -> Body:
    found = sorted(before)
    return {**body, "dependencies": found} if found else body
