"""Kill the operator at every write of a run in which much is given ahead: the end is the same."""

from __future__ import annotations

from typing import Any

import pytest

from builders.campaign import (
    KillAfter,
    KillBefore,
    Mutations,
    arm,
    end_state,
    killed_at_every_write,
)
from builders.engine import World
from builders.fake_api.faults import Fault
from builders.page_watch import PageWatch, before_of
from builders.specs import Body, a_chain, a_task
from builders.workers import Deed, once
from component.pool.test_pool_foresight import a_flow, a_pool, a_warm_world

pytestmark = pytest.mark.timeout(300)


def the_tasks() -> list[Body]:
    """Return two chains and a diamond, with a result that flows through one of the chains."""
    tasks = [
        *a_chain("a1", "a2", "a3"),
        *a_chain("b1", "b2", "b3"),
        *a_chain("top", "left"),
        a_task("right", depends_on=["top"]),
        a_task("bottom", depends_on=["left", "right"], input={"n": "${tasks.top.outputs.n}"}),
    ]
    for before, task in (("a1", tasks[1]), ("a2", tasks[2])):
        task["input"] = {"n": f"${{tasks.{before}.outputs.n}}"}
    return tasks


def plan(world: World) -> PageWatch:
    """Tell the workers how the tasks go, and watch their pages."""
    world.workers.plan("a1", Deed(seconds=0.7, outputs={"n": 1}))
    world.workers.plan("top", Deed(seconds=0.4, outputs={"n": 5}))
    for task in ("a2", "a3", "bottom"):
        world.workers.plan(task, Deed(outputs=lambda given: {"n": given["n"] + 1}))
    return PageWatch(world, before_of(the_tasks()))


def check(world: World, watch: PageWatch) -> None:
    """Check what must hold of every run, whatever befell it."""
    watch.check()
    assert once(world.workers.began), world.workers.began
    made = {task["name"]: world.workers.attempts(task["name"]) for task in the_tasks()}
    assert made == {name: [1] for name in made}, made
    assert not world.workers.refused
    assert world.operator.failed_passes() == 0


async def _undisturbed() -> tuple[Any, list[str]]:
    async with a_warm_world(a_pool(replicas=2, slots=2)) as world:
        watch = plan(world)
        counter = Mutations()
        arm(world, counter, Fault())
        await world.apply(a_flow(the_tasks()))
        await world.finished()
        check(world, watch)
        assert len(watch.ahead) >= 4
        return await end_state(world), counter.calls


async def _killed_at(nth: int, kind: type[KillBefore] | type[KillAfter], expected: Any) -> None:
    async with a_warm_world(a_pool(replicas=2, slots=2)) as world:
        watch = plan(world)
        first = world.operator
        arm(world, Mutations(nth), kind(first.kill))
        await world.apply(a_flow(the_tasks()))
        await world.until(lambda: not first.running or world.is_finished())
        if first.running:
            return  # a repeated write was saved this time: there is no n-th
        await world.start()
        await world.finished()
        check(world, watch)
        assert await end_state(world) == expected


@pytest.mark.parametrize("kind", [KillBefore, KillAfter])
async def test_a_death_at_any_write_changes_nothing_about_the_end(
    kind: type[KillBefore] | type[KillAfter],
) -> None:
    await killed_at_every_write(
        _undisturbed, lambda nth, expected: _killed_at(nth, kind, expected), 15
    )
