"""Conditions, items, hand-offs, rules, fallbacks and orders, with a cluster in the process."""

from __future__ import annotations

from typing import Any

from builders.engine import World
from builders.kubelet import fails, hangs, ok
from builders.specs import NAMESPACE, Body, a_phase, a_task, an_agent
from spectra_operator.api.action import ActionType
from spectra_operator.core.orders import Order
from spectra_operator.engine.keys import Key

NOW: Body = {"backoff": {"initialSeconds": 0}}


async def ran(world: World, *tasks: Body, **fields: Any) -> Body:
    """Run a phase of these tasks to its end; return its status."""
    await world.apply(a_phase(tasks, **fields))
    return await world.phase_finished()


def state(status: Body, task: str) -> tuple[str, str]:
    """Return state and reason of a task."""
    shown = status["tasks"][task]
    return shown["state"], shown.get("reason", "")


async def test_a_branch_is_taken_by_what_a_task_found(world: World) -> None:
    world.kubelet.plan("look", ok({"size": 3}))
    status = await ran(
        world,
        a_task("look"),
        a_task("small", depends_on=["look"], when="tasks.look.outputs.size < 10"),
        a_task("large", depends_on=["look"], when="tasks.look.outputs.size >= 10"),
        a_task("join", depends_on=["small", "large"]),
    )
    assert status["state"] == "Succeeded"
    assert state(status, "large") == ("Skipped", "ConditionFalse")
    assert world.kubelet.tasks() == ["look", "small", "join"]


async def test_an_item_is_run_for_each_entry_of_an_output(world: World) -> None:
    world.kubelet.plan("list", ok({"names": ["x", "y", "z"]}))
    each = a_task("each", depends_on=["list"], for_each="${tasks.list.outputs.names}")
    each["input"] = {"name": "${item}", "number": "${index}"}
    status = await ran(world, a_task("list"), each)
    assert status["tasks"]["each"]["items"]["succeeded"] == "0-2"
    given = [world.kubelet.inputs["each", n, 1] for n in range(3)]
    assert given == [{"name": name, "number": n} for n, name in enumerate("xyz")]


async def test_a_task_for_each_of_nothing_has_succeeded(world: World) -> None:
    world.kubelet.plan("list", ok({"names": []}))
    each = a_task("each", depends_on=["list"], for_each="${tasks.list.outputs.names}")
    status = await ran(world, a_task("list"), each, a_task("next", depends_on=["each"]))
    assert (status["state"], state(status, "each")[0]) == ("Succeeded", "Succeeded")
    assert world.kubelet.tasks() == ["list", "next"]


async def test_no_more_items_run_at_once_than_the_task_says(world: World) -> None:
    for index in range(6):
        world.kubelet.plan("each", hangs(), index=index)
    await world.apply(a_phase([a_task("each", count=6, parallelism=2)]))
    for done in range(6):
        await world.until(lambda n=done: len(world.kubelet.births) == min(n + 2, 6))  # type: ignore[misc]
        await world.during(5)
        assert len(world.kubelet.births) == min(done + 2, 6)
        await world.kubelet.end("each", ok(), index=done)
    assert (await world.phase_finished())["state"] == "Succeeded"


async def test_past_max_failed_the_rest_never_runs(world: World) -> None:
    for index in (0, 1):
        world.kubelet.plan("each", fails(), index=index)
    task = a_task("each", count=8, parallelism=2, max_failed="12%")
    status = await ran(world, task, failure_policy="Continue")
    assert status["state"] == "Failed"
    assert len(world.kubelet.births) < 8


async def test_an_output_that_breaks_its_rule_is_made_again_and_then_handed_on(
    world: World,
) -> None:
    world.kubelet.plan("make", ok({"n": -1}), ok({"n": 1}))
    promise = {"n": {"type": "integer", "rule": "value > 0"}}
    make = a_task("make", outputs=promise, retry={"limit": 1, **NOW})
    use = a_task("use", depends_on=["make"], input={"n": "${tasks.make.outputs.n}"})
    status = await ran(world, make, use)
    assert status["state"] == "Succeeded"
    assert world.kubelet.attempts("make") == [1, 2]
    assert world.kubelet.inputs["use", 0, 1] == {"n": 1}


async def test_rules_tell_a_failure_that_may_pass_from_one_that_will_not(world: World) -> None:
    rules = [{"exitCodes": [75], "action": "Retry"}, {"when": "true", "action": "Fail"}]
    world.kubelet.plan("passes", fails(75), fails(75), ok())
    world.kubelet.plan("does-not", fails(2), ok())
    policy = {"limit": 5, "rules": rules, **NOW}
    tasks = [a_task(name, retry=policy) for name in ("passes", "does-not")]
    status = await ran(world, *tasks, failure_policy="Continue")
    assert state(status, "passes")[0] == "Succeeded"
    assert state(status, "does-not") == ("Failed", "Error")
    assert "retry.rules[1] says Fail" in status["tasks"]["does-not"]["message"]


async def test_another_agent_does_what_the_first_could_not(world: World) -> None:
    await world.apply(an_agent("second", uid="33333333-0000-4000-8000-000000000004"))
    world.kubelet.plan("work", fails(), ok({"by": "second"}))
    fallback = [{"agent": "second", "input": {"careful": True}}]
    status = await ran(world, a_task(input={"careful": False}, fallback=fallback))
    task = status["tasks"]["work"]
    assert (task["state"], task["agent"], task["fallback"]) == ("Succeeded", "second", 1)
    assert world.kubelet.inputs["work", 0, 1] == {"careful": False}
    assert world.kubelet.inputs["work", 0, 2] == {"careful": True}


async def test_a_task_past_its_deadline_is_stopped_and_not_tried_again(world: World) -> None:
    world.kubelet.plan("work", hangs())
    status = await ran(world, a_task(active_deadline_seconds=10, retry={"limit": 9, **NOW}))
    assert state(status, "work") == ("Failed", "DeadlineExceeded")
    assert world.kubelet.attempts("work") == [1]


async def test_a_failure_can_stop_what_runs(world: World) -> None:
    world.kubelet.plan("bad", fails(seconds=3))
    world.kubelet.plan("long", hangs())
    status = await ran(world, a_task("bad"), a_task("long"), on_failure_running="Cancel")
    assert status["state"] == "Failed"
    assert state(status, "long") == ("Cancelled", "WorkflowFailing")


async def test_an_order_about_a_running_phase_is_carried_out_once(world: World) -> None:
    world.kubelet.plan("bad", fails(), ok())
    world.kubelet.plan("long", hangs())
    await world.apply(a_phase([a_task("bad"), a_task("long")], failure_policy="Continue"))
    await world.until(lambda: world.task_now("bad").get("state") == "Failed")
    stage = Key("Phase", NAMESPACE, "stage")
    now = world.clock.now()
    order = Order("uid-1", "again", ActionType.RETRY, "ann", "it was me", now)
    world.operator.parts.orders.put(stage, order)
    world.operator.parts.queue.add(stage)
    await world.until(lambda: world.task_now("bad").get("state") == "Succeeded")
    await world.kubelet.end("long", ok())
    status = await world.phase_finished()
    assert (status["state"], status["actions"]) == ("Succeeded", [{"uid": "uid-1"}])
    assert (world.kubelet.attempts("bad"), world.kubelet.attempts("long")) == ([1, 2], [1])
