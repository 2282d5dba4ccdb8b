"""Simulations of workflows as a user would write them, with short defaults."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from random import Random
from typing import Any

from builders.specs import AGENT, Body, a_step, a_task, a_workflow
from spectra_operator.api.workflow import WorkflowSpec
from spectra_operator.core.simulation.simulate import Simulation, simulate
from spectra_operator.core.simulation.spec import Assumptions


def a_spec(steps: Iterable[Body] = (), **fields: Any) -> WorkflowSpec:
    """Return the spec of a workflow of these phases."""
    return WorkflowSpec.model_validate(a_workflow(steps, **fields)["spec"])


def assuming(
    seconds: float | Mapping[str, float] = 10, agents: int | None = None, **fields: Any
) -> Assumptions:
    """Return assumptions: a duration for all or some, and the limit of the usual agent."""
    given = {"*": seconds} if isinstance(seconds, int | float) else seconds
    return Assumptions(agents={AGENT: agents}, seconds=given, **fields)


def simulated(
    steps: Iterable[Body] = (), assumed: Assumptions | None = None, **fields: Any
) -> Simulation:
    """Return what a workflow of these phases would come to."""
    return simulate(a_spec(steps, **fields), assumed or assuming())


def a_random_graph(seed: int) -> tuple[list[Body], dict[str, float]]:
    """Return up to four phases of up to six tasks each, and a duration for each task."""
    random = Random(seed)
    steps: list[Body] = []
    seconds: dict[str, float] = {}
    for number in range(random.randint(1, 4)):
        tasks: list[Body] = []
        for place in range(random.randint(1, 6)):
            before = [t["name"] for t in tasks if random.random() < 0.4]
            count = random.randint(1, 4) if random.random() < 0.3 else None
            tasks.append(a_task(f"t{place}", depends_on=before or None, count=count))
            seconds[f"p{number}/t{place}"] = random.randint(0, 50) / 2
        before = [step["name"] for step in steps if random.random() < 0.5]
        steps.append(a_step(f"p{number}", tasks, depends_on=before or None))
    return steps, seconds
