"""Gates before the switch: made-up tasks that the new revision alone does."""

from __future__ import annotations

from typing import Any

import pytest

from builders.engine import World, a_running_world
from builders.kubelet import fails
from builders.specs import Body, an_agent
from builders.workers import Deed, Habit
from component.rollout.rollout_cases import (
    BOUND,
    COUNT,
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

THIRD = "example/worker:3"
TWO = [
    {"task": "codecs", "input": {"codec": "zlib"}, "expect": "outputs.ratio > 2.0"},
    {"task": "headers"},
]
NO_ANALYSIS = {"analysis": None}


def gated(*tasks: Body, **rollout: Any) -> Body:
    """Return a pool whose revisions have gates and no analysis, unless one is given."""
    return a_pool(rollout={"preGate": {"tasks": list(tasks or TWO)}} | NO_ANALYSIS | rollout)


def does(**deeds: Deed) -> Habit:
    """Return how a worker goes about gates by the names of their tasks; all else it does well."""
    return lambda document: deeds.get(document["task"], well(document))


RATIO = Deed(outputs={"ratio": 2.5}, cost="0.5")


def claims(world: World, image: str) -> list[str]:
    """Return the tasks that workers of an image have begun, in order."""
    began = world.workers.began
    return [task for task, _, _, worker in began if world.workers.images[worker] == image]


async def gates(world: World) -> dict[str, Body]:
    """Return the statuses of the Phase objects of gates, by the name of the task."""
    found = [body for body in await world.api.objects(PHASES) if "gate" in body["spec"]]
    return {body["spec"]["tasks"][0]["name"]: body.get("status") or {} for body in found}


async def changed(world: World, habit: Habit) -> None:
    """Let work flow, and change the template to one with a habit."""
    world.workers.habits = {GOOD: well, NEXT: habit, THIRD: well}
    await world.apply(the_work())
    await world.until(lambda: len(world.workers.ended) > 8)
    await change_image(world)


def is_over(world: World) -> bool:
    """Whether the rollout of the second template has come to an end."""
    return len(peeked(world).get("history") or ()) > 1


async def test_a_revision_that_does_its_gates_well_is_switched_to() -> None:
    async with a_running_world(gated()) as world:
        await changed(world, does(codecs=RATIO))
        await world.until(lambda: is_over(world))
        await world.finished()

        assert peeked(world)["reason"] == "NoAnalysis"
        assert sorted(claims(world, NEXT)[:2]) == ["codecs", "headers"]
        assert set(claims(world, NEXT)[2:]) == {"each"}
        assert set(claims(world, GOOD)) == {"each"}
        assert {state["state"] for state in (await gates(world)).values()} == {"Succeeded"}


@pytest.mark.parametrize(
    ("deed", "says"),
    [
        (Deed(succeeded=False), "gate 0-codecs failed: the task failed: Error"),
        (Deed(outputs={"ratio": 1.5}), "outputs.ratio > 2.0 does not hold"),
        (Deed(), "gate 0-codecs failed: outputs.ratio > 2.0"),
    ],
)
async def test_a_revision_that_fails_a_gate_is_aborted_and_never_gets_a_claim(
    deed: Deed, says: str
) -> None:
    async with a_running_world(gated()) as world:
        await changed(world, does(codecs=deed))
        await world.until(lambda: is_over(world))
        await world.finished()

        found = peeked(world)
        assert (found["state"], found["reason"]) == ("Aborted", "GateFailed")
        assert says in found["message"]
        assert "each" not in claims(world, NEXT)
        states = {name: status["state"] for name, status in (await gates(world)).items()}
        assert states.pop("headers") in ("Succeeded", "Cancelled")  # whichever was first
        assert set(states) == {"codecs"}
        assert "GateFailed" in await events(world)


@pytest.mark.parametrize(
    ("expect", "state"),
    [("seconds > 0.5 && seconds < 0.7", "Promoted"), ("seconds < 0.5", "Aborted")],
)
async def test_a_gate_is_judged_by_parts_of_a_second(expect: str, state: str) -> None:
    async with a_running_world(gated({"task": "quick", "expect": expect})) as world:
        await changed(world, does(quick=Deed(seconds=0.6)))
        await world.until(lambda: is_over(world))
        await world.finished()

        assert peeked(world)["state"] == state
        times = (await gates(world))["quick"]["tasks"]["quick"]
        assert len(times["startedAt"]) == len("2026-01-01T00:00:01.250000Z")
        runs = [body for body in await world.api.objects(PHASES) if "gate" not in body["spec"]]
        assert "." not in runs[0]["status"]["tasks"]["each"]["startedAt"]


async def test_gates_are_no_work_of_the_agent_and_take_no_place() -> None:
    analysis = {"minTasks": 4, "conditions": ["failureRatio <= 0.2", "costPerTask < 0.1"]}
    async with a_running_world(gated(analysis=analysis)) as world:
        await changed(world, does(codecs=RATIO))
        await world.until(lambda: is_over(world))
        await world.finished()
        await world.during(10)

        status = (await world.agent())["status"]
        assert peeked(world)["reason"] == "AnalysisPassed"
        assert (status["succeeded"], status["usage"]["cost"]) == (COUNT, "0.6")
        (stable,) = [e for e in status["revisions"] if e["revision"] == peeked(world)["stable"]]
        assert stable["succeeded"] == claims(world, NEXT).count("each")


async def test_the_bound_is_whole_after_the_gates() -> None:
    analysis = {"minTasks": BOUND, "conditions": ["failureRatio <= 0.2"]}
    agent = gated(analysis=analysis)
    agent["spec"]["replicas"] = BOUND + 2
    async with a_running_world(agent) as world:
        world.workers.habits = {GOOD: well, NEXT: does(each=Deed(seconds=None), codecs=RATIO)}
        await change_image(world)
        await world.until(lambda: peeked(world).get("state") == "Exposed")
        await world.during(10)
        await world.apply(the_work())
        await world.until(lambda: claims(world, GOOD).count("each") > 20)

        assert claims(world, NEXT).count("each") == BOUND


async def test_gates_are_tried_though_all_other_workers_are_busy() -> None:
    async with a_running_world(gated()) as world:
        world.workers.habits = {GOOD: lambda _: Deed(seconds=None), NEXT: does(codecs=RATIO)}
        await world.apply(the_work())
        await world.until(lambda: len(world.workers.began) == 4)
        await change_image(world)

        await world.until(lambda: is_over(world))

        assert peeked(world)["reason"] == "NoAnalysis"


@pytest.mark.parametrize(
    ("deed", "state"), [(RATIO, "Promoted"), (Deed(succeeded=False, seconds=30), "Aborted")]
)
async def test_an_operator_that_dies_while_a_gate_runs_comes_to_the_same_end(
    deed: Deed, state: str
) -> None:
    slow = Deed(seconds=30, outputs=deed.outputs, succeeded=deed.succeeded)
    async with a_running_world(gated()) as world:
        await changed(world, does(codecs=slow))
        await world.until(lambda: "codecs" in claims(world, NEXT))
        world.operator.kill()
        await world.start()
        await world.until(lambda: is_over(world))
        await world.finished()

        assert peeked(world)["state"] == state
        assert claims(world, NEXT).count("codecs") == 1
        assert len(await gates(world)) == 2


async def test_an_operator_that_comes_back_after_a_gate_finds_its_end() -> None:
    async with a_running_world(gated(pause=True)) as world:
        await changed(world, does(codecs=RATIO))
        await world.until(lambda: peeked(world).get("reason") == "PausedBySpec")
        await world.finished()
        world.operator.kill()
        await world.start()
        await world.change("Agent", "worker", rollout={"pause": False})
        await world.until(lambda: is_over(world))

        assert peeked(world)["state"] == "Promoted"
        assert claims(world, NEXT).count("codecs") == 1


async def test_the_gate_of_a_revision_that_another_replaces_is_stopped() -> None:
    async with a_running_world(gated({"task": "codecs"})) as world:
        await changed(world, does(codecs=Deed(seconds=None)))
        await world.until(lambda: "codecs" in claims(world, NEXT))
        await change_image(world, THIRD)
        await world.until(lambda: len(peeked(world)["history"]) > 2)
        await world.finished()

        assert [end["outcome"] for end in peeked(world)["history"][1:]] == [
            "Superseded",
            "Promoted",
        ]
        phases = [b for b in await world.api.objects(PHASES) if "gate" in b["spec"]]
        reasons = {b["status"]["state"]: b["status"].get("reason", "") for b in phases}
        assert reasons == {"Cancelled": "GateDropped", "Succeeded": ""}


async def test_a_gate_whose_phase_is_deleted_is_tried_again() -> None:
    async with a_running_world(gated({"task": "codecs"})) as world:
        await changed(world, does(codecs=Deed(seconds=30)))
        await world.until(lambda: "codecs" in claims(world, NEXT))
        (phase,) = [b for b in await world.api.objects(PHASES) if "gate" in b["spec"]]
        await world.delete("Phase", phase["metadata"]["name"])
        await world.until(lambda: peeked(world).get("reason") == "GateError")
        assert "was deleted before its end" in peeked(world)["message"]
        await world.until(lambda: is_over(world))

        assert peeked(world)["state"] == "Promoted"
        assert claims(world, NEXT).count("codecs") == 2


async def test_the_phase_of_a_gate_belongs_to_the_agent_and_names_the_revision() -> None:
    async with a_running_world(gated({"task": "codecs"}, pause=True)) as world:
        await changed(world, well)
        await world.until(lambda: peeked(world).get("reason") == "PausedBySpec")
        (mine,) = [b for b in await world.api.objects(PHASES) if "gate" in b["spec"]]

        assert mine["metadata"]["labels"]["spectra.dev/role"] == "Gate"
        assert mine["metadata"]["ownerReferences"][0]["kind"] == "Agent"
        assert mine["spec"]["gate"]["revision"] == peeked(world)["preview"]


def in_pods(*tasks: Body) -> Body:
    """Return an agent in mode Pod with gates."""
    return an_agent(template={"image": GOOD}, rollout={"preGate": {"tasks": list(tasks)}})


async def test_in_mode_pod_a_gate_is_a_pod_of_the_new_revision() -> None:
    async with a_running_world(in_pods({"task": "codecs"})) as world:
        await world.until(lambda: peeked(world).get("state") == "Promoted")
        await change_image(world)
        await world.until(lambda: is_over(world))

        pod = world.kubelet.pods["codecs", 0, 1]
        assert pod["spec"]["containers"][0]["image"] == NEXT
        assert peeked(world)["reason"] == "NoAnalysis"


async def test_in_mode_pod_a_failed_gate_aborts() -> None:
    async with a_running_world(in_pods({"task": "codecs"})) as world:
        world.kubelet.plan("codecs", fails())
        await world.until(lambda: peeked(world).get("state") == "Promoted")
        await change_image(world)
        await world.until(lambda: is_over(world))

        assert peeked(world)["reason"] == "GateFailed"
        assert world.kubelet.attempts("codecs") == [1]
