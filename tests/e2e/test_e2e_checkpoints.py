"""Checkpoints and progress in mode Pod, on a real cluster: tokens, heartbeats, annotations."""

from __future__ import annotations

import pytest

from builders.specs import a_retry, a_step, a_task
from e2e.harness.play import Play
from e2e.harness.plugin import Plugin

BY_ITSELF = r"""
import json, os, urllib.error, urllib.request

def beat(url=os.environ["SPECTRA_WORKER_URL"], **news):
    claim = {"id": os.environ["SPECTRA_CLAIM"], "epoch": 1, **news}
    with open(os.environ["SPECTRA_WORKER_TOKEN_FILE"]) as file:
        token = file.read()
    headers = {"Authorization": f"Bearer {token}", "Spectra-Instance": "one",
               "Content-Type": "application/json"}
    body = json.dumps({"claims": [claim]}).encode()
    request = urllib.request.Request(url + "/v1/heartbeat", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        if error.code != 421:
            raise
        return beat(json.load(error)["address"], **news)

before = json.loads(os.environ.get("SPECTRA_CHECKPOINT", "null"))
if before is None:
    assert beat(checkpoint={"row": 15})["cancel"] == []
    raise SystemExit("broke at row 15")
with open("/dev/termination-log", "w") as file:
    json.dump({"outputs": {"from": before["row"] + 1}}, file)
"""
"""A program without our package; it goes to the replica that answers for its namespace."""

IN_A_FILE = """
import os
from pathlib import Path
from spectra_agent import run

def work(task):
    left = Path(os.environ["SPECTRA_WORKSPACE"]) / "checkpoints" / task.key.replace("/", "-")
    left.parent.mkdir(exist_ok=True)
    done = int(left.read_text()) if left.exists() else 0
    if task.attempt == 1:
        left.write_text("15")
        raise RuntimeError("broke after step 15")
    return {"from": done + 1}

run(work)
"""


# An attempt that says checkpoints while nobody leads, and ends before somebody does, leaves none.
@pytest.mark.usefixtures("killing")
@pytest.mark.xdist_group("operator")
async def test_a_retry_goes_on_from_the_checkpoint_and_progress_shows_meanwhile(
    play: Play, spectra: Plugin
) -> None:
    play.given.example("checkpoints.yaml")
    await play.when.applied()

    steps = play.then.task("work/steps")
    shown = await play.then.until("progress", lambda: steps.status.get("progress"))
    assert 0 < shown["percent"] < 100
    assert shown["message"].startswith("step ")
    tree = (await spectra("tree", "checkpoints")).out
    assert "% step " in tree

    await play.then.workflow_ends("Succeeded")
    assert steps.outputs == {"from": 16, "to": 20, "attempt": 2}
    assert steps.status["failures"] == 1
    assert "checkpoint" not in steps.status


# An attempt that says checkpoints while nobody leads, and ends before somebody does, leaves none.
@pytest.mark.usefixtures("killing")
@pytest.mark.xdist_group("operator")
async def test_a_program_without_our_package_leaves_a_checkpoint(play: Play) -> None:
    command = ["python3", "-c", BY_ITSELF]
    play.given.agent(template={"command": command}, checkpoints=True)
    play.given.workflow([a_task("rows", retry=a_retry(1, seconds=1))])
    await play.when.applied()

    await play.then.workflow_ends("Succeeded")

    assert play.then.task("work/rows").outputs == {"from": 16}


async def test_a_retry_finds_a_file_that_the_attempt_before_left_in_the_workspace(
    play: Play,
) -> None:
    play.given.agent(template={"command": ["python3", "-c", IN_A_FILE]})
    task = a_task("steps", workspace={}, retry=a_retry(1, seconds=1))
    play.given.workflow(phases=[a_step("work", [task])], workspace={"size": "1Mi"})
    await play.when.applied()

    await play.then.workflow_ends("Succeeded")

    assert play.then.task("work/steps").outputs == {"from": 16}
