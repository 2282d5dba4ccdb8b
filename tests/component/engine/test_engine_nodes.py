"""Nodes that fall silent: an attempt on them may still run."""

from __future__ import annotations

from builders.engine import World
from builders.kubelet import hangs, ok
from builders.specs import a_retry, a_step, a_task, a_workflow


async def _on_a_silent_node(world: World, policy: str | None) -> None:
    world.kubelet.plan("work", hangs(), ok({"by": "second"}))
    task = a_task(on_node_lost=policy, retry=a_retry(losses=1))
    await world.apply(a_workflow([a_step("build", [task])]))
    await world.until(lambda: world.task_now("work").get("state") == "Running")
    await world.kubelet.lose_nodes("work")


async def test_by_default_nothing_runs_beside_an_attempt_that_may_still_run(world: World) -> None:
    await _on_a_silent_node(world, None)
    await world.during(900)
    assert world.kubelet.attempts("work") == [1]
    assert world.task_now("work")["state"] == "Running"
    await world.kubelet.forget_node("work")
    await world.until(lambda: world.kubelet.attempts("work") == [1, 2])
    assert (await world.finished())["state"] == "Succeeded"
    assert (await world.tasks())["work"]["losses"] == 1


async def test_if_asked_to_the_next_attempt_starts_beside_the_one_that_may_still_run(
    world: World,
) -> None:
    await _on_a_silent_node(world, "Retry")
    await world.until(lambda: world.kubelet.attempts("work") == [1, 2])
    assert world.clock.monotonic() < 30
    assert (await world.finished())["state"] == "Succeeded"
    task = (await world.tasks())["work"]
    assert (task["outputs"], task["losses"]) == ('{"by":"second"}', 1)


async def test_what_a_lost_attempt_returns_later_changes_nothing(world: World) -> None:
    await _on_a_silent_node(world, "Retry")
    await world.until(lambda: world.kubelet.attempts("work") == [1, 2])
    await world.until(lambda: world.task_now("work").get("state") == "Succeeded")
    await world.kubelet.end("work", ok({"by": "first"}))
    await world.finished()
    assert (await world.tasks())["work"]["outputs"] == '{"by":"second"}'
    assert world.held_pods() == []
    await world.until(lambda: not world.operator.memory())
