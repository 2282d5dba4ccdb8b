"""Workflows of thousands of items, as users write them, on agents whose pods are fake."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench.bodies import a_fake_agent
from builders.specs import a_parameter, a_step, a_task
from cluster.kwok import EXIT_CODE_VARIABLE, MESSAGE_VARIABLE
from spectra_operator.api.constants import API_VERSION

Body = dict[str, Any]

NAME = "large"
LAYERS = 4
SMALL = json.dumps({"outputs": {"rows": 20_000, "path": "batches/0001.parquet"}})
NARROW = json.dumps({"outputs": {"n": 1}})
WIDE = json.dumps({"outputs": {"text": "x" * 3000}})
CHINESE = "\u6570\u636e" * 500
"""1,000 characters, 3,000 bytes."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A workflow's phases, what its pods say, and how many items are to run.

    `agents` has the environment of each agent's pods.
    """

    phases: list[Body]
    items: int
    agents: Mapping[str, Mapping[str, str]]
    fields: Mapping[str, Any]

    def manifests(self) -> list[Body]:
        """Return the agents and the workflow."""
        spec = {"phases": self.phases, **self.fields}
        meta = {"name": NAME}
        flow = {"apiVersion": API_VERSION, "kind": "Workflow", "metadata": meta, "spec": spec}
        return [a_fake_agent(name, env) for name, env in self.agents.items()] + [flow]


def ten_phases_of(tasks: int) -> Shape:
    """Return ten phases, one after the other, each of so many named tasks in four layers.

    Every task reads an output of one before it, in its own phase or the one before.
    """
    phases = [_layered(number, tasks) for number in range(10)]
    return Shape(phases, 10 * tasks, {"worker": {MESSAGE_VARIABLE: SMALL}}, {})


def a_count_of(items: int) -> Shape:
    """Return one task with so many items, each with an output."""
    phases = [a_step("only", [a_task("item", count=items)])]
    return Shape(phases, items, {"worker": {MESSAGE_VARIABLE: NARROW}}, {})


def for_each_parameter(items: int) -> Shape:
    """Return one task that is done once for each entry of a list in the parameters."""
    task = a_task("item", for_each="${parameters.parts}", input={"part": "${item}"})
    parts = [f"part-{number:05}" for number in range(items)]
    parameters = [a_parameter("parts", parts, "array")]
    return Shape(
        [a_step("only", [task])],
        items,
        {"worker": {MESSAGE_VARIABLE: NARROW}},
        {"parameters": parameters},
    )


def for_each_output(items: int) -> Shape:
    """Return a fan-out, and a task that is done once for each of its outputs."""
    tasks = [
        a_task("make", count=items),
        a_task(
            "use",
            depends_on=["make"],
            for_each="${tasks.make.outputs}",
            input={"n": "${item.n}", "place": "${index}"},
        ),
    ]
    return Shape([a_step("only", tasks)], 2 * items, {"worker": {MESSAGE_VARIABLE: NARROW}}, {})


def too_much(items: int) -> Shape:
    """Return a fan-out whose outputs do not fit into a status."""
    tasks = [a_task("item", count=items, retry={"limit": 0})]
    return Shape([a_step("only", tasks)], items, {"worker": {MESSAGE_VARIABLE: WIDE}}, {})


def failures(tasks: int) -> Shape:
    """Return tasks that all fail with a long message of three bytes a character."""
    phase = a_step("only", [a_task(f"t{n:03}", retry={"limit": 0}) for n in range(tasks)])
    env = {EXIT_CODE_VARIABLE: "1", MESSAGE_VARIABLE: CHINESE}
    return Shape([phase], tasks, {"worker": env}, {"failurePolicy": "Continue"})


def _layered(number: int, tasks: int) -> Body:
    width = tasks // LAYERS
    found = []
    for layer in range(LAYERS):
        for place in range(width):
            before = f"t{layer - 1}-{place}"
            if layer:
                source = f"tasks.{before}.outputs"
            else:
                source = f"phases.p{number - 1}.outputs.t{LAYERS - 1}-{place}"
            fields: Body = {"input": {"rows": f"${{{source}.rows}}"}}
            if layer:
                fields["depends_on"] = [f"t{layer - 1}-{other}" for other in range(width)]
            elif number == 0:
                fields = {}
            found.append(a_task(f"t{layer}-{place}", **fields))
    after = {"depends_on": [f"p{number - 1}"]} if number else {}
    return a_step(f"p{number}", found, **after)
