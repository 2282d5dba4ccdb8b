"""What holds a gate up: losses, which are bounded, and an agent whose places are taken."""

from __future__ import annotations

import pytest

from builders.engine import World, a_running_world
from builders.kubelet import hangs
from builders.specs import NAMESPACE
from builders.workers import Deed
from component.rollout.rollout_cases import GOOD, NEXT, change_image, peeked, the_work, well
from component.rollout.test_rollout_gates import changed, claims, does, gated, in_pods, is_over


def live(world: World) -> int:
    """Return how many attempts of the agent there are at this moment."""
    return world.operator.engine.parts.attempts.by_agent[NAMESPACE, "worker"]


async def test_a_gate_that_is_lost_says_nothing_of_the_revision_and_is_tried_again() -> None:
    async with a_running_world(in_pods({"task": "codecs"})) as world:
        world.kubelet.plan("codecs", hangs())
        await world.until(lambda: peeked(world).get("state") == "Promoted")
        await change_image(world)
        await world.until(lambda: world.kubelet.tasks() == ["codecs"])
        await world.kubelet.forget_node("codecs")
        await world.until(lambda: peeked(world).get("reason") == "GateError")
        world.kubelet.plan("codecs")
        await world.until(lambda: is_over(world))

        assert peeked(world)["state"] == "Promoted"
        assert world.kubelet.tasks() == ["codecs", "codecs"]


async def test_a_gate_that_crashes_its_worker_each_time_fails_after_a_few_tries() -> None:
    async with a_running_world(gated({"task": "codecs"})) as world:
        await changed(world, does(codecs=Deed(crash=True)))
        await world.until(lambda: is_over(world))
        await world.finished()

        found = peeked(world)
        assert (found["state"], found["reason"]) == ("Aborted", "GateFailed")
        assert "gate 0-codecs failed: 4 tries were lost" in found["message"]
        assert "WorkerRestarted" in found["message"]
        assert claims(world, NEXT) == ["codecs"] * 4


async def test_an_operator_that_comes_back_goes_on_counting_the_lost_tries_of_a_gate() -> None:
    async with a_running_world(gated({"task": "codecs"})) as world:
        await changed(world, does(codecs=Deed(crash=True)))
        await world.until(lambda: claims(world, NEXT).count("codecs") == 3)
        world.operator.kill()
        await world.start()
        await world.until(lambda: is_over(world))

        assert peeked(world)["reason"] == "GateFailed"
        assert claims(world, NEXT) == ["codecs"] * 4


@pytest.mark.parametrize("mode", ["Pod", "Pool"])
async def test_gates_are_tried_one_by_one_though_hung_tasks_fill_the_agent(mode: str) -> None:
    tasks = [{"task": "a"}, {"task": "b"}, {"task": "c"}]
    agent = gated(*tasks) if mode == "Pool" else in_pods(*tasks)
    agent["spec"]["concurrency"] = 2
    async with a_running_world(agent) as world:
        world.workers.habits = {GOOD: lambda _: Deed(seconds=None), NEXT: well}
        world.kubelet.habits = {GOOD: lambda _: hangs()}
        busy: set[int] = set()
        await world.apply(the_work())
        await world.during(10)
        await change_image(world)

        def observed() -> bool:
            busy.add(live(world))
            return is_over(world)

        await world.until(observed)

        assert peeked(world)["state"] == "Promoted"
        assert max(busy) == 3
