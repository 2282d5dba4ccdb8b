"""Asks for something by an Action, and waits until that is done or refused."""

from __future__ import annotations

from typing import Any

from builders.campaign import is_labelled
from builders.engine import World
from builders.specs import Body, an_action
from spectra_operator.engine.keys import ACTIONS


async def asked(world: World, kind: str, name: str = "please", **fields: Any) -> Body:
    """Ask for something, wait until it is done or refused, and return the Action's status."""
    await world.apply(an_action(kind, name, **fields))
    await world.until(lambda: is_closed(world, name))
    body = world.peek(ACTIONS, name)
    assert body is not None
    found: Body = body["status"]
    return found


def is_closed(world: World, name: str) -> bool:
    """Whether an Action is done with."""
    body = world.peek(ACTIONS, name)
    return body is not None and is_labelled(body)
