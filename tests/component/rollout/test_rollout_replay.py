"""Recorded tasks that a new revision does again before the switch."""

from __future__ import annotations

import pytest

from builders.engine import a_running_world
from builders.kubelet import ok
from builders.specs import Body, a_step, a_task, a_workflow, an_agent
from builders.workers import Deed
from component.rollout.replay_cases import (
    AGAIN,
    SAME,
    TRICKY,
    adds,
    done_by,
    is_over,
    recorded,
    replayed,
    rolled_out,
    seen_by,
)
from component.rollout.rollout_cases import (
    GOOD,
    NEXT,
    change_image,
    events,
    peeked,
    the_work,
    well,
)


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
        given: list[Body] = []
        end = await rolled_out(world, seen_by(given, lambda _: deed))
        await world.finished("more")

        assert (end["state"], end["reason"]) == ("Aborted", "GateFailed")
        assert says in end["message"]
        assert end["message"].count("of phase flow-build-") >= 1
        assert says in end["replay"]
        assert given
        assert all(each["replay"] for each in given)
        assert "GateFailed" in await events(world)


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


async def test_a_task_that_took_longer_since_nobody_heard_of_its_end_is_measured_again() -> None:
    conditions = ("seconds <= 2.0 * recorded.seconds + 2.0",)
    async with a_running_world(replayed(conditions=conditions, replicas=1)) as world:
        await recorded(world)
        world.workers.habits[NEXT] = adds
        await change_image(world)
        await world.until(lambda: bool(done_by(world, NEXT)))
        world.operator.kill()
        await world.during(40)
        await world.start()
        await world.until(is_over(world), seconds=200)

        assert peeked(world)["state"] == "Promoted"
        assert done_by(world, NEXT) == sorted(AGAIN * 2)


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
