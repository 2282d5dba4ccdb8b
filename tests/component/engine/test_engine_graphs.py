"""Tasks start in the order of their graph, once, and as soon as they may."""

from __future__ import annotations

from builders.engine import World, a_running_world
from builders.kubelet import ok
from builders.specs import a_chain, a_parameter, a_phase, a_step, a_task, a_workflow, an_agent


async def test_a_chain_runs_one_task_after_the_other(world: World) -> None:
    await world.apply(a_workflow([a_step("build", a_chain("a", "b", "c"))]))
    status = await world.finished()
    assert status["state"] == "Succeeded"
    assert status["progress"] == "3/3"
    assert world.kubelet.tasks() == ["a", "b", "c"]


async def test_a_successor_starts_at_the_moment_its_predecessor_ends(world: World) -> None:
    world.kubelet.plan("a", ok(seconds=7))
    await world.apply(a_workflow([a_step("build", a_chain("a", "b"))]))
    await world.until(lambda: world.kubelet.tasks() == ["a", "b"])
    assert world.clock.monotonic() == 7  # no polling, no status write in between


async def test_a_diamond_joins_after_both_of_its_branches(world: World) -> None:
    world.kubelet.plan("left", ok(seconds=2))
    world.kubelet.plan("right", ok(seconds=5))
    top, bottom = a_task("top"), a_task("bottom", depends_on=["left", "right"])
    sides = [a_task("left", depends_on=["top"]), a_task("right", depends_on=["top"])]
    await world.apply(a_workflow([a_step("build", [top, *sides, bottom])]))
    status = await world.finished()
    assert status["state"] == "Succeeded"
    order = world.kubelet.tasks()
    assert (order[0], sorted(order[1:3]), order[3]) == ("top", ["left", "right"], "bottom")


async def test_a_phase_that_stands_alone_runs_and_leaves_memory(world: World) -> None:
    await world.apply(a_phase([a_task("work", count=3)]))
    status = await world.phase_finished()
    assert status["state"] == "Succeeded"
    assert status["tasks"]["work"]["items"] == {"total": 3, "succeeded": "0-2"}
    await world.until(lambda: not world.operator.memory())


async def test_nothing_is_kept_of_a_workflow_that_has_finished(world: World) -> None:
    await world.apply(a_workflow([a_step("one"), a_step("two", depends_on=["one"])]))
    await world.finished()
    await world.until(lambda: not world.operator.memory(), seconds=10)
    assert world.held_pods() == []
    assert world.operator.failed_passes() == 0


async def test_outputs_flow_from_task_to_task_with_their_types(world: World) -> None:
    world.kubelet.plan("count", ok({"rows": 3, "names": ["x", "y"]}))
    use = a_task(
        "use",
        depends_on=["count"],
        input={"n": "${tasks.count.outputs.rows}", "text": "n=${tasks.count.outputs.rows}"},
    )
    await world.apply(a_workflow([a_step("build", [a_task("count"), use])]))
    await world.finished()
    assert world.kubelet.inputs["use", 0, 1] == {"n": 3, "text": "n=3"}


async def test_values_of_earlier_phases_are_frozen_into_a_later_phase(world: World) -> None:
    world.kubelet.plan("plan", ok({"size": 42}))
    later = a_task(
        "use", input={"size": "${phases.first.outputs.plan.size}", "p": "${parameters.p}"}
    )
    await world.apply(
        a_workflow(
            [a_step("first", [a_task("plan")]), a_step("second", [later], depends_on=["first"])],
            parameters=[a_parameter("p", "seven")],
        )
    )
    await world.finished()
    assert world.kubelet.inputs["use", 0, 1] == {"size": 42, "p": "seven"}


async def test_a_later_phase_begins_only_when_the_earlier_one_has_succeeded(world: World) -> None:
    world.kubelet.plan("slow", ok(seconds=9))
    first = a_step("first", [a_task("slow"), a_task("fast")])
    await world.apply(a_workflow([first, a_step("second", [a_task("b")], depends_on=["first"])]))
    await world.until(lambda: "b" in world.kubelet.tasks())
    assert world.clock.monotonic() == 9
    assert (await world.finished())["progress"] == "3/3"


async def test_independent_phases_run_side_by_side(world: World) -> None:
    world.kubelet.plan("a", ok(seconds=30))
    await world.apply(a_workflow([a_step("one", [a_task("a")]), a_step("two", [a_task("b")])]))
    await world.until(lambda: sorted(world.kubelet.tasks()) == ["a", "b"])
    assert world.clock.monotonic() == 0


async def test_fan_out_items_get_their_index_and_their_outputs_come_by_index(world: World) -> None:
    for index in range(3):
        world.kubelet.plan("shard", ok({"part": index * 10}), index=index)
    merge = a_task("merge", depends_on=["shard"], input={"all": "${tasks.shard.outputs}"})
    await world.apply(a_workflow([a_step("build", [a_task("shard", count=3), merge])]))
    await world.finished()
    assert world.kubelet.inputs["merge", 0, 1] == {"all": [{"part": 0}, {"part": 10}, {"part": 20}]}
    env = world.kubelet.pods["shard", 2, 1]["spec"]["containers"][0]["env"]
    assert {"name": "SPECTRA_INDEX", "value": "2"} in env


async def test_two_agents_do_the_tasks_that_name_them() -> None:
    async with a_running_world(an_agent("cook"), an_agent("waiter")) as world:
        tasks = [a_task("cook", agent="cook"), a_task("serve", agent="waiter")]
        await world.apply(a_workflow([a_step("build", tasks)]))
        await world.finished()
        shown = await world.tasks()
        assert {name: task["agent"] for name, task in shown.items()} == {
            "cook": "cook",
            "serve": "waiter",
        }
