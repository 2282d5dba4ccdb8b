"""The operator dies before and after each write of a rollout with gates: the end is the same."""

from __future__ import annotations

from typing import Any

import pytest

from builders.campaign import KillAfter, KillBefore, Mutations, arm, killed_at_every_write
from builders.engine import World, a_running_world
from builders.fake_api.faults import Fault
from builders.specs import Body
from builders.workers import Deed, once
from component.rollout.rollout_cases import GOOD, NEXT, a_pool, change_image, peeked, well
from spectra_operator.engine.keys import PHASES

TASKS = [{"task": "codecs"}, {"task": "headers"}]
ENDS = {True: "Promoted", False: "Aborted"}


def an_agent_with_gates() -> Body:
    return a_pool(replicas=1, rollout={"preGate": {"tasks": TASKS}, "analysis": None})


async def begin(world: World, succeeded: bool) -> None:
    """Change the template to one whose second gate ends so."""

    def habit(document: Body) -> Deed:
        return Deed(succeeded=succeeded) if document["task"] == "headers" else well(document)

    world.workers.habits = {GOOD: well, NEXT: habit}
    await world.until(lambda: peeked(world).get("state") == "Promoted")
    await change_image(world)


async def end(world: World, succeeded: bool) -> Any:
    """Let it come to its end, and return that; no gate is done twice, or left unended.

    Which of two gates comes first is nobody's promise; once one has failed, the other is dropped.
    """
    await world.until(lambda: len(peeked(world).get("history") or ()) > 1, seconds=600)
    await world.during(30)
    found = peeked(world)
    assert found["state"] == ENDS[succeeded]
    history = [(each["outcome"], each["reason"]) for each in found["history"]]
    assert once(world.workers.began)
    phases = [each for each in await world.api.objects(PHASES) if "gate" in each["spec"]]
    states = {each["spec"]["tasks"][0]["name"]: each["status"]["state"] for each in phases}
    assert len(states) == len(phases)
    assert states.pop("codecs", "Cancelled") in ("Succeeded", "Cancelled" if not succeeded else "")
    return history, found["active"], states


async def undisturbed(succeeded: bool) -> tuple[Any, list[str]]:
    async with a_running_world(an_agent_with_gates()) as world:
        counter = Mutations()
        arm(world, counter, Fault())
        await begin(world, succeeded)
        return await end(world, succeeded), counter.calls


async def killed_at(succeeded: bool, nth: int, kind: type[Any], expected: Any) -> None:
    async with a_running_world(an_agent_with_gates()) as world:
        first = world.operator
        arm(world, Mutations(nth), kind(first.kill))
        world.workers.habits = {GOOD: well, NEXT: well}
        await begin_or_die(world, first, succeeded)
        await world.until(lambda: not first.running or len(peeked(world)["history"]) > 1)
        if not first.running and not world.operator.running:
            await world.start()
        assert await end(world, succeeded) == expected


async def begin_or_die(world: World, first: Any, succeeded: bool) -> None:
    """Begin; whoever dies before the first revision is in use is started again."""
    await world.until(lambda: not first.running or peeked(world).get("state") == "Promoted")
    if not first.running:
        await world.start()
    await begin(world, succeeded)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("kind", [KillBefore, KillAfter])
@pytest.mark.parametrize("succeeded", [True, False])
async def test_a_death_at_any_write_of_a_gate_changes_nothing_about_its_end(
    succeeded: bool, kind: type[Any]
) -> None:
    await killed_at_every_write(
        lambda: undisturbed(succeeded),
        lambda nth, expected: killed_at(succeeded, nth, kind, expected),
        10,
    )
