"""A version that takes over from a newer one, and finds what it does not know."""

from __future__ import annotations

from builders.engine import World, a_running_world
from builders.kubelet import hangs, ok
from builders.specs import NAMESPACE, Body, a_phase, a_task, a_workflow
from spectra_operator.engine.keys import PHASES

FIELD = "nextVersionsField"
STATE = "NextVersionsState"


async def taken_over_from_one_that_wrote(world: World, status: Body) -> None:
    """Have a phase with one task that runs, a status by somebody newer, and another leader."""
    world.kubelet.plan("held", hangs())
    await world.apply(a_phase([a_task("held")]))
    await world.until(lambda: world.task_now("held").get("state") == "Running")
    world.operator.kill()
    await world.api.patch_status(PHASES, "stage", status, NAMESPACE)
    await world.start("older")


async def another_ends_well(world: World) -> None:
    await world.apply(a_workflow(name="other"))
    await world.until(lambda: world.status_now("other").get("state") == "Succeeded")


async def test_a_field_of_a_newer_version_hinders_nothing() -> None:
    async with a_running_world() as world:
        more = {FIELD: {"a": 1}, "tasks": {"held": {FIELD: "x"}}}
        await taken_over_from_one_that_wrote(world, more)
        await another_ends_well(world)
        await world.kubelet.end("held", ok())
        assert (await world.phase_finished())["state"] == "Succeeded"
        assert world.kubelet.tasks().count("held") == 1


async def test_a_run_in_a_state_of_a_newer_version_is_left_as_it_is_until_that_is_back() -> None:
    async with a_running_world() as world:
        await taken_over_from_one_that_wrote(world, {"tasks": {"held": {"state": STATE}}})
        await another_ends_well(world)
        stage = world.peek(PHASES, "stage") or {}
        assert stage["status"]["tasks"]["held"]["state"] == STATE
        assert world.kubelet.tasks().count("held") == 1
        world.operator.kill()
        known = {"tasks": {"held": {"state": "Running"}}}
        await world.api.patch_status(PHASES, "stage", known, NAMESPACE)
        await world.start("newer")
        await world.kubelet.end("held", ok())
        assert (await world.phase_finished())["state"] == "Succeeded"
        assert world.kubelet.tasks().count("held") == 1
