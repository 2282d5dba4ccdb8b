"""Kill the operator at every write of runs that use the language: the same end, nothing twice.

Each story is run once for every write that it makes, killed before it and killed after it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from builders.campaign import Death, KillAfter, KillBefore, Tale
from builders.engine import World
from builders.kubelet import fails, ok
from builders.replica import Operator
from builders.specs import NAMESPACE, Body, a_phase, a_task, an_agent
from spectra_operator.api.action import ActionType
from spectra_operator.core.orders import Order
from spectra_operator.engine.keys import PHASES, Key

pytestmark = pytest.mark.timeout(300)

NOW: Body = {"backoff": {"initialSeconds": 0}}
STAGE = Key("Phase", NAMESPACE, "stage")
Story = Callable[[World], Awaitable[None]]


async def items_of_an_output(world: World) -> None:
    """A task for each entry of an output; one item fails once."""
    world.kubelet.plan("list", ok({"names": ["x", "y", "z"]}))
    world.kubelet.plan("each", fails(), ok({"n": 1}), index=1)
    each = a_task("each", depends_on=["list"], for_each="${tasks.list.outputs.names}")
    each |= {"input": {"name": "${item}"}, "retry": {"limit": 1, **NOW}}
    last = a_task("last", depends_on=["each"], when="size(tasks.each.outputs) == 3")
    await world.apply(a_phase([a_task("list"), each, last]))


async def another_way(world: World) -> None:
    """A task that fails on its own way, and once on the next."""
    world.kubelet.plan("work", fails(), fails(), ok({"n": 1}))
    fallback = [{"agent": "worker", "retry": {"limit": 1, **NOW}}]
    await world.apply(a_phase([a_task(fallback=fallback), a_task("next", depends_on=["work"])]))


async def a_plan(world: World) -> None:
    """A planner whose first plan fails."""
    world.kubelet.plan(
        "plan", ok(spawn=[a_task("bad")]), ok({"why": "so"}, spawn=[a_task("good"), a_task("two")])
    )
    world.kubelet.plan("bad", fails())
    planner = a_task("plan", planner={}, retry={"limit": 1, **NOW})
    await world.apply(a_phase([planner, a_task("next", depends_on=["plan"])]))


async def a_retry(world: World) -> None:
    """A failed task that a person lets be done again while another is at work."""
    world.kubelet.plan("bad", fails(), ok({"n": 2}))
    world.kubelet.plan("long", ok(seconds=20))
    tasks = [a_task("bad"), a_task("long"), a_task("next", depends_on=["bad"])]
    await world.apply(a_phase(tasks, failure_policy="Continue"))


def ask_again(world: World) -> None:
    """Put the order before whoever leads, as the intake of Actions does after a restart."""
    now = world.clock.now()
    parts = world.operator.parts
    parts.orders.put(STAGE, Order("uid-1", "again", ActionType.RETRY, "ann", "it was me", now))
    parts.queue.add(STAGE)


class Told:
    """One telling of a story: somebody who is to ask for a retry does so once, or once again."""

    def __init__(self, story: Story) -> None:
        self._story = story
        self._asked: Operator | None = None

    async def begin(self, world: World) -> None:
        """Begin the story."""
        self._asked = None
        await self._story(world)

    def is_over(self, world: World) -> bool:
        """Whether it is over; who is to ask for something asks whoever leads, when it is time."""
        failed = world.task_now("bad").get("state") == "Failed"
        if self._story is a_retry and failed and self._is_to_be_asked(world):
            self._asked = world.operator
            ask_again(world)
        return _is_over(world)

    def _is_to_be_asked(self, world: World) -> bool:
        taken = bool(_status(world).get("actions"))
        return world.operator.running and world.operator is not self._asked and not taken

    async def end(self, world: World) -> Any:
        """Let it come to its end, and return that, checked."""
        await world.until(lambda: self.is_over(world))
        await world.until(lambda: not world.operator.memory())
        return end_of(world)


def _status(world: World) -> Body:
    found: Body = (world.peek(PHASES, "stage") or {}).get("status") or {}
    return found


def _is_over(world: World) -> bool:
    return all(world._is_finished(PHASES, b["metadata"]["name"]) for b in _phases(world))


def _phases(world: World) -> list[Body]:
    return list(world.api._store.all(PHASES))


def end_of(world: World) -> Any:
    """Return what a run came to, and which attempts it took."""
    fields = ("state", "attempt", "prior", "failures", "losses", "outputs", "fallback")
    shown = {
        body["metadata"]["name"]: (
            body["status"]["state"],
            {
                name: {field: task.get(field) for field in fields}
                for name, task in body["status"]["tasks"].items()
            },
        )
        for body in _phases(world)
    }
    attempts = sorted((b.task, b.index, b.number) for b in world.kubelet.births)
    assert len(set(attempts)) == len(attempts), attempts
    assert world.held_pods() == []
    assert world.operator.failed_passes() == 0
    return [shown[name] for name in sorted(shown, key=len)], attempts


@pytest.mark.parametrize("kind", [KillBefore, KillAfter])
@pytest.mark.parametrize("story", [items_of_an_output, another_way, a_plan, a_retry])
async def test_a_death_at_any_write_changes_nothing_about_the_end(
    story: Story, kind: Death
) -> None:
    told = Told(story)
    await Tale(an_agent(), told.begin, told.end, told.is_over).dies(kind, 8)
