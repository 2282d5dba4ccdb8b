"""The operator dies before and after each write of a rollout with gates: the end is the same."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest

from builders.campaign import Death, KillAfter, KillBefore, Tale
from builders.engine import World
from builders.fake_api.store import StoreEvent
from builders.specs import Body
from builders.workers import Deed, once
from component.rollout.rollout_cases import GOOD, NEXT, a_pool, change_image, peeked, well
from spectra_operator.engine.keys import PHASES

TASKS = [{"task": "codecs"}, {"task": "headers"}]
ENDS = {True: "Promoted", False: "Aborted"}


def an_agent_with_gates() -> Body:
    return a_pool(replicas=1, rollout={"preGate": {"tasks": TASKS}, "analysis": None})


async def begin(succeeded: bool, world: World) -> None:
    """Have the template changed, to one whose second gate ends so, once the first is in use."""

    def habit(document: Body) -> Deed:
        return Deed(succeeded=succeeded) if document["task"] == "headers" else well(document)

    def change_once(_: StoreEvent) -> None:
        if not changed and peeked(world).get("state") == "Promoted":
            changed.append(asyncio.create_task(change_image(world)))

    changed: list[asyncio.Task[None]] = []
    world.workers.habits = {GOOD: well, NEXT: habit}
    world.api._store.listen(change_once)


async def end(succeeded: bool, world: World) -> Any:
    """Let it come to its end, and return that; no gate is done twice, or left unended.

    Which of two gates comes first is nobody's promise; once one has failed, the other is dropped.
    """
    await world.until(lambda: is_over(world), seconds=600)
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


def is_over(world: World) -> bool:
    return len(peeked(world).get("history") or ()) > 1


@pytest.mark.timeout(240)
@pytest.mark.parametrize("kind", [KillBefore, KillAfter])
@pytest.mark.parametrize("succeeded", [True, False])
async def test_a_death_at_any_write_of_a_gate_changes_nothing_about_its_end(
    succeeded: bool, kind: Death
) -> None:
    begun, ended = partial(begin, succeeded), partial(end, succeeded)
    await Tale(an_agent_with_gates(), begun, ended, is_over).dies(kind, 10)
