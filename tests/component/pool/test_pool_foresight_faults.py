"""What may happen between a result and the write that has it and what follows from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from builders.engine import World
from builders.fake_api.faults import (
    CommitThenCut,
    CommitThenFail,
    CutBefore,
    Fault,
    HoldAnswer,
    HoldRequest,
    Refuse,
)
from builders.page_watch import PageWatch, before_of, writes_a_page, writes_an_end
from builders.specs import NAMESPACE, Body, a_chain, a_step, a_task, a_workflow, an_action
from builders.workers import Deed, once
from component.pool.test_pool_foresight import a_flow, a_pool, a_warm_world, done, order
from spectra_operator.api import constants as c
from spectra_operator.engine.keys import RESOURCES
from spectra_operator.kube.resources import LEASES, PODS

TASKS = ("a", "b", "c")


class Meddle(Fault):
    """Changes the page just before a write of it arrives, which is refused then."""

    def __init__(self, world: World, meddle: Callable[[Body], Body]) -> None:
        self._world, self._meddle = world, meddle

    async def before(self) -> None:
        """Meddle."""
        (page,) = [
            body
            for body in await self._world.api.objects(LEASES, NAMESPACE)
            if c.LABEL_WORKER in body["metadata"].get("labels", {})
        ]
        patch = {"metadata": {"annotations": self._meddle(page["metadata"]["annotations"])}}
        await self._world.api.patch(LEASES, page["metadata"]["name"], patch, NAMESPACE)


def claim_of(notes: Body) -> str:
    """Return the key of the only claim on a page."""
    (key,) = [key for key in notes if key.startswith(c.CLAIM_PREFIX)]
    return key


MEDDLING: dict[str, tuple[Callable[[Body], Body], list[int]]] = {
    "something else was written": (lambda _: {"else": "1"}, [1]),
    "the claim was removed": (lambda notes: {claim_of(notes): None}, [1, 2]),
    "the claim was spoilt": (lambda notes: {claim_of(notes): "no claim"}, [1, 2]),
}


@pytest.mark.parametrize("how", MEDDLING)
@pytest.mark.parametrize("slots", [1, 2])
@pytest.mark.parametrize("seconds", [0.1, 2.0])
async def test_after_a_conflict_both_stand_or_neither_and_what_follows_runs_once(
    how: str, slots: int, seconds: float
) -> None:
    async with a_warm_world(a_pool(slots=slots)) as world:
        meddle, attempts = MEDDLING[how]
        for task in TASKS:  # status knows of them, or not yet
            world.workers.plan(task, Deed(seconds=seconds), Deed(seconds=seconds))
        world.api.fault(writes_an_end(world), Meddle(world, meddle))

        watch = await done(world, a_chain(*TASKS))

        assert world.workers.attempts("a") == attempts
        for task in TASKS[1:]:
            assert world.workers.attempts(task) == [1]
            assert (await world.tasks())[task].get("losses", 0) == 0
        assert watch.ahead[-1] == "c"


async def test_two_results_of_which_one_is_not_taken_bring_nothing_that_waits_for_both() -> None:
    async with a_warm_world(a_pool(slots=2)) as world:
        tasks = [a_task("x"), a_task("y"), a_task("end", depends_on=["x", "y"])]
        watch = PageWatch(world, before_of(tasks))

        def without_y(notes: Body) -> Body:
            claims = [k for k, v in notes.items() if k.startswith(c.CLAIM_PREFIX) and '"y"' in v]
            assert len(claims) == 1
            return {claims[0]: None}

        world.api.fault(writes_an_end(world), Meddle(world, without_y))
        await world.apply(a_flow(tasks))
        await world.finished()

        watch.check()
        assert [world.workers.attempts(task) for task in ("x", "y", "end")] == [[1], [1, 2], [1]]


@pytest.mark.parametrize("times", [1, 4])
@pytest.mark.parametrize(
    "fault",
    [Refuse(500, "InternalError"), CutBefore(), CommitThenFail(), CommitThenCut()],
    ids=["refused", "cut", "committed-500", "committed-cut"],
)
async def test_a_write_that_fails_ends_the_same(fault: Fault, times: int) -> None:
    async with a_warm_world() as world:
        world.api.fault(writes_an_end(world), fault, times=times)

        await done(world, a_chain(*TASKS))

        assert order(world) == list(TASKS)
        for task in (await world.tasks()).values():
            assert (task["attempt"], task.get("losses", 0)) == (1, 0)


# What others do between

Act = Callable[[World], Awaitable[None]]


async def _crash(world: World) -> None:
    (worker,) = world.workers.workers.values()
    world.workers._crash(worker)
    await world.during(1)


async def _silence(world: World) -> None:
    world.workers.silence(next(iter(world.workers.workers)))


async def _delete_pod(world: World) -> None:
    await world.api.delete(PODS, next(iter(world.workers.workers)), NAMESPACE)


async def _kill(world: World) -> None:
    world.operator.kill()
    await world.start()


async def _hand_over(world: World) -> None:
    await world.start("two", leads=False)
    world.operators[0].kill()
    await world.until(world.operator.leads)


def _delete(kind: str) -> Act:
    async def act(world: World) -> None:
        (only,) = await world.api.objects(RESOURCES[kind], NAMESPACE)
        await world.delete(kind, only["metadata"]["name"])

    return act


def _ask(kind: str, **fields: Any) -> Act:
    async def act(world: World) -> None:
        await world.apply(an_action(kind, **fields))

    return act


GOES_ON: dict[str, Act] = {
    "the process crashes": _crash,
    "the worker goes silent": _silence,
    "its pod is deleted": _delete_pod,
    "the operator dies": _kill,
    "another leads": _hand_over,
    "b is skipped": _ask("Skip", phase="build", task="b"),
    "b is marked": _ask("MarkSucceeded", phase="build", task="b"),
    "all is retried": _ask("Retry"),
}
ENDS: dict[str, Act] = {
    "the phase is deleted": _delete("Phase"),
    "the workflow is deleted": _delete("Workflow"),
    "the agent is deleted": _delete("Agent"),
    "all is cancelled": _ask("Cancel"),
}
HOLDS = {"before": HoldRequest, "after": HoldAnswer}


async def _meet(world: World, act: Act, when: str) -> PageWatch:
    """Do something while the write of the first result is under way, and then let it go on."""
    tasks = [*a_chain("a", "b"), a_task("c", depends_on=["a", "b"])]
    watch, hold = PageWatch(world, before_of(tasks)), HOLDS[when]()
    world.api.fault(writes_an_end(world), hold)
    await world.apply(a_workflow([a_step("build", tasks)]))
    await world.until(hold._reached.is_set)
    await act(world)
    await world.during(0.1)
    hold.release()
    return watch


@pytest.mark.parametrize("what", GOES_ON)
@pytest.mark.parametrize("when", HOLDS)
@pytest.mark.parametrize("slots", [1, 2])
async def test_whatever_happens_meanwhile_all_is_done_and_nothing_twice(
    what: str, when: str, slots: int
) -> None:
    async with a_warm_world(a_pool(slots=slots)) as world:
        watch = await _meet(world, GOES_ON[what], when)
        status = await world.finished()

        watch.check()
        assert status["state"] == "Succeeded"
        assert once(world.workers.began), world.workers.began
        assert world.workers.attempts("c") in ([1], [1, 2])
        assert world.operator.failed_passes() == 0
        await world.during(5)
        assert "attempts" not in world.operator.memory()


@pytest.mark.parametrize("what", ENDS)
@pytest.mark.parametrize("when", HOLDS)
async def test_what_is_given_up_meanwhile_leaves_nothing_behind(what: str, when: str) -> None:
    async with a_warm_world() as world:
        watch = await _meet(world, ENDS[what], when)
        await world.during(60)

        watch.check()
        assert once(world.workers.began)
        assert "c" not in order(world) or what == "the phase is deleted"
        assert world.operator.failed_passes() == 0


async def test_a_claim_that_came_to_be_though_its_answer_was_lost_is_not_taken_back() -> None:
    async with a_warm_world() as world:
        world.workers.plan("b", Deed(seconds=30), Deed())
        world.api.fault(writes_an_end(world), CommitThenFail())
        world.api.fault(writes_a_page, _FAILS, 8)
        await world.apply(a_flow(a_chain(*TASKS)))
        await world.until(lambda: "b" in order(world))
        await _crash(world)

        status = await world.finished()

        assert status["state"] == "Succeeded"
        assert once(world.workers.began), world.workers.began
        assert world.workers.attempts("b") == [1, 2]


_FAILS = Refuse(500, "InternalError")
