"""Recorded tasks that a new revision does again before the switch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from builders.engine import World, a_running_world
from builders.kubelet import ok
from builders.specs import NAMESPACE, Body, a_step, a_task, a_workflow, an_agent
from builders.workers import Deed, Habit
from component.rollout.rollout_cases import (
    GOOD,
    NEXT,
    a_pool,
    change_image,
    events,
    peeked,
    the_work,
    well,
)
from spectra_operator.engine.keys import PHASES

SAME = "outputs == recorded.outputs"
TRICKY = "${tasks.one.outputs.total} and $${phases}"
ADDED = Deed(outputs={"total": 3}, cost="0.01")
AGAIN = ["one", "two"]


def replayed(last: int = 10, conditions: tuple[str, ...] = (SAME,), **fields: Any) -> Body:
    """Return a replayable pool whose revisions do recorded tasks again."""
    replay = {"last": last, "conditions": list(conditions)}
    rollout = {"preGate": {"replay": replay}, "analysis": None} | fields.pop("rollout", {})
    return a_pool(**({"replayable": True, "rollout": rollout} | fields))


def two_tasks() -> Body:
    """Return a workflow of two tasks, of which the second reads what the first returned."""
    one = a_task("one", input={"of": [1, 2]})
    two = a_task("two", depends_on=["one"], input={"sum": "${tasks.one.outputs.total}"})
    return a_workflow([a_step("build", [one, two])])


def adds(_: Body) -> Deed:
    """Do any claim in a second, for a cent, with a total of 3."""
    return ADDED


def seen_by(documents: list[Body], habit: Habit) -> Habit:
    """Return the habit, with the documents of the claims noted."""

    def do(document: Body) -> Deed:
        if document["id"] not in [each["id"] for each in documents]:
            documents.append(document)
        return habit(document)

    return do


async def recorded(world: World, work: Body | None = None, habit: Habit = adds) -> None:
    """Let work be done by the first revision."""
    world.workers.habits = {GOOD: habit, NEXT: habit}
    await world.apply(work or two_tasks())
    await world.finished()


async def rolled_out(world: World, habit: Habit = adds) -> Body:
    """Change the template to one with a habit, and return how its rollout ended."""
    world.workers.habits[NEXT] = habit
    await change_image(world)
    await world.until(is_over(world))
    await world.during(10)
    return peeked(world)


def is_over(world: World) -> Callable[[], bool]:
    """Return whether the rollout of the second template has come to an end."""
    return lambda: len(peeked(world).get("history") or ()) > 1


def done_by(world: World, image: str) -> list[str]:
    """Return the tasks that workers of an image have begun, in the order of their names."""
    began = world.workers.began
    return sorted(task for task, _, _, worker in began if world.workers.images[worker] == image)


async def replays(world: World) -> list[Body]:
    """Return the Phase objects of gates."""
    return [each for each in await world.api.objects(PHASES) if "gate" in each["spec"]]


async def test_recorded_tasks_are_done_again_with_the_input_that_their_worker_got() -> None:
    async with a_running_world(replayed()) as world:
        before: list[Body] = []
        after: list[Body] = []
        await recorded(world, habit=seen_by(before, adds))
        end = await rolled_out(world, seen_by(after, adds))

        told = ("task", "index", "input", "replay")
        was = [{name: each[name] for name in told} for each in before]
        now = sorted(after, key=lambda each: str(each["task"]))
        assert [each["replay"] for each in was] == [False, False]
        assert [{n: each[n] for n in told} for each in now] == [e | {"replay": True} for e in was]
        assert now[1]["input"] == {"sum": 3}
        assert not {each["key"] for each in before} & {each["key"] for each in after}
        assert (end["state"], end["reason"]) == ("Promoted", "NoAnalysis")
        assert "2 recorded tasks were done again as well as before (of 10" in end["replay"]


async def test_what_looks_like_an_expression_in_a_recorded_input_is_text() -> None:
    task = a_task("one", input={"text": TRICKY.replace("${tasks", "$${tasks"), "n": [None]})
    async with a_running_world(replayed()) as world:
        before: list[Body] = []
        after: list[Body] = []
        await recorded(world, a_workflow([a_step("build", [task])]), seen_by(before, adds))
        await rolled_out(world, seen_by(after, adds))

        assert [each["input"] for each in before] == [each["input"] for each in after]
        assert "${tasks" in after[0]["input"]["text"]


WORSE = Deed(outputs={"total": 4}, cost="0.01")
SLOW = Deed(outputs={"total": 3}, cost="0.01", seconds=7)
DEAR = Deed(outputs={"total": 3}, cost="0.05")


@pytest.mark.parametrize(
    ("deed", "condition", "says"),
    [
        (WORSE, SAME, 'outputs is {"total": 4}, recorded.outputs is {"total": 3}'),
        (SLOW, "seconds <= 2.0 * recorded.seconds + 1.0", "does not hold: recorded.seconds is 1"),
        (DEAR, "cost <= 2.0 * recorded.cost", "cost is 0.05, recorded.cost is 0.01"),
        (Deed(succeeded=False), SAME, "the task failed: Error"),
    ],
)
async def test_a_revision_that_does_worse_is_aborted_and_nobody_else_gets_a_task_of_it(
    deed: Deed, condition: str, says: str
) -> None:
    async with a_running_world(replayed(conditions=(condition,))) as world:
        await recorded(world)
        await world.apply(a_workflow([a_step("more", [a_task("other", count=30)])], name="more"))
        end = await rolled_out(world, lambda _: deed)
        await world.finished("more")

        assert (end["state"], end["reason"]) == ("Aborted", "GateFailed")
        assert says in end["message"]
        assert end["message"].count("of phase flow-build-") >= 1
        assert says in end["replay"]
        assert "other" not in done_by(world, NEXT)
        assert "GateFailed" in await events(world)


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


async def test_an_agent_that_is_not_replayable_says_so_and_begins_nothing_new() -> None:
    async with a_running_world(replayed(replayable=False)) as world:
        await recorded(world)
        await change_image(world)
        await world.during(30)

        (found,) = [
            each
            for each in (await world.agent())["status"]["conditions"]
            if each["type"] == "RolloutProgressing"
        ]
        assert (found["status"], found["reason"]) == ("False", "InvalidRollout")
        assert "spec.rollout.preGate.replay: " in found["message"]
        assert "spec.replayable: true" in found["message"]
        assert done_by(world, NEXT) == []

        await world.change("Agent", "worker", replayable=True)
        await world.until(is_over(world))
        assert done_by(world, NEXT) == AGAIN


async def test_a_replay_goes_on_when_what_it_was_recorded_in_is_deleted_in_the_middle() -> None:
    slow = Deed(outputs={"total": 3}, cost="0.01", seconds=30)
    async with a_running_world(replayed()) as world:
        await recorded(world)
        world.workers.habits[NEXT] = lambda _: slow
        await change_image(world)
        await world.until(lambda: bool(done_by(world, NEXT)))
        await world.delete("Workflow", "flow")
        world.operator.kill()
        await world.start()
        await world.until(is_over(world), seconds=200)

        assert peeked(world)["state"] == "Promoted"
        assert done_by(world, NEXT) == AGAIN


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


async def test_each_task_that_is_done_again_is_progress() -> None:
    rollout = {"progressDeadlineSeconds": 30}
    slow = Deed(outputs={"n": 0}, seconds=20)
    async with a_running_world(replayed(last=5, conditions=(), rollout=rollout)) as world:
        await recorded(world, the_work(5), well)
        end = await rolled_out(world, lambda _: slow)

        assert end["state"] == "Promoted"


async def test_in_mode_pod_the_pods_of_a_replay_are_told_so() -> None:
    rollout = {"preGate": {"replay": {"last": 5, "conditions": [SAME]}}}
    agent = an_agent(template={"image": GOOD}, replayable=True, rollout=rollout)
    async with a_running_world(agent) as world:
        world.kubelet.plan("one", ok({"total": 3}))
        await world.apply(a_workflow([a_step("build", [a_task("one", input={"of": [1]})])]))
        await world.finished()
        world.kubelet.plan("r0-one", ok({"total": 3}))
        await change_image(world)
        await world.until(is_over(world))

        was = _variables(world.kubelet.pods["one", 0, 1])
        now = _variables(world.kubelet.pods["r0-one", 0, 1])
        assert peeked(world)["reason"] == "NoAnalysis"
        assert "SPECTRA_REPLAY" not in was
        assert now["SPECTRA_REPLAY"] == "true"
        assert now["SPECTRA_KEY"] != was["SPECTRA_KEY"]
        for name in ("SPECTRA_TASK", "SPECTRA_INDEX", "SPECTRA_INPUT"):
            assert now[name] == was[name]


def _variables(pod: Body) -> dict[str, str]:
    return {each["name"]: each["value"] for each in pod["spec"]["containers"][0]["env"]}


async def test_the_tasks_of_others_are_left_alone() -> None:
    other = an_agent("other", mode="Pool", replicas=1)
    other["spec"]["template"]["image"] = GOOD
    mine, theirs = a_task("one"), a_task("theirs", agent="other")
    async with a_running_world(replayed(), other) as world:
        await recorded(world, a_workflow([a_step("build", [mine, theirs])]))
        await rolled_out(world)

        assert done_by(world, NEXT) == ["one"]
        assert all(each["metadata"]["namespace"] == NAMESPACE for each in await replays(world))
