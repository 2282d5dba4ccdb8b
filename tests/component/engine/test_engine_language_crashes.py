"""Kill the operator at every write of runs that use the language: the same end, nothing twice.

Each story is run once for every write that it makes, killed before it and killed after it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from builders.campaign import KillAfter, KillBefore, Mutations, arm
from builders.engine import World, a_running_world
from builders.fake_api.faults import Fault
from builders.kubelet import fails, ok
from builders.specs import NAMESPACE, Body, a_phase, a_task
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


async def to_the_end(world: World, story: Story, first: Any = None) -> None:
    """Run a story; let a successor go on if the operator is killed."""
    orders = story is a_retry
    await story(world)
    asked = not orders
    replaced = first is None

    def over() -> bool:
        nonlocal asked
        if not asked and world.task_now("bad").get("state") == "Failed" and world.operator.running:
            asked = True
            ask_again(world)
        return _is_over(world) or not (replaced or first.running)

    await world.until(over)
    if not replaced and not first.running:
        await world.start()  # the same identity: it need not wait for the Lease to expire
        replaced, asked = True, not orders
        taken = {action["uid"] for action in _status(world).get("actions") or ()}
        asked = asked or bool(taken)
        await world.until(over)
    await world.until(lambda: not world.operator.memory())


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


async def undisturbed(story: Story) -> tuple[Any, list[str]]:
    """Return the end of a story, and the writes that led to it."""
    async with a_running_world() as world:
        counter = Mutations()
        arm(world, counter, Fault())
        await to_the_end(world, story)
        return end_of(world), counter.calls


@pytest.mark.parametrize("kind", [KillBefore, KillAfter])
@pytest.mark.parametrize("story", [items_of_an_output, another_way, a_plan, a_retry])
async def test_a_death_at_any_write_changes_nothing_about_the_end(
    story: Story, kind: type[KillBefore] | type[KillAfter]
) -> None:
    expected, calls = await undisturbed(story)
    assert len(calls) > 8
    for nth in range(1, len(calls) + 1):
        async with a_running_world() as world:
            first = world.operator
            arm(world, Mutations(nth), kind(first.kill))
            await to_the_end(world, story, first)
            assert end_of(world) == expected, f"killed at write {nth}, {calls[nth - 1]}"
