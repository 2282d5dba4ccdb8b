"""Workflows that keep warm workers busy: each end makes a task ready, or a slot, or a phase."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bench.bodies import a_step, a_task, a_workflow

Body = dict[str, Any]

CHAINS, PLACES = 10, 10
LANES = 4
FIRST, SECOND = "first", "second"


@dataclass(frozen=True, slots=True)
class Load:
    """Workflows, how many of them run at once, and how many items they have together."""

    workflows: list[Body]
    at_once: int
    tasks: int


def chains(name: str, tasks: int) -> Load:
    """Return workflows of a phase of ten chains; every task reads the one before it.

    Forty tasks can run at once: more than end within a hop, fewer than there are slots.
    """
    return _of_phases(name, tasks, [_chained(FIRST, "")])


def stages(name: str, tasks: int) -> Load:
    """Return workflows of two such phases; the chains of the second read the ends of the first."""
    return _of_phases(name, tasks, [_chained(FIRST, ""), _chained(SECOND, FIRST)])


def _of_phases(name: str, tasks: int, phases: list[Body]) -> Load:
    each = len(phases) * CHAINS * PLACES
    count = max(round(tasks / each), 1)
    return Load([a_workflow(f"{name}-{n}", phases) for n in range(count)], LANES, each * count)


def fan_outs(name: str, tasks: int) -> Load:
    """Return two workflows side by side, each with many items that wait for slots."""
    items = max(tasks // 2, 1)
    wide = a_step("wide", [a_task("each", count=items, input={"number": "${index}"})])
    return Load([a_workflow(f"{name}-{n}", [wide]) for n in range(2)], 2, 2 * items)


def _chained(name: str, before: str) -> Body:
    tasks = []
    for chain in range(CHAINS):
        for place in range(PLACES):
            fields: Body = {}
            if place:
                last = f"c{chain}-{place - 1}"
                fields = {"dependsOn": [last], "input": {"n": f"${{tasks.{last}.outputs.n}}"}}
            elif before:
                source = f"phases.{before}.outputs.c{chain}-{PLACES - 1}"
                fields = {"input": {"n": f"${{{source}.n}}"}}
            tasks.append(a_task(f"c{chain}-{place}", **fields))
    return a_step(name, tasks, **({"dependsOn": [before]} if before else {}))
