"""Kill the operator at every write of a run in which much is given ahead: the end is the same."""

from __future__ import annotations

from typing import Any

import pytest

from builders.campaign import Death, KillAfter, KillBefore, Tale, end_state
from builders.engine import World
from builders.page_watch import PageWatch, before_of
from builders.specs import Body, a_chain, a_task
from builders.workers import Deed, once
from component.pool.test_pool_foresight import a_flow, a_pool, warm

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


class Told:
    """One telling: what its pages showed, and what must hold of it."""

    watch: PageWatch

    async def begin(self, world: World) -> None:
        """Tell the workers how the tasks go, watch their pages, and apply the workflow."""
        world.workers.plan("a1", Deed(seconds=0.7, outputs={"n": 1}))
        world.workers.plan("top", Deed(seconds=0.4, outputs={"n": 5}))
        for task in ("a2", "a3", "bottom"):
            world.workers.plan(task, Deed(outputs=lambda given: {"n": given["n"] + 1}))
        self.watch = PageWatch(world, before_of(the_tasks()))
        await world.apply(a_flow(the_tasks()))

    async def end(self, world: World) -> Any:
        """Let the run come to its end, and return that, checked; in peace, much is given ahead."""
        await world.finished()
        self.watch.check()
        assert once(world.workers.began), world.workers.began
        made = {task["name"]: world.workers.attempts(task["name"]) for task in the_tasks()}
        assert made == {name: [1] for name in made}, made
        assert not world.workers.refused
        assert world.operator.failed_passes() == 0
        assert len(self.watch.ahead) >= 4 or len(world.operators) > 1
        return await end_state(world)


@pytest.mark.parametrize("kind", [KillBefore, KillAfter])
async def test_a_death_at_any_write_changes_nothing_about_the_end(kind: Death) -> None:
    told = Told()
    agent = a_pool(replicas=2, slots=2)
    await Tale(agent, told.begin, told.end, World.is_finished, before=warm).dies(kind, 15)
