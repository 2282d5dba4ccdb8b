"""A worker gets what follows from its result with the answer; limits and others come first."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from builders.actions import asked
from builders.engine import World, a_running_world
from builders.page_watch import PageWatch, before_of
from builders.specs import (
    Body,
    a_chain,
    a_phase,
    a_retry,
    a_step,
    a_task,
    a_workflow,
    an_agent,
)
from builders.workers import Deed, once
from spectra_operator.engine.keys import AGENTS, PHASES, Key

TEN = [f"t{number}" for number in range(10)]


def a_pool(**fields: Any) -> Body:
    """Return an agent with one worker of one slot."""
    given: dict[str, Any] = {"mode": "Pool", "replicas": 1, "slots": 1} | fields
    return an_agent(**given)


def a_flow(tasks: list[Body], **fields: Any) -> Body:
    """Return a workflow of one phase."""
    return a_workflow([a_step("build", tasks)], **fields)


@asynccontextmanager
async def a_warm_world(*agents: Body) -> AsyncIterator[World]:
    """Open a cluster in which the workers are up, and ask for the next claim with each result."""
    async with a_running_world(*(agents or (a_pool(),))) as world:
        await warm(world)
        yield world


async def warm(world: World) -> None:
    """Let the workers come up, and ask for the next claim with each result."""
    world.workers.asking = 1
    await world.until(lambda: world.workers.workers)
    await world.during(3)


async def done(world: World, tasks: list[Body], **fields: Any) -> PageWatch:
    """Run a workflow of these tasks to a good end, and return what its pages told."""
    watch = PageWatch(world, before_of(tasks))
    await world.apply(a_flow(tasks, **fields))
    status = await world.finished()
    assert status["state"] == "Succeeded"
    assert once(world.workers.began)
    assert world.operator.failed_passes() == 0
    watch.check()
    return watch


def order(world: World) -> list[str]:
    """Return the tasks in the order in which they were begun."""
    return [task for task, *_ in world.workers.began]


async def test_every_answer_to_a_result_of_a_chain_brings_the_next_task_for_one_write() -> None:
    async with a_warm_world() as world:
        for task in TEN:  # shorter than a recorded end may stay on a page
            world.workers.plan(task, Deed(seconds=0.1))
        watch = await done(world, a_chain(*TEN))

        assert world.workers.brought == [*([task] for task in TEN[1:]), []]
        assert watch.ahead == TEN[1:]
        assert watch.writes <= len(TEN) + 3


async def test_what_is_given_ahead_has_the_result_in_its_input() -> None:
    async with a_warm_world() as world:
        tasks = a_chain(*TEN)
        for before, task in zip(TEN, tasks[1:], strict=False):
            task["input"] = {"n": f"${{tasks.{before}.outputs.n}}", "all": "${tasks.t0.outputs}"}
            told = Deed(outputs=lambda given: {"n": given["n"] + 1, "first": given["all"]["n"]})
            world.workers.plan(task["name"], told)
        world.workers.plan("t0", Deed(outputs={"n": 1}))

        watch = await done(world, tasks)

        assert watch.ahead == TEN[1:]
        assert (await world.tasks())["t9"]["outputs"] == '{"n":10,"first":1}'


async def test_a_worker_that_waits_for_claims_gets_what_follows_by_that() -> None:
    async with a_warm_world(a_pool(slots=2)) as world:
        world.workers.asking = 0

        watch = await done(world, a_chain(*TEN))

        assert watch.ahead == TEN[1:]


async def test_the_status_of_a_task_that_was_given_ahead_is_as_of_any_other() -> None:
    async with a_warm_world() as world:
        await done(world, a_chain("a", "b"))

        tasks = await world.tasks()
        assert {n: (t["state"], t["attempt"]) for n, t in tasks.items()} == {
            "a": ("Succeeded", 1),
            "b": ("Succeeded", 1),
        }
        await world.during(5)
        assert "attempts" not in world.operator.memory()
        for _, run in world.operator.parts.workers.some(lambda _: True):
            assert not any((run.inputs, run.delivered, run.stopping, run.triggers, run.ops))


async def test_a_failed_result_brings_nothing() -> None:
    async with a_warm_world() as world:
        world.workers.plan("a", Deed(succeeded=False), Deed())
        tasks = a_chain("a", "b", retry=a_retry(1))

        watch = await done(world, tasks)

        assert world.workers.brought[0] == []
        assert order(world) == ["a", "a", "b"]
        assert watch.ahead == ["b"]


@pytest.mark.parametrize("outputs", [{"n": "one"}, {"x": "y" * 5000}], ids=["type", "size"])
async def test_a_good_result_that_breaks_the_contract_brings_nothing(outputs: Any) -> None:
    async with a_warm_world() as world:
        world.workers.plan("a", Deed(outputs=outputs))
        tasks = a_chain("a", "b", retry=a_retry())
        tasks[0]["outputs"] = {"n": {"type": "integer"}}
        await world.apply(a_flow(tasks))

        assert (await world.finished())["state"] == "Failed"
        assert order(world) == ["a"]


async def test_the_worker_that_fails_another_task_of_the_phase_gets_nothing_ahead() -> None:
    async with a_warm_world(a_pool(slots=2)) as world:
        world.workers.plan("x", Deed(succeeded=False))
        tasks = [*a_chain("a", "b"), a_task("x", retry=a_retry())]
        watch = PageWatch(world, before_of(tasks))
        await world.apply(a_flow(tasks))

        assert (await world.finished())["state"] == "Failed"
        assert (sorted(order(world)), watch.ahead) == (["a", "x"], [])


async def test_somebody_of_higher_priority_who_waits_gets_the_slot() -> None:
    async with a_warm_world() as world:
        world.workers.plan("a", Deed(seconds=5))
        await world.apply(a_flow(a_chain("a", "b")))
        await world.until(lambda: order(world) == ["a"])
        urgent = a_step("build", [a_task("urgent")])
        await world.apply(a_workflow([urgent], name="other", uid="other", priority=5))

        await world.finished()

        assert order(world) == ["a", "urgent", "b"]


LIMITS: dict[str, tuple[Body, Body, Body]] = {
    "concurrency": ({"concurrency": 2}, {}, {}),
    "phase": ({}, {"parallelism": 2}, {}),
    "workflow": ({}, {}, {"parallelism": 2}),
}


@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("slots", [1, 3])
async def test_no_limit_is_ever_passed(limit: str, slots: int) -> None:
    agent, phase, flow = LIMITS[limit]
    async with a_warm_world(a_pool(replicas=3, slots=slots, **agent)) as world:
        tasks = [
            *a_chain("a1", "a2", "a3"),
            *a_chain("b1", "b2", "b3"),
            *a_chain("c1", "c2", "c3"),
            *(a_task(f"d{number}", depends_on=["a1"]) for number in range(4)),
            a_task("end", depends_on=["a3", "b3"]),
        ]
        watch = PageWatch(world, before_of(tasks))
        await world.apply(a_workflow([a_step("build", tasks, **phase)], **flow))

        assert (await world.finished())["state"] == "Succeeded"

        watch.check()
        assert watch.most == 2
        assert len(world.workers.began) == len(tasks)


async def test_a_limit_that_is_lowered_while_tasks_run_is_kept() -> None:
    async with a_warm_world(a_pool(slots=3)) as world:
        world.workers.plan("c1", Deed(seconds=30))
        tasks = [*a_chain("a1", "a2"), *a_chain("b1", "b2"), *a_chain("c1", "c2")]
        await world.apply(a_flow(tasks))
        await world.until(lambda: len(order(world)) == 3)
        await world.change("Agent", "worker", concurrency=1)

        await world.finished()

        late = order(world).index("a2")
        assert ("c1", 0, 1) in [each[:3] for each in world.workers.ended[: late + 1]]


async def test_a_suspended_workflow_gets_nothing_more_until_it_goes_on() -> None:
    async with a_warm_world() as world:
        world.workers.plan("a", Deed(seconds=5))
        await world.apply(a_flow(a_chain("a", "b")))
        await world.until(lambda: order(world) == ["a"])
        await world.change("Workflow", "flow", suspend=True)
        await world.during(20)
        assert (order(world), world.workers.brought) == (["a"], [[]])

        await world.change("Workflow", "flow", suspend=False)
        await world.finished()

        assert order(world) == ["a", "b"]


async def test_a_suspended_phase_gets_nothing_more() -> None:
    async with a_warm_world() as world:
        world.workers.plan("a", Deed(seconds=5))
        await world.apply(a_phase(a_chain("a", "b")))
        await world.until(lambda: order(world) == ["a"])
        await world.change("Phase", "stage", suspend=True)
        await world.during(20)

        assert order(world) == ["a"]


async def test_a_cancelled_workflow_gets_nothing_more() -> None:
    async with a_warm_world() as world:
        world.workers.plan("a", Deed(seconds=5, deaf=True))
        await world.apply(a_flow(a_chain("a", "b")))
        await world.until(lambda: order(world) == ["a"])
        await asked(world, "Cancel")

        assert (await world.finished())["state"] == "Cancelled"
        assert order(world) == ["a"]


async def test_while_a_preview_is_exposed_nothing_is_given_ahead() -> None:
    rollout = {"maxUnproven": 2, "analysis": {"minTasks": 50}}
    async with a_warm_world(a_pool(slots=2, rollout=rollout)) as world:
        await world.change("Agent", "worker", template={"image": "example/worker:2"})
        await world.until(lambda: _rollout(world).get("state") == "Exposed")

        watch = await done(world, a_chain("a", "b", "c"))

        assert watch.ahead == []


def _rollout(world: World) -> Body:
    return ((world.peek(AGENTS, "worker") or {}).get("status") or {}).get("rollout") or {}


async def test_a_claim_of_a_phase_that_was_made_anew_brings_nothing_in_its_namesake() -> None:
    async with a_warm_world(a_pool(slots=2)) as world:
        world.workers.plan("a", Deed(seconds=5, deaf=True))
        await world.apply(a_phase(a_chain("a", "b")))
        await world.until(lambda: order(world) == ["a"])
        await world.delete("Phase", "stage")
        await world.until(lambda: world.peek(PHASES, "stage") is None)
        other = "11111111-0000-4000-8000-000000000009"
        await world.apply(a_phase(a_chain("c", "d"), uid=other))

        await world.phase_finished()
        await world.during(30)

        assert order(world) == ["a", "c", "d"]
        assert world.operator.failed_passes() == 0


async def test_a_phase_that_cannot_be_decided_about_keeps_no_result_from_being_recorded() -> None:
    async with a_warm_world() as world:
        world.workers.plan("a", Deed(seconds=5))
        await world.apply(a_phase(a_chain("a", "b")))
        await world.until(lambda: order(world) == ["a"])
        run = world.operator.parts.phases[Key("Phase", "team", "stage")]
        known = run.known
        assert known is not None
        del known.tasks["b"]

        await world.until(lambda: world.workers.ended)

        assert world.operator.failed_passes() > 0
        run.known = None
        await world.phase_finished()
        assert order(world) == ["a", "b"]
