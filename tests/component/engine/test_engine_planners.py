"""Planner tasks: the Phase that carries a plan out, made once, stopped with its planner."""

from __future__ import annotations

import json
from typing import Any

from builders.engine import World, a_running_world
from builders.kubelet import Fate, fails, hangs, ok
from builders.specs import NAMESPACE, Body, a_phase, a_step, a_task, a_workflow
from spectra_operator.api.action import ActionType
from spectra_operator.core.orders import Order
from spectra_operator.engine.keys import PHASES, Key

STAGE = Key("Phase", NAMESPACE, "stage")


def plans(*tasks: Body, outputs: Any = None, **fate: Any) -> Fate:
    """Return a plan."""
    return ok(outputs, spawn=list(tasks), **fate)


def a_planner(**fields: Any) -> Body:
    """Return a task that plans."""
    return a_task("plan", **{"planner": {}} | fields)


async def plans_of(world: World) -> list[Body]:
    """Return the Phases of plans."""
    found = await world.api.objects(PHASES, NAMESPACE)
    return [body for body in found if body["spec"].get("parent")]


def order(world: World, kind: ActionType, task: str = "", uid: str = "order-1") -> Order:
    """Return what a person asks for now."""
    return Order(uid, f"{kind.lower()}-it", kind, "ann", "it is wrong", world.clock.now(), "", task)


def ask(world: World, asked: Order) -> None:
    """Ask for something about the phase that stands alone."""
    world.operator.parts.orders.put(STAGE, asked)
    world.operator.parts.queue.add(STAGE)


async def test_the_outputs_of_a_plan_s_tasks_are_those_of_the_planner(world: World) -> None:
    two = a_task("two", depends_on=["one"], input={"x": "${tasks.one.outputs.n}"})
    world.kubelet.plan("plan", plans(a_task("one"), two, outputs={"why": "so"}))
    world.kubelet.plan("one", ok({"n": 4}))
    world.kubelet.plan("two", ok(lambda given: {"twice": given["x"] * 2}))
    after = a_task("after", depends_on=["plan"], input={"all": "${tasks.plan.outputs}"})
    await world.apply(a_workflow([a_step("build", [a_planner(), after])]))

    assert (await world.finished())["state"] == "Succeeded"

    assert world.kubelet.tasks() == ["plan", "one", "two", "after"]
    gathered = {"one": {"n": 4}, "two": {"twice": 8}, "why": "so"}
    assert world.kubelet.inputs["after", 0, 1] == {"all": gathered}
    [plan] = await plans_of(world)
    assert plan["spec"]["role"] == "Spawned"
    assert plan["spec"]["parent"]["task"] == "plan"
    await world.until(lambda: not world.operator.memory())


async def test_a_plan_that_is_not_allowed_starts_nothing(world: World) -> None:
    world.kubelet.plan("plan", plans(a_task("one", agent="root")))
    await world.apply(a_phase([a_planner()]))
    status = await world.phase_finished()
    assert status["tasks"]["plan"]["reason"] == "SpawnInvalid"
    assert world.kubelet.tasks() == ["plan"]
    assert await plans_of(world) == []


async def test_a_planner_whose_plan_failed_plans_anew(world: World) -> None:
    retry = {"limit": 1, "backoff": {"initialSeconds": 0}}
    world.kubelet.plan("plan", plans(a_task("bad")), plans(a_task("good")))
    world.kubelet.plan("bad", fails())
    await world.apply(a_phase([a_planner(retry=retry)]))
    status = await world.phase_finished()
    assert status["state"] == "Succeeded"
    assert json.loads(status["tasks"]["plan"]["outputs"]) == {"good": {}}
    assert world.kubelet.tasks() == ["plan", "bad", "plan", "good"]
    assert len(await plans_of(world)) == 2
    await world.until(lambda: not world.operator.memory())


async def test_a_planner_of_a_plan_plans_in_its_turn(world: World) -> None:
    inner = a_task("inner", planner={"maxDepth": 2})
    world.kubelet.plan("plan", plans(inner))
    world.kubelet.plan("inner", plans(a_task("leaf")))
    world.kubelet.plan("leaf", ok({"n": 1}))
    await world.apply(a_phase([a_planner(planner={"maxDepth": 2})]))
    status = await world.phase_finished()
    assert json.loads(status["tasks"]["plan"]["outputs"]) == {"inner": {"leaf": {"n": 1}}}


async def test_a_phase_of_a_plan_that_is_deleted_fails_its_planner(world: World) -> None:
    world.kubelet.plan("plan", plans(a_task("slow")))
    world.kubelet.plan("slow", hangs())
    await world.apply(a_phase([a_planner()]))
    await world.until(lambda: "slow" in world.kubelet.tasks())
    [plan] = await plans_of(world)
    await world.delete("Phase", plan["metadata"]["name"])
    status = await world.phase_finished()
    assert status["tasks"]["plan"]["reason"] == "PhaseDeleted"


async def test_a_suspended_phase_holds_its_plans_too_and_lets_them_go_again(world: World) -> None:
    world.kubelet.plan("plan", plans(a_task("one"), a_task("two", depends_on=["one"])))
    world.kubelet.plan("one", hangs())
    await world.apply(a_phase([a_planner()]))
    await world.until(lambda: "one" in world.kubelet.tasks())
    await world.change("Phase", "stage", suspend=True)
    await world.settle()
    await world.kubelet.end("one", ok())
    await world.during(30)
    assert "two" not in world.kubelet.tasks()
    await world.change("Phase", "stage", suspend=False)
    assert (await world.phase_finished())["state"] == "Succeeded"


async def test_a_planner_past_its_deadline_stops_its_plan(world: World) -> None:
    world.kubelet.plan("plan", plans(a_task("slow")))
    world.kubelet.plan("slow", hangs())
    await world.apply(a_phase([a_planner(active_deadline_seconds=20)]))
    status = await world.phase_finished()
    assert status["tasks"]["plan"]["reason"] == "DeadlineExceeded"
    assert world.clock.monotonic() < 60
    [plan] = await plans_of(world)
    assert plan["status"]["reason"] == "DeadlineExceeded"


async def test_a_plan_ends_with_the_attempt_that_made_it(world: World) -> None:
    world.kubelet.plan("plan", plans(a_task("slow")), plans(a_task("quick")))
    world.kubelet.plan("slow", hangs())
    await world.apply(a_phase([a_planner()]))
    await world.until(lambda: "slow" in world.kubelet.tasks())
    ask(world, order(world, ActionType.RERUN, "plan"))
    status = await world.phase_finished()
    assert json.loads(status["tasks"]["plan"]["outputs"]) == {"quick": {}}
    first = (await plans_of(world))[0]
    states = sorted(plan["status"]["state"] for plan in await plans_of(world))
    assert states == ["Cancelled", "Succeeded"], first


async def test_a_skipped_planner_takes_its_plan_with_it() -> None:
    async with a_running_world() as world:
        world.kubelet.plan("plan", plans(a_task("slow")))
        world.kubelet.plan("slow", hangs())
        await world.apply(a_phase([a_planner(), a_task("other")]))
        await world.until(lambda: "slow" in world.kubelet.tasks())
        ask(world, order(world, ActionType.SKIP, "plan"))
        status = await world.phase_finished()
        assert (status["state"], status["tasks"]["plan"]["state"]) == ("Succeeded", "Skipped")
        await world.until(lambda: not world.operator.memory())
        [plan] = await plans_of(world)
        assert plan["status"]["state"] == "Cancelled"
