"""What a run shows of its future: estimates, critical path, percent, plans; and who remembers."""

from __future__ import annotations

from builders.engine import World, a_running_world
from builders.kubelet import ok
from builders.specs import (
    NAMESPACE,
    Body,
    a_chain,
    a_step,
    a_task,
    a_template,
    a_workflow,
    an_agent,
)
from spectra_operator.engine.keys import TEMPLATES, Key

TEMPLATE = Key("WorkflowTemplate", NAMESPACE, "shape")


def made(name: str) -> Body:
    """Return a workflow that is made from the template."""
    body = a_workflow(name=name, uid=f"uid-of-{name}")
    return body | {"spec": {"templateRef": {"name": "shape"}}}


def observed(world: World) -> dict[str, list[int]]:
    """Return what the template's status holds."""
    status = (world.peek(TEMPLATES, "shape") or {}).get("status") or {}
    found: dict[str, list[int]] = status.get("observed") or {}
    return found


def a_slow_chain(world: World, *names: str, seconds: float = 10) -> list[Body]:
    for name in names:
        world.kubelet.plan(name, *[ok(seconds=seconds)] * 3)
    return a_chain(*names)


async def test_a_running_workflow_tells_how_far_it_is_and_what_comes() -> None:
    async with a_running_world() as world:
        tasks = a_slow_chain(world, "a", "b", "c", "d")
        await world.apply(a_workflow([a_step("build", tasks)]))
        await world.until(lambda: world.task_now("c").get("state") == "Running")
        await world.until(lambda: world.status_now().get("percent") == 50)
        status = world.status_now()
        assert status["criticalPath"] == "build/c +1"
        assert status["samples"] == 2
        assert 10 <= int(status["eta"].removesuffix("s")) <= 25
        [phase] = status["phases"]
        assert (phase["critical"], phase["slack"]) == (True, "0s")
        status = await world.finished()
        assert status["percent"] == 100
        assert "eta" not in status
        assert "criticalPath" not in status


async def test_no_time_is_told_while_an_agent_has_yet_to_be_seen() -> None:
    async with a_running_world() as world:
        tasks = a_slow_chain(world, "a", "b")
        world.kubelet.plan("c", ok(seconds=10))
        other = a_task("c", agent="other", depends_on=["b"])
        await world.apply(an_agent("other"), a_workflow([a_step("build", [*tasks, other])]))
        shown: list[Body] = []

        def is_over() -> bool:
            shown.append(dict(world.status_now()))
            return world.is_finished()

        await world.until(is_over)
        assert {status.get("criticalPath") for status in shown} >= {"build/a +2", "build/b +1"}
        assert not any("eta" in status for status in shown)


async def test_percent_only_grows_also_over_a_restart() -> None:
    async with a_running_world() as world:
        tasks = a_slow_chain(world, "a", "b", "c")
        await world.apply(a_workflow([a_step("build", tasks)]))
        await world.until(lambda: world.status_now().get("percent") == 33)
        await world.operator.stop()
        await world.start("two")
        seen: list[int] = []

        def is_over() -> bool:
            seen.append(world.status_now()["percent"])
            return world.is_finished()

        await world.until(is_over)
        assert seen == sorted(seen)
        assert (seen[0], seen[-1]) == (33, 100)


async def test_a_template_remembers_how_long_its_tasks_took_and_a_successor_reads_it() -> None:
    async with a_running_world() as world:
        tasks = a_slow_chain(world, "a", "b")
        await world.apply(a_template([a_step("build", tasks)]), made("first"))
        await world.finished("first")
        await world.until(lambda: len(observed(world)) == 2)
        before = observed(world)
        assert set(before) == {"build/a", "build/b"}
        assert all(len(samples) == 1 and samples[0] >= 10_000 for samples in before.values())
        await world.operator.stop()
        await world.start("two")
        await world.apply(made("second"))
        await world.until(lambda: world.status_now("second").get("samples"))
        status = world.status_now("second")
        assert 10 <= int(status["eta"].removesuffix("s")) <= 30
        await world.finished("second")
        await world.until(lambda: all(len(s) == 2 for s in observed(world).values()))
        assert {path: samples[0] for path, samples in observed(world).items()} == {
            path: samples[0] for path, samples in before.items()
        }


async def test_a_milestone_that_is_late_is_told_once_and_when_it_is_reached() -> None:
    async with a_running_world() as world:
        world.kubelet.plan("work", ok(seconds=100))
        plan = {"durationSeconds": 30, "milestone": "Foundation"}
        await world.apply(a_workflow([a_step("build", [a_task("work")], plan=plan)]))
        await world.until(lambda: world.status_now()["phases"][0].get("milestone") == "Late")
        status = await world.finished()
        [phase] = status["phases"]
        assert phase["milestone"] == "Reached"
        assert phase["late"].endswith("s")
        await world.settle()
        told = [reason for reason, _ in await world.events("flow") if "Milestone" in reason]
        assert told == ["MilestoneLate", "MilestoneReached"]
