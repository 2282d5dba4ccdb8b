"""An action asked for at any moment of a run's end is carried out, whatever is being put away."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from builders.actions import is_closed
from builders.engine import World, a_running_world
from builders.fake_api.store import StoreEvent
from builders.kubelet import fails
from builders.specs import NAMESPACE, Body, a_step, a_task, a_workflow, an_action
from spectra_operator.engine.keys import ACTIONS

pytestmark = pytest.mark.timeout(300)

TASKS = [a_task("a"), a_task("b"), a_task("c", depends_on=["a", "b"])]


def a_failing_flow() -> Body:
    """Return a workflow of which one task fails, so that it ends Failed."""
    return a_workflow([a_step("work", TASKS)], failure_policy="Continue")


class AtEvent:
    """Applies an Action as soon as the n-th change of any object is stored."""

    def __init__(self, world: World, nth: int, action: Body) -> None:
        self.seen = 0
        self._world, self._nth, self._action = world, nth, action
        self._tasks: list[asyncio.Task[Any]] = []
        self._stop = world.api._store.listen(self._on_event)

    def _on_event(self, _: StoreEvent) -> None:
        self.seen += 1
        if self.seen == self._nth:
            placed = self._action | {
                "metadata": self._action["metadata"] | {"namespace": NAMESPACE}
            }
            made = self._world.api.create(ACTIONS, placed)
            self._tasks.append(asyncio.get_running_loop().create_task(made))


async def _events_of_a_run() -> int:
    async with a_running_world() as world:
        world.kubelet.plan("a", fails())
        counter = AtEvent(world, -1, {})
        await world.apply(a_failing_flow())
        await world.finished()
        await world.until(lambda: not world.operator.memory())
        return counter.seen


@pytest.mark.parametrize("kind", ["Skip", "MarkSucceeded", "Retry"])
async def test_an_action_is_carried_out_at_whatever_moment_it_comes(kind: str) -> None:
    about: dict[str, Any] = {} if kind == "Retry" else {"phase": "work", "task": "a"}
    for nth in range(2, await _events_of_a_run() + 1):
        async with a_running_world() as world:
            world.kubelet.plan("a", fails())
            AtEvent(world, nth, an_action(kind, "please", **about))
            await world.apply(a_failing_flow())
            try:
                await world.until(lambda: is_closed(world, "please"))
                await world.finished()
                await world.until(lambda: not world.operator.memory())
            except AssertionError as error:
                raise AssertionError(f"{kind} at event {nth}: {error}") from error
