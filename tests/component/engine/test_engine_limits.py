"""Limits of agents, phases and workflows hold at every moment, and what waits says for what."""

from __future__ import annotations

from builders.engine import World, a_running_world
from builders.fake_api.failure import ApiFailure
from builders.fake_api.faults import Fault, Match, Refuse
from builders.kubelet import hangs, ok
from builders.specs import a_step, a_task, a_workflow, an_agent
from spectra_operator.kube.resources import PODS

QUOTA = 'pods "x" is forbidden: exceeded quota: small, requested: pods=1, used: pods=2'
PSS = 'pods "x" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true'


class _Most:
    """The most attempts that ran at the same time."""

    def __init__(self, world: World) -> None:
        self.seen = 0
        self._world = world

    def look(self) -> bool:
        live = [
            pod
            for pod in self._world.api._store.all(PODS)
            if pod["status"]["phase"] in ("Pending", "Running")
        ]
        self.seen = max(self.seen, len(live))
        return self._world.is_finished()


async def _most_at_once(world: World) -> int:
    most = _Most(world)
    await world.until(most.look)
    return most.seen


async def test_an_agents_concurrency_bounds_its_attempts() -> None:
    async with a_running_world(an_agent(concurrency=2)) as world:
        await world.apply(a_workflow([a_step("build", [a_task("shard", count=7)])]))
        assert await _most_at_once(world) == 2
        assert len(world.kubelet.births) == 7


async def test_a_phases_parallelism_bounds_its_attempts(world: World) -> None:
    step = a_step("build", [a_task("shard", count=7)], parallelism=3)
    await world.apply(a_workflow([step]))
    assert await _most_at_once(world) == 3


async def test_a_workflows_parallelism_bounds_all_of_its_phases_together(world: World) -> None:
    steps = [a_step("one", [a_task("a", count=4)]), a_step("two", [a_task("b", count=4)])]
    await world.apply(a_workflow(steps, parallelism=3))
    assert await _most_at_once(world) == 3
    assert len(world.kubelet.births) == 8


async def test_what_waits_for_a_slot_names_the_limit_that_blocks_it() -> None:
    async with a_running_world(an_agent(concurrency=1)) as world:
        world.kubelet.plan("a", hangs())
        await world.apply(a_workflow([a_step("build", [a_task("a"), a_task("b")])]))
        await world.until(lambda: world.task_now("b").get("reason"))
        task = world.task_now("b")
        assert (task["state"], task["reason"]) == ("Ready", "AgentConcurrency")
        assert task["message"] == "agent worker 1/1"
        await world.kubelet.end("a", ok())
        assert (await world.finished())["state"] == "Succeeded"


async def test_a_raised_limit_is_used_at_once() -> None:
    async with a_running_world(an_agent(concurrency=1)) as world:
        world.kubelet.plan("shard", hangs(), index=0)
        await world.apply(a_workflow([a_step("build", [a_task("shard", count=3)])]))
        await world.until(lambda: len(world.kubelet.births) == 1)
        before = world.clock.monotonic()
        await world.change("Agent", "worker", concurrency=3)
        await world.until(lambda: len(world.kubelet.births) == 3)
        assert world.clock.monotonic() == before


async def test_a_workflow_of_higher_priority_gets_the_next_free_slot() -> None:
    async with a_running_world(an_agent(concurrency=1)) as world:
        first = a_workflow([a_step("build", [a_task("low", count=2)])], name="low")
        world.kubelet.plan("low", ok(seconds=5))
        await world.apply(first)
        await world.until(lambda: world.kubelet.births)
        high = a_workflow([a_step("build", [a_task("high")])], name="high", priority=10)
        await world.apply(high)
        await world.finished("low")
        await world.finished("high")
        assert world.kubelet.tasks() == ["low", "high", "low"]


