"""Changes of levels: noted once, whatever happens to the operator meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

from builders.campaign import Death, KillAfter, KillBefore, Tale
from builders.engine import World, a_running_world
from builders.kubelet import hangs
from builders.specs import Body, a_phase, a_task, a_workflow, an_agent
from spectra_operator.engine.keys import PHASES, WORKFLOWS

NOTES = {
    "spectra.dev/changed-by": "alice",
    "spectra.dev/changed": "suspend=true 1",
    "spectra.dev/change-reason": "wrong data",
}


async def suspended_by_alice(world: World) -> None:
    patch = {"metadata": {"annotations": NOTES}, "spec": {"suspend": True}}
    await world.api.patch(WORKFLOWS, "flow", patch, "team")


def changes(world: World) -> list[Body]:
    found: list[Body] = world.status_now().get("changes", [])
    return found


def told(world: World, resource: Any, name: str) -> list[Body]:
    body = world.peek(resource, name) or {}
    found: list[Body] = (body.get("status") or {}).get("changes", [])
    return found


async def a_run_under_way(world: World) -> None:
    world.kubelet.plan("work", hangs())
    await world.apply(a_workflow())
    await world.until(lambda: world.status_now().get("state") == "Running")


async def test_who_suspends_and_who_resumes_stands_in_status_and_is_told() -> None:
    async with a_running_world() as world:
        await a_run_under_way(world)
        await suspended_by_alice(world)
        await world.until(lambda: world.status_now().get("state") == "Suspended")
        await world.change("Workflow", "flow", suspend=False)
        await world.until(lambda: len(changes(world)) == 2)

        assert [(c["to"], c["actor"], c.get("reason")) for c in changes(world)] == [
            ("true", "alice", "wrong data"),
            ("false", "unknown", None),
        ]
        notes = [n for n in await world.events("flow") if n[0] in ("Suspended", "Resumed")]
        assert notes == [("Suspended", "by alice: wrong data"), ("Resumed", "by unknown")]


async def test_a_phase_that_stands_alone_notes_its_changes_too() -> None:
    async with a_running_world() as world:
        world.kubelet.plan("work", hangs())
        await world.apply(a_phase([a_task()]))
        await world.until(lambda: world.task_now("work").get("state") == "Running")
        await world.change("Phase", "stage", priority=7)
        await world.until(lambda: told(world, PHASES, "stage"))

        (change,) = told(world, PHASES, "stage")
        assert (change["field"], change["from"], change["to"]) == ("priority", "0", "7")


async def test_a_finished_workflow_is_left_as_it_is() -> None:
    async with a_running_world() as world:
        await world.apply(a_workflow())
        await world.finished()
        before = await world.status()
        await suspended_by_alice(world)
        await world.settle()

        assert await world.status() == before


async def noted_once(world: World) -> list[str]:
    """Wait until a change is noted and nothing moves; return by whom, for the one that it is."""
    await world.until(lambda: changes(world))
    await world.settle()
    actors = [c["actor"] for c in changes(world)]
    assert actors == ["alice"]
    assert world.operator.failed_passes() == 0
    return actors


@pytest.mark.parametrize("kind", [KillBefore, KillAfter], ids=["before", "after"])
async def test_a_death_at_any_write_notes_a_change_once(kind: Death) -> None:
    def is_over(world: World) -> bool:
        return bool(changes(world))

    tale = Tale(an_agent(), suspended_by_alice, noted_once, is_over, before=a_run_under_way)
    await tale.dies(kind, 1)
