"""Which recorded tasks are done again, and what follows where there are none."""

from __future__ import annotations

from builders.engine import a_running_world
from builders.specs import NAMESPACE, Body, a_step, a_task, a_workflow, an_agent
from builders.workers import Deed, Habit
from component.rollout.replay_cases import (
    AGAIN,
    adds,
    done_by,
    is_over,
    recorded,
    replayed,
    replays,
    rolled_out,
    seen_by,
    two_tasks,
)
from component.rollout.rollout_cases import (
    GOOD,
    NEXT,
    a_pool,
    begun_with,
    change_image,
    fails_some,
    peeked,
    the_work,
    well,
)


async def test_a_first_rollout_of_an_agent_that_has_done_nothing_has_nothing_to_do_again() -> None:
    async with a_running_world(replayed()) as world:
        world.workers.habits = {GOOD: adds, NEXT: adds}
        await world.until(lambda: peeked(world).get("state") == "Promoted")
        end = await rolled_out(world)

        assert (end["state"], end["reason"]) == ("Promoted", "NoAnalysis")
        assert "nothing was done again" in end["replay"]
        assert "has not done any task yet" in end["replay"]
        assert await replays(world) == []


async def test_an_agent_whose_recorded_tasks_were_deleted_is_not_known_to_do_them_as_well() -> None:
    rollout = {"progressDeadlineSeconds": 100}
    async with a_running_world(replayed(rollout=rollout)) as world:
        await recorded(world)
        await world.delete("Workflow", "flow")
        world.workers.habits[NEXT] = adds
        await change_image(world)
        await world.until(lambda: peeked(world).get("reason") == "GateError")
        assert "can be done again: they were deleted" in peeked(world)["message"]
        await world.until(is_over(world), seconds=300)

        end = peeked(world)
        assert (end["state"], end["reason"]) == ("Aborted", "ProgressDeadlineExceeded")
        assert done_by(world, NEXT) == []


async def test_a_task_that_the_stable_revision_does_meanwhile_is_found_the_next_time() -> None:
    async with a_running_world(replayed()) as world:
        await recorded(world)
        await world.delete("Workflow", "flow")
        world.workers.habits[NEXT] = adds
        await change_image(world)
        await world.until(lambda: peeked(world).get("reason") == "GateError")
        await world.apply(two_tasks())
        await world.until(is_over(world), seconds=200)

        assert peeked(world)["state"] == "Promoted"
        assert done_by(world, NEXT) == AGAIN


async def test_the_newest_are_done_again_and_no_more_than_asked_for() -> None:
    async with a_running_world(replayed(last=3)) as world:
        await recorded(world, the_work(9), well)
        after: list[Body] = []
        end = await rolled_out(world, seen_by(after, well))

        assert end["state"] == "Promoted"
        assert sorted(each["index"] for each in after) == [6, 7, 8]
        assert "3 recorded tasks were done again as well as before" in end["replay"]
        assert "asked for" not in end["replay"]


async def test_replays_are_no_recorded_tasks_and_no_work_of_the_agent() -> None:
    async with a_running_world(replayed()) as world:
        await recorded(world)
        await rolled_out(world)
        world.workers.habits["example/worker:3"] = adds
        await change_image(world, "example/worker:3")
        await world.until(lambda: len(peeked(world)["history"]) > 2)
        await world.during(10)

        assert "nothing was done again" in peeked(world)["replay"]
        assert (await world.agent())["status"]["succeeded"] == 2


async def test_what_failed_at_first_is_not_done_again() -> None:
    task = a_task("one", retry={"limit": 2})
    async with a_running_world(replayed()) as world:
        habit: Habit = lambda d: Deed(succeeded=d["attempt"] > 1)  # noqa: E731
        world.workers.habits = {GOOD: habit, NEXT: adds}
        await world.apply(a_workflow([a_step("build", [task, a_task("two", retry={"limit": 2})])]))
        await world.finished()
        await change_image(world)
        await world.until(lambda: peeked(world).get("reason") == "GateError")

        assert "failed at first" in peeked(world)["message"]


async def test_the_tasks_of_others_are_left_alone() -> None:
    other = an_agent("other", mode="Pool", replicas=1)
    other["spec"]["template"]["image"] = GOOD
    mine, theirs = a_task("one"), a_task("theirs", agent="other")
    async with a_running_world(replayed(), other) as world:
        await recorded(world, a_workflow([a_step("build", [mine, theirs])]))
        await rolled_out(world)

        assert done_by(world, NEXT) == ["one"]
        assert all(each["metadata"]["namespace"] == NAMESPACE for each in await replays(world))


async def test_a_fan_out_of_which_a_bad_revision_did_a_part_is_no_record() -> None:
    third = "example/worker:3"
    analysis = {"minTasks": 4, "conditions": ["failureRatio <= 0.2"]}
    agent = a_pool(replayable=True, rollout={"analysis": analysis})
    async with a_running_world(agent) as world:
        world.workers.habits = {GOOD: well, NEXT: fails_some, third: well}
        await world.apply(the_work())
        await world.until(lambda: len(world.workers.ended) > 8)
        await change_image(world)
        await world.until(lambda: peeked(world).get("state") == "RolledBack")
        await world.finished()
        await world.change("Agent", "worker", rollout={"preGate": {"replay": {"last": 5}}})
        await change_image(world, third)
        await world.until(lambda: peeked(world).get("reason") == "GateError")
        assert begun_with(world, third) == 0

        await world.apply(a_workflow([a_step("build", [a_task("more", count=7)])], name="after"))
        await world.until(lambda: bool(begun_with(world, third)), seconds=200)
        assert set(done_by(world, third)) == {"more"}