async def test_a_full_quota_is_shown_and_passed_as_soon_as_a_pod_ends(world: World) -> None:
    world.kubelet.plan("a", ok(seconds=4))
    await world.apply(a_workflow([a_step("build", [a_task("a"), a_task("b")])]))
    await world.until(lambda: len(world.kubelet.births) == 2)
    await world.finished()

    world.kubelet.plan("c", ok(seconds=4))
    await world.apply(a_workflow([a_step("build", [a_task("c")])], name="second"))
    await world.until(lambda: "c" in world.kubelet.tasks())
    begun = world.clock.monotonic()
    world.api.fault(Match("create", "pods"), Refuse(403, "Forbidden", QUOTA), times=1)
    await world.apply(a_workflow([a_step("build", [a_task("d")])], name="third"))
    await world.until(lambda: world.task_now("d").get("reason"))
    task = world.task_now("d")
    assert (task["state"], task["reason"]) == ("Ready", "QuotaExceeded")
    assert "exceeded quota: small" in task["message"]
    await world.until(lambda: "d" in world.kubelet.tasks())
    assert world.clock.monotonic() == begun + 4  # when c ended, not when the hold was over
    assert (await world.finished("third"))["state"] == "Succeeded"


async def test_a_refused_pod_is_tried_again_though_no_pod_ends(world: World) -> None:
    world.api.fault(Match("create", "pods"), Refuse(403, "Forbidden", PSS), times=1)
    await world.apply(a_workflow())
    await world.until(lambda: world.task_now("work").get("reason"))
    task = world.task_now("work")
    assert (task["state"], task["reason"]) == ("Ready", "PodRefused")
    assert "PodSecurity" in task["message"]
    assert (await world.finished())["state"] == "Succeeded"
    assert 10 <= world.clock.monotonic() < 13


async def test_a_slot_that_a_deleted_workflow_held_goes_to_whoever_waits() -> None:
    async with a_running_world(an_agent(concurrency=1)) as world:
        world.kubelet.plan("a", hangs())
        await world.apply(a_workflow([a_step("build", [a_task("a")])], name="first"))
        await world.until(lambda: world.kubelet.tasks() == ["a"])
        await world.apply(a_workflow([a_step("build", [a_task("b")])], name="second"))
        await world.until(lambda: world.task_now("b").get("reason") == "AgentConcurrency")
        await world.delete("Workflow", "first")
        assert (await world.finished("second"))["state"] == "Succeeded"


class _Quota(Fault):
    """A ResourceQuota of so many pods that have not ended; counts what it refuses."""

    def __init__(self, world: World, pods: int) -> None:
        self.refused = 0
        self._world = world
        self._pods = pods
        world.api.fault(Match("create", "pods"), self, times=1_000_000)

    async def before(self) -> None:
        """Refuse a pod while the quota is full."""
        live = [
            pod
            for pod in self._world.api._store.all(PODS)
            if pod["status"].get("phase", "Pending") in ("Pending", "Running")
        ]
        if len(live) >= self._pods:
            self.refused += 1
            raise ApiFailure(403, "Forbidden", QUOTA)


async def test_far_below_a_fan_out_a_quota_refuses_few_pods_for_each_that_ends(
    world: World,
) -> None:
    for index in range(300):
        world.kubelet.plan("shard", ok(seconds=1 + index % 7 / 7), index=index)
    quota = _Quota(world, pods=5)
    await world.apply(a_workflow([a_step("build", [a_task("shard", count=300)])]))
    await world.until(lambda: len(world.kubelet.births) >= 5)
    await world.settle()
    first, quota.refused = quota.refused, 0
    assert first < 300
    assert (await world.finished())["state"] == "Succeeded"
    assert len(world.kubelet.births) == 300
    assert quota.refused <= 300


async def test_a_raised_quota_is_used_within_a_few_answers() -> None:
    async with a_running_world() as world:
        for index in range(100):
            world.kubelet.plan("shard", hangs(), index=index)
        quota = _Quota(world, pods=3)
        await world.apply(a_workflow([a_step("build", [a_task("shard", count=100)])]))
        await world.until(lambda: len(world.kubelet.births) == 3)
        await world.settle()
        quota._pods, quota.refused = 1000, 0
        await world.until(lambda: len(world.kubelet.births) == 100, seconds=15)
        assert quota.refused == 0
