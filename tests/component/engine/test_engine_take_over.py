"""A take-over leaves nothing undone, wherever it begins."""

from __future__ import annotations

import pytest

from builders.campaign import (
    KillAfter,
    Mutations,
    Tale,
    arm,
    begin,
    check_history,
)
from builders.engine import World, a_running_world
from builders.fake_api.faults import Fault
from builders.kubelet import ok
from builders.specs import a_chain, a_step, a_task, a_workflow, an_agent
from builders.workers import Deed
from spectra_operator.engine.engine import LISTED
from spectra_operator.engine.keys import key_of
from spectra_operator.engine.passes import Passes
from spectra_operator.engine.worker_book import SILENT_SECONDS

MANY = 20
NAMES = [f"flow-{number}" for number in range(MANY)]


async def _with_many_workflows(world: World, *, suspended: bool = False) -> None:
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


async def test_what_waits_to_begin_begins_at_a_take_over() -> None:
    async with a_running_world() as world:
        await _with_many_workflows(world, suspended=True)
        world.operator.kill()
        await world.apply(a_workflow([a_step("build", a_chain("c"))], name="new"))
        await world.change("Workflow", NAMES[0], suspend=False)
        await world.start()
        await world.until(lambda: world.status_now("new").get("state") == "Succeeded")
        assert sorted(world.kubelet.tasks()) == [*("a" for _ in NAMES), "b", "c"]


@pytest.mark.parametrize("suspended", [True, False], ids=["suspended", "running"])
async def test_a_take_over_makes_two_passes_over_a_phase_and_four_over_a_workflow(
    suspended: bool,
) -> None:
    async with a_running_world() as world:
        await _with_many_workflows(world, suspended=suspended)
        world.operator.kill()
        await world.start()
        await world.during(60)

        assert world.operator.passes("Phase") <= 2 * MANY
        assert world.operator.passes("Workflow") <= 4 * MANY


async def test_what_is_applied_during_a_take_over_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    async with a_running_world() as world:
        await _with_many_workflows(world)
        world.operator.kill()
        await _begin_slowly(world, monkeypatch)
        await world.during(5)
        assert not world.operator.engine.terms.admitted
        await world.apply(a_workflow([a_step("build", a_chain("c"))], name="new"))

        await world.until(lambda: world.status_now("new").get("state") == "Succeeded")


async def test_workers_that_a_long_take_over_kept_out_lose_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with a_running_world(an_agent(mode="Pool", replicas=2, slots=2)) as world:
        world.workers.plan("plan", Deed(seconds=200))
        await world.apply(a_workflow([a_step("build", [a_task("plan")])]))
        for name in NAMES:
            flow = a_workflow([a_step("build", a_chain("a"))], name=name)
            await world.apply(flow | {"spec": flow["spec"] | {"suspend": True}})
        await world.until(lambda: world.workers.began)
        world.operator.kill()
        await _begin_slowly(world, monkeypatch)
        await world.during(SILENT_SECONDS + 2)
        assert not world.operator.engine.terms.admitted

        await world.finished()

        assert world.workers.attempts("plan") == [1]


async def test_a_term_that_ends_before_work_may_start_leaves_nothing_that_waits_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with a_running_world() as world:
        await _with_many_workflows(world)
        world.operator.kill()
        await world.apply(a_workflow([a_step("build", a_chain("c"))], name="new"))
        await _begin_slowly(world, monkeypatch)
        parts = world.operator.parts
        await world.until(lambda: parts.held_back)
        assert len(parts.queue)

        world.operator.engine.give_up(0)

        assert not parts.held_back
        assert len(parts.queue) == 0


async def test_a_term_that_ends_at_the_last_look_starts_no_new_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with a_running_world() as world:
        await _with_many_workflows(world)
        engine = world.operator.engine
        engine.give_up(0)
        looked: list[float] = []

        async def turn(_: Passes, seconds: float) -> None:
            looked.append(seconds)
            if len(looked) == 2 * MANY + 1:  # workflows, phases, an agent
                engine.give_up(0)

        monkeypatch.setattr(Passes, "turn", turn)
        await engine.take_over(0, lambda: True)

        assert len(looked) == 2 * MANY + 1
        assert not engine.terms.admitted


async def _begin_slowly(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start a replica that takes a second for each look, and wait until it begins with them."""

    async def turn(passes: Passes, _: float) -> None:
        await passes._clock.sleep(1.0)

    monkeypatch.setattr(Passes, "turn", turn)
    operator = await world.start(leads=False)
    await world.until(lambda: operator.engine.terms.any_held)
    assert not operator.engine.terms.admitted


async def _look_at_all(world: World) -> list[str]:
    """Let the operator look at everything that it knows, and return what it writes for that."""
    writes, parts = Mutations(), world.operator.parts
    arm(world, writes, Fault())
    for body in [body for each in LISTED for body in parts.store.of_kind(each.kind)]:
        parts.queue.add(key_of(body))
    await world.settle()
    return writes.calls


async def _end(world: World) -> None:
    """Look at everything as soon as nothing moves, which does nothing; then let the run end."""
    await world.settle()
    assert await _look_at_all(world) == []
    await world.finished()
    check_history(world)


@pytest.mark.timeout(300)
async def test_after_a_take_over_nothing_is_left_to_do_wherever_it_began() -> None:
    await Tale(an_agent(), begin, _end, World.is_finished).dies(KillAfter, 30)
