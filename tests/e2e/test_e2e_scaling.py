"""Scaling on the real cluster: under load, by a HorizontalPodAutoscaler, and by two at once."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from builders.cluster import ROOT
from builders.specs import a_task
from e2e.harness.play import Body, Play
from e2e.harness.pools import WORK, Diary, pool, workers

UNDER_ONE_OPERATOR = pytest.mark.usefixtures("killing")
"""Nobody may kill the operator meanwhile: after a take-over nothing shrinks for a while."""
AGENT = "optimizer"
"""As in the documentation, whose manifests are tried here."""
QUICK = {"scaleDown": {"stabilizationWindowSeconds": 0}}
BOTH_LENGTHS = WORK.replace("\nwork()", '\ntask("long")(each)\nwork()')
LET_GO = "/tmp/go"
TOLD_WHEN_TO_END = f"""\
import os, time
from spectra_agent import task, work

@task
def spin(task):
    while not os.path.exists("{LET_GO}") and not task.cancelled:
        sum(range(20000))

@task
def rest(task):
    while not os.path.exists("{LET_GO}") and not task.cancelled:
        time.sleep(0.1)

work()
"""
"""Tasks that need a processor, and tasks that need none; each ends when the test says so."""


def the_autoscaler(**spec: Any) -> Body:
    """Return the HorizontalPodAutoscaler of docs/scaling.md, with other fields where given."""
    text = (Path(ROOT) / "docs" / "scaling.md").read_text()
    blocks = (yaml.safe_load(found) for found in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL))
    (body,) = [body for body in blocks if body.get("kind") == "HorizontalPodAutoscaler"]
    assert body["spec"]["scaleTargetRef"]["name"] == AGENT
    return {**body, "spec": body["spec"] | spec}


def agent(play: Play) -> Body:
    """Return the agent as it stands."""
    return play.world.get("Agent", AGENT) or {}


def replicas(play: Play) -> int | None:
    """Return the number of workers that was set through `/scale`."""
    found: int | None = agent(play)["spec"].get("replicas")
    return found


def shows(play: Play, ready: str) -> bool | None:
    return (agent(play).get("status") or {}).get("ready") == ready or None


def busy(play: Play) -> int:
    """Return how many tasks the workers have."""
    return int((agent(play).get("status") or {}).get("busy", 0))


async def let_go(play: Play, pod: Body) -> None:
    """Let the tasks of a worker end."""
    await play.kubectl("exec", pod["metadata"]["name"], "--", "touch", LET_GO)


@UNDER_ONE_OPERATOR
async def test_workers_come_from_zero_under_load_and_go_and_no_task_is_interrupted(
    play: Play, note: Callable[[str], None]
) -> None:
    scaling = {"maxReplicas": 4, "cooldownSeconds": 2, "behavior": QUICK}
    play.given.object(pool(AGENT, BOTH_LENGTHS, slots=4, replicas=None, scaling=scaling))
    await play.when.applied()
    await play.then.until("it stands at zero", lambda: shows(play, "0/0"))
    diary = Diary(play)

    each = a_task("each", agent=AGENT, count=296, input={"seconds": 0.2})
    # Some still run when the others are done: workers that are too many drain with a task each.
    long = a_task("long", agent=AGENT, count=4, input={"seconds": 10})
    play.given.workflow([each, long])
    await play.when.applied()
    await play.then.until("four work", lambda: shows(play, "4/4"))
    await play.then.workflow_ends("Succeeded")
    await play.then.until("all are gone", lambda: not workers(play) or None)
    await play.then.until("it stands at zero", lambda: shows(play, "0/0"))

    began, ended = await diary.said("began"), await diary.said("ended")
    assert len(began) == 300
    assert set(began.values()) == {1}
    assert began == ended
    assert {attempt for _, attempt in began} == {1}
    for task in ("work/each", "work/long"):
        assert play.then.task(task).status.get("losses", 0) == 0
    up = await play.then.told("Agent", "ScaledUp", "Scaled up from 0 to 4")
    assert up["type"] == "Normal"
    await play.then.told("Agent", "ScaledDown", " to 0: ")
    note(f"300 tasks by {diary.workers} workers, from zero and back")


@UNDER_ONE_OPERATOR
async def test_an_autoscaler_of_the_cluster_drives_the_number_and_no_busy_worker_is_ended(
    play: Play,
) -> None:
    play.cluster.addon("metrics-server")
    resources = {
        "requests": {"cpu": "50m", "memory": "16Mi"},
        "limits": {"cpu": "250m", "memory": "96Mi"},
    }
    template = {"resources": resources}
    play.given.object(pool(AGENT, TOLD_WHEN_TO_END, replicas=1, template=template))
    await play.when.applied()
    await play.kubectl("apply", "-f", "-", stdin=manifest(maxReplicas=3, behavior=QUICK))
    await play.then.until("one is ready", lambda: shows(play, "1/1"))
    (first,) = workers(play)
    play.given.workflow([a_task("spin", agent=AGENT, count=2)], name="hot")
    await play.when.applied()
    await play.then.until("it is busy", lambda: busy(play) == 2 or None)
    play.given.workflow([a_task("rest", agent=AGENT, count=4)], name="cool")
    await play.when.applied()

    await play.then.until("it asks for three", lambda: replicas(play) == 3 or None, 150)
    await play.then.until("all tasks run", lambda: busy(play) == 6 or None)
    others = [pod for pod in workers(play) if pod["metadata"]["uid"] != first["metadata"]["uid"]]
    await let_go(play, first)
    await play.then.until("it asks for one", lambda: replicas(play) == 1 or None, 150)
    await play.then.until("one is gone", lambda: len(workers(play)) == 2 or None)
    for pod in workers(play):
        assert "deletionTimestamp" not in pod["metadata"], "a busy worker is being ended"
        assert pod["metadata"]["name"] in {other["metadata"]["name"] for other in others}
    for pod in others:
        await let_go(play, pod)

    for workflow, task in (("hot", "work/spin"), ("cool", "work/rest")):
        await play.then.workflow_ends("Succeeded", workflow)
        assert play.then.task(task, workflow=workflow).status.get("losses", 0) == 0
    await play.then.until("one is left", lambda: len(workers(play)) == 1 or None)


async def test_an_autoscaler_beside_scaling_is_reported_with_what_to_do(play: Play) -> None:
    play.given.object(pool(AGENT, replicas=1, scaling={"maxReplicas": 5}))
    await play.when.applied()
    await play.kubectl("apply", "-f", "-", stdin=manifest(minReplicas=2, maxReplicas=2))

    await play.then.until("the autoscaler is obeyed", lambda: shows(play, "2/2"))
    event = await play.then.told("Agent", "ScalingConflict")
    described = await play.kubectl("describe", "agent", AGENT)
    await play.kubectl("delete", "hpa", AGENT)
    (patch,) = re.findall(
        r"kubectl (patch agent/optimizer .*)", (Path(ROOT) / "docs/scaling.md").read_text()
    )
    words = [word.strip("'") for word in re.findall(r"'[^']*'|\S+", patch)]
    await play.kubectl(*words)

    assert event["type"] == "Warning"
    what_to_do = "remove spec.replicas and what sets it, or remove spec.scaling"
    assert what_to_do in described
    assert re.search(r"Reason:\s+ScalingConflict", described), described
    assert what_to_do in event["message"]
    await play.then.until("it follows the tasks again", lambda: _follows(play))


def manifest(**spec: Any) -> str:
    return yaml.safe_dump(the_autoscaler(**spec))


def _follows(play: Play) -> bool | None:
    found = (agent(play).get("status") or {}).get("conditions", ())
    return any(each["reason"] == "FollowsTasks" for each in found) or None
