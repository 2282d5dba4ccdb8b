"""Volumes that tasks share, on a real cluster."""

from __future__ import annotations

from typing import Any

import pytest

from builders.specs import a_step, a_task
from e2e.harness.orders import ran
from e2e.harness.play import Play
from spectra_operator.kube.resources import PERSISTENT_VOLUME_CLAIMS

Body = dict[str, Any]

CLAIM = "PersistentVolumeClaim"
WRITE = 'echo 1 > /workspace/n; out "{\\"n\\": 1}"'
ADD = 'n=$(cat /workspace/n); echo $((n + 1)) > /workspace/n; out "{\\"n\\": $((n + 1))}"'


def given_flow(play: Play, second: str = ADD, **workspace: Any) -> None:
    """Give a workflow of two phases: the first writes, the second reads and writes."""
    play.given.agent("writer", WRITE)
    play.given.agent("adder", second)
    tasks = [a_task("write", agent="writer", workspace={})]
    add = [a_task("add", agent="adder", workspace={})]
    phases = [a_step("one", tasks), a_step("two", add, depends_on=["one"])]
    play.given.workflow(phases=phases, workspace=workspace)


def claims(play: Play) -> list[str]:
    """Return the claims that are there and stay."""
    found = (body["metadata"] for body in play.world.all(CLAIM))
    return [meta["name"] for meta in found if "deletionTimestamp" not in meta]


async def claim_is_deleted(play: Play) -> None:
    """Wait until the claim goes; Kubernetes keeps it as long as a pod that mounts it is there."""
    await play.then.until("the claim is deleted", lambda: not claims(play) or None)


async def test_what_one_task_writes_another_reads_and_the_claim_goes(play: Play) -> None:
    play.given.example("workspace/workspace.yaml")
    await play.when.applied()
    await play.then.until("a claim is made", lambda: claims(play) or None)

    await play.then.workflow_ends("Succeeded")

    assert play.then.task("office/read").outputs == {"lines": 1000}
    ran(play, {"office/write": 1, "office/read": 1}, "workspace")
    await claim_is_deleted(play)
    await play.when.deleted("Workflow", "workspace")
    await play.then.until("nothing is left of it", lambda: not play.world.all(CLAIM) or None)


@pytest.mark.parametrize(
    ("retention", "succeeds", "stays"),
    [
        ("Delete", False, False),
        ("DeleteOnSuccess", True, False),
        ("DeleteOnSuccess", False, True),
        ("Retain", True, True),
    ],
)
async def test_the_claim_of_a_run_goes_or_stays_by_its_policy(
    play: Play, retention: str, succeeds: bool, stays: bool
) -> None:
    given_flow(play, ADD if succeeds else "exit 3", size="1Mi", retention=retention)
    await play.when.applied()

    await play.then.workflow_ends("Succeeded" if succeeds else "Failed")

    if not stays:
        await claim_is_deleted(play)
        return
    [name] = claims(play)
    await play.when.deleted("Workflow", "flow")
    if retention == "Retain":
        await play.then.pods_gone()
        assert claims(play) == [name]
    else:
        await claim_is_deleted(play)


async def test_an_existing_claim_is_used_by_run_after_run_and_never_deleted(play: Play) -> None:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}}
    claim = {"apiVersion": "v1", "kind": CLAIM, "metadata": {"name": "mine"}, "spec": spec}
    await play.client.create(PERSISTENT_VOLUME_CLAIMS, play.namespace, claim)
    given_flow(play, claimName="mine")
    await play.when.applied()
    await play.then.workflow_ends("Succeeded", "flow")
    again = [a_task("add", agent="adder", workspace={})]
    play.given.workflow(again, name="again", workspace={"claimName": "mine"})
    await play.when.applied()

    await play.then.workflow_ends("Succeeded", "again")

    assert play.then.task("work/add", workflow="again").outputs == {"n": 3}
    assert claims(play) == ["mine"]
