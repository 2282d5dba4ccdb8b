"""What flows through warm workers: how many tasks, and what each waits for."""

from __future__ import annotations

from typing import Any

import pytest

from bench.loads import CHAINS, FIRST, PLACES, SECOND, Load, chains, fan_outs, stages
from spectra_operator.core.spec.compile import compile_workflow


def phases_of(load: Load) -> list[dict[str, Any]]:
    """Return the phases of the first workflow of a load."""
    found: list[dict[str, Any]] = load.workflows[0]["spec"]["phases"]
    return found


@pytest.mark.parametrize("load", [chains("c", 400), stages("s", 400), fan_outs("f", 400)])
def test_a_load_has_the_tasks_that_were_asked_for_in_workflows_that_can_run(load: Load) -> None:
    assert load.tasks == 400
    for flow in load.workflows:
        body = flow | {
            "metadata": flow["metadata"] | {"uid": "u", "generation": 1, "namespace": "team"}
        }
        assert not compile_workflow(body, {}).problems


def test_chains_are_of_one_phase_in_which_every_task_but_the_first_ones_waits_for_another() -> None:
    (phase,) = phases_of(chains("c", 100))

    waiting = [task for task in phase["tasks"] if task.get("dependsOn")]
    assert (len(phase["tasks"]), len(waiting)) == (CHAINS * PLACES, CHAINS * (PLACES - 1))


def test_of_stages_the_second_phase_begins_with_what_came_of_the_first() -> None:
    first, second = phases_of(stages("s", 200))

    assert (first["name"], second["name"], second["dependsOn"]) == (FIRST, SECOND, [FIRST])
    begins = [task for task in second["tasks"] if not task.get("dependsOn")]
    assert len(begins) == CHAINS
    assert all(f"phases.{FIRST}.outputs" in task["input"]["n"] for task in begins)
