"""Replays on the real cluster: a new revision does again what the one in use has done."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from builders.cluster import ROOT
from builders.specs import a_task
from e2e.harness.bodies import Body, agent
from e2e.harness.play import Play
from e2e.harness.plugin import Plugin
from e2e.harness.pools import ready_workers

TELL = """\
out "{\\"release\\": $RELEASE, \\"got\\": $SPECTRA_INPUT, \\"task\\": \\"$SPECTRA_TASK\\"}"
"""
CONDITIONS = ["outputs.got == recorded.outputs.got", "outputs.task == recorded.outputs.task"]


def env(release: int) -> Body:
    return {"env": [{"name": "RELEASE", "value": str(release)}]}


def rollout(play: Play, name: str) -> Body:
    """Return what an agent's status says of its rollout."""
    found: Body = ((play.world.get("Agent", name) or {}).get("status") or {}).get("rollout") or {}
    return found


async def comes_to(play: Play, name: str, state: str) -> Body:
    """Wait until a rollout that is not the first one is in a state."""

    def found() -> Body | None:
        now = rollout(play, name)
        return now if now.get("number", 0) > 1 and now.get("state") == state else None

    return await play.then.until(f"the rollout is {state}", found, 90)


def gates(play: Play) -> list[Body]:
    """Return the Phase objects in which recorded tasks are done again."""
    return [body for body in play.world.all("Phase") if "gate" in body["spec"]]


async def test_the_example_finds_the_worse_release_out_before_anybody_depends_on_it(
    play: Play, spectra: Plugin
) -> None:
    folder = Path(ROOT) / "examples/replay"
    await play.kubectl("apply", "-f", str(folder / "good.yaml"))
    await play.then.until("one is ready", lambda: ready_workers(play, "packer") == 1 or None)
    (name,) = (await play.kubectl("create", "-f", str(folder / "workflow.yaml"), "-oname")).split()
    await play.then.workflow_ends("Succeeded", name.rpartition("/")[2])

    await play.kubectl("apply", "-f", str(folder / "worse.yaml"))
    found = await comes_to(play, "packer", "Aborted")

    assert found["reason"] == "GateFailed"
    assert "outputs.bytes <= recorded.outputs.bytes does not hold" in found["message"]
    assert "pack[5] of phase " in found["replay"]
    (gate,) = gates(play)
    assert len(gate["spec"]["tasks"]) == 5
    tried = {task.get("revision") for task in gate["status"]["tasks"].values()}
    assert tried == {found["rejected"]}
    await play.then.told("Agent", "GateFailed")
    told = await spectra("rollout", "status", "packer", code=1)
    assert "gate replay failed" in told.out


async def test_a_release_that_does_recorded_tasks_as_well_is_switched_to(play: Play) -> None:
    replay: dict[str, Any] = {"last": 9, "conditions": CONDITIONS}
    play.given.object(
        agent(
            script=TELL, template=env(1), replayable=True, rollout={"preGate": {"replay": replay}}
        )
    )
    first = a_task("first", input={"text": "a $${literal}"})
    second = a_task("second", depends_on=["first"], input={"of": "${tasks.first.outputs}"})
    play.given.workflow([first, second])
    await play.when.applied()
    await play.then.workflow_ends("Succeeded")

    template = (play.world.get("Agent", "worker") or {})["spec"]["template"]
    await play.when.patched("Agent", "worker", template=template | env(2))
    found = await comes_to(play, "worker", "Promoted")

    assert found["reason"] == "NoAnalysis"
    assert "2 recorded tasks were done again as well as before (of 9" in found["replay"]
    (gate,) = gates(play)
    outputs = [json.loads(task["outputs"]) for task in gate["status"]["tasks"].values()]
    assert {each["task"]: each["release"] for each in outputs} == {"first": 2, "second": 2}
    (of,) = [each["got"]["of"] for each in outputs if each["task"] == "second"]
    assert (of["release"], of["got"]) == (1, {"text": "a ${literal}"})
