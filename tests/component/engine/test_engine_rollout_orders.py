"""Actions about agents: what is refused before a rollout has a say."""

from __future__ import annotations

from typing import Any

import pytest

from builders.engine import World, a_running_world
from builders.specs import Body, an_action, an_agent
from spectra_operator.api import constants as c
from spectra_operator.engine.keys import ACTIONS


async def asked(world: World, kind: str, name: str = "please", **fields: Any) -> Body:
    """Ask something of the agent `optimizer`, wait until it is closed, return its status."""
    given = {"target": "optimizer", "target_kind": "Agent"} | fields
    await world.apply(an_action(kind, name, **given))
    await world.until(lambda: closed(world, name))
    body = world.peek(ACTIONS, name)
    assert body is not None
    found: Body = body["status"]
    return found


def closed(world: World, name: str) -> bool:
    body = world.peek(ACTIONS, name) or {"metadata": {}}
    return c.LABEL_FINISHED in (body["metadata"].get("labels") or {})


async def test_an_agent_that_is_not_there_is_looked_up_and_then_refused() -> None:
    async with a_running_world() as world:
        status = await asked(world, "Promote")

        assert (status["state"], status["message"]) == ("Refused", "there is no Agent optimizer")
        await world.until(lambda: not world.operator.memory())


async def test_another_agent_of_the_same_name_is_left_alone() -> None:
    async with a_running_world() as world:
        await world.apply(an_agent("optimizer"))
        status = await asked(world, "Undo", uid="of-its-predecessor")

        assert status["state"] == "Refused"
        assert status["message"].startswith("Agent optimizer is another one by now: it has the UID")


@pytest.mark.parametrize(
    ("kind", "target", "says"),
    [
        ("Cancel", "Agent", "spec.type: an agent takes Promote, Abort, Undo, Retry"),
        ("Promote", "Workflow", "spec.type: Promote is about the rollout of an agent"),
    ],
)
async def test_what_does_not_fit_the_kind_is_refused_where_no_rule_was_there(
    kind: str, target: str, says: str
) -> None:
    async with a_running_world() as world:
        await world.apply(an_agent("optimizer"))
        status = await asked(world, kind, target_kind=target)

        assert status["state"] == "Refused"
        assert status["message"].startswith(says)


async def test_an_agent_whose_spec_cannot_be_read_takes_no_orders() -> None:
    async with a_running_world() as world:
        body = an_agent("optimizer", mode="Swarm")
        await world.apply(body)
        status = await asked(world, "Promote")

        assert status["state"] == "Refused"
        assert status["message"].startswith("Agent optimizer is not valid (spec.mode: ")
        assert status["message"].endswith("; mend it and ask again")


async def test_an_action_goes_with_its_agent() -> None:
    async with a_running_world() as world:
        await world.apply(an_agent("optimizer", mode="Swarm"))
        await asked(world, "Promote")

        [owner] = (world.peek(ACTIONS, "please") or {})["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["name"]) == ("Agent", "optimizer")
