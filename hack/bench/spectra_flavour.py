"""Our own objects."""

from __future__ import annotations

from typing import Any

from bench import bodies
from bench.flavour import Item
from bench.graphs import Graph, Step, Task
from spectra_operator.api import constants as c
from spectra_operator.engine.keys import AGENTS, WORKFLOWS
from spectra_operator.kube.resources import Body, Resource

BENCH = "spectra-bench"
"""Who manages the pods of the raw limit, so that no operator takes them for its own."""


class SpectraFlavour:
    """Workflows of phases; a step is a phase."""

    workflows = WORKFLOWS
    finished = c.LABEL_FINISHED

    def needs(self) -> list[tuple[Resource, Body]]:
        """Return the agent."""
        return [(AGENTS, bodies.a_fake_agent(bodies.AGENT, {}))]

    def workflow(self, name: str, graph: Graph) -> Body:
        """Return a Workflow."""
        return bodies.a_workflow(name, map(_phase, graph.steps))

    def item_of(self, pod: Body) -> Item | None:
        """Return what a pod does, by its labels."""
        labels = pod["metadata"].get("labels") or {}
        if labels.get(c.MANAGED_BY) != c.MANAGER or c.LABEL_TASK not in labels:
            return None
        index = int(labels.get(c.LABEL_INDEX) or 0)
        return Item(labels[c.LABEL_WORKFLOW], labels[c.LABEL_PHASE], labels[c.LABEL_TASK], index)

    def succeeded(self, workflow: Body) -> bool:
        """Tell whether the state is Succeeded."""
        state: str = (workflow.get("status") or {}).get("state", "")
        return state == "Succeeded"


def _phase(step: Step) -> Body:
    fields = {"dependsOn": list(step.after)} if step.after else {}
    return bodies.a_step(step.name, map(_task, step.tasks), **fields)


def _task(task: Task) -> Body:
    fields: dict[str, Any] = {}
    if task.after:
        fields["dependsOn"] = list(task.after)
    if task.items:
        fields["count"] = task.items
    return bodies.a_task(task.name, **fields)
