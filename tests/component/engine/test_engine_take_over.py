"""A take-over looks at everything once, and again only at what that left to be done."""

from __future__ import annotations

from collections import Counter

import pytest

from builders.campaign import (
    KillAfter,
    Mutations,
    arm,
    check_history,
    killed_at_every_write,
    plan_fates,
    the_workflow,
)
from builders.engine import World, a_running_world
from builders.fake_api.faults import Fault
from builders.kubelet import ok
from builders.specs import a_chain, a_step, a_workflow
from spectra_operator.engine.engine import LISTED
from spectra_operator.engine.keys import key_of

MANY = 20
NAMES = [f"flow-{number}" for number in range(MANY)]


async def _with_many_workflows(world: World, *, suspended: bool) -> None:
    """Have workflows whose first task has ended; the second runs, or they are suspended."""
    world.kubelet.plan("a", ok(seconds=1))
    world.kubelet.plan("b", ok(seconds=10_000))
    for name in NAMES:
        await world.apply(a_workflow([a_step("build", a_chain("a", "b"))], name=name))
    if suspended:
        await world.during(0.5)
        for name in NAMES:
            await world.change("Workflow", name, suspend=True)
    await world.during(60)


async def _taken_over(world: World) -> list[str]:
    """Replace the operator, let a minute pass, and return what was written meanwhile."""
    world.operator.kill()
    writes = Mutations()
    await world.start()
    arm(world, writes, Fault())
    await world.during(60)
    return writes.calls


@pytest.mark.parametrize("suspended", [True, False], ids=["suspended", "running"])
async def test_a_take_over_makes_two_passes_over_each_phase_and_writes_none(
    suspended: bool,
) -> None:
    async with a_running_world() as world:
        await _with_many_workflows(world, suspended=suspended)
        written = Counter(call.split(" ")[1] for call in await _taken_over(world))
        assert world.operator.passes("Phase") == 2 * MANY
        assert "phases/status" not in written
        assert written["workflows/status"] <= MANY, "durations that the other had seen are unknown"
        assert world.operator.passes("Workflow") <= 3 * MANY


async def test_what_waits_to_begin_begins_at_a_take_over() -> None:
    async with a_running_world() as world:
        await _with_many_workflows(world, suspended=True)
        world.operator.kill()
        await world.apply(a_workflow([a_step("build", a_chain("c"))], name="new"))
        await world.change("Workflow", NAMES[0], suspend=False)
        await world.start()
        await world.until(lambda: world.status_now("new").get("state") == "Succeeded")
        assert sorted(world.kubelet.tasks()) == [*("a" for _ in NAMES), "b", "c"]


async def test_a_term_that_ends_before_work_may_start_leaves_nothing_that_waits_for_it() -> None:
    async with a_running_world() as world:
        await _with_many_workflows(world, suspended=False)
        engine = world.operator.engine
        engine.give_up(0)
        engine.terms.begin(0, lambda: True)
        for key in (key_of(b) for r in LISTED for b in engine.parts.store.of_kind(r.kind)):
            engine.parts.queue.add(key)
            assert not engine.parts.may_start(key)
        engine.give_up(0)
        assert not engine.parts.held_back
        assert len(engine.parts.queue) == 0


async def _look_at_all(world: World) -> list[str]:
    """Let the operator look at everything that it knows, and return what it writes for that."""
    writes, parts = Mutations(), world.operator.parts
    arm(world, writes, Fault())
    for body in [body for each in LISTED for body in parts.store.of_kind(each.kind)]:
        parts.queue.add(key_of(body))
    await world.settle()
    return writes.calls


async def _all_is_done_after_a_death_at(nth: int, _: object) -> None:
    """Kill the operator after a write: after the take-over a look at everything does nothing."""
    async with a_running_world() as world:
        plan_fates(world)
        first = world.operator
        arm(world, Mutations(nth), KillAfter(first.kill))
        await world.apply(the_workflow())
        await world.until(lambda: not first.running or world.is_finished())
        if first.running:
            return
        await world.start()
        await world.settle()
        assert await _look_at_all(world) == []
        await world.finished()
        check_history(world)


async def _undisturbed() -> tuple[None, list[str]]:
    async with a_running_world() as world:
        plan_fates(world)
        counter = Mutations()
        arm(world, counter, Fault())
        await world.apply(the_workflow())
        await world.finished()
        return None, counter.calls


@pytest.mark.timeout(300)
async def test_what_a_take_over_does_not_look_at_again_has_nothing_to_do_wherever_it_begins() -> (
    None
):
    await killed_at_every_write(_undisturbed, _all_is_done_after_a_death_at, 30)
