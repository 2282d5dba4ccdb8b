"""Attempts that the infrastructure takes away: counted apart from failures, and done again."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from builders.specs import a_retry, a_task
from e2e.harness.bodies import HOLD
from e2e.harness.play import Play
from spectra_operator.kube.client import AiohttpClient
from spectra_operator.kube.errors import NotFound
from spectra_operator.kube.resources import NODES, PODS

Body = dict[str, Any]


async def test_a_pod_deleted_by_hand_is_a_loss_and_the_task_is_done_again(play: Play) -> None:
    play.given.agent(script=HOLD)
    play.given.workflow([a_task("held"), a_task("next", depends_on=["held"])])
    await play.when.applied()
    pod = await play.then.task("work/held").pod_in("Running")

    await play.when.deleted("Pod", pod["metadata"]["name"])
    await play.then.task("work/held").pod_in("Running", attempt=2)
    await play.then.told("Phase", "TaskLost", "task held, attempt 1: PodDeleted")
    await play.when.each_let_go(2)

    await play.then.workflow_ends("Succeeded")
    status = play.then.task("work/held").status
    assert (status["losses"], status.get("failures", 0)) == (1, 0)
    play.then.everything_ran_once(held=2)


async def test_a_pod_removed_by_force_with_its_finalizer_stripped_is_a_loss_too(
    play: Play,
) -> None:
    play.given.agent(script=HOLD)
    play.given.workflow([a_task("held")])
    await play.when.applied()
    pod = await play.then.task("work/held").pod_in("Running")
    # Without its finalizer the pod leaves no trace; the loss is known of an attempt on record.
    await play.then.task("work/held").shows(state="Running", attempt=1)

    await play.when.finalizers_stripped(pod["metadata"]["name"])
    await play.when.deleted("Pod", pod["metadata"]["name"], force=True)
    await play.then.task("work/held").pod_in("Running", attempt=2)
    await play.when.each_let_go(1)

    await play.then.workflow_ends("Succeeded")
    assert play.then.task("work/held").status["losses"] == 1
    play.then.everything_ran_once(held=2)


async def test_a_finalizer_stripped_from_a_running_pod_loses_nothing(play: Play) -> None:
    play.given.agent(script=HOLD)
    play.given.workflow([a_task("held")])
    await play.when.applied()
    pod = await play.then.task("work/held").pod_in("Running")

    await play.when.finalizers_stripped(pod["metadata"]["name"])
    await play.when.let_go(pod["metadata"]["name"])

    await play.then.workflow_ends("Succeeded")
    play.then.everything_ran_once()


async def test_more_losses_than_the_budget_fail_the_task(play: Play) -> None:
    play.given.agent(script=HOLD)
    play.given.workflow([a_task("held", retry=a_retry(5, losses=1))])
    await play.when.applied()

    for attempt in (1, 2):
        pod = await play.then.task("work/held").pod_in("Running", attempt)
        await play.when.deleted("Pod", pod["metadata"]["name"], force=False)

    await play.then.workflow_ends("Failed")
    await play.then.task("work/held").shows(state="Failed", losses=2, failures=0)
    play.then.everything_ran_once(held=2)


@pytest_asyncio.fixture
async def node_pool(client: AiohttpClient) -> AsyncIterator[str]:
    """A label that only fake nodes of this test have; they are removed afterwards."""
    pool = f"e2e-{uuid.uuid4().hex[:6]}"
    yield pool
    for name in (f"{pool}-a", f"{pool}-b"):
        try:
            await client.delete(NODES, None, name)
        except NotFound:
            continue


async def test_tasks_on_a_node_that_is_deleted_are_lost_and_done_again_on_another(
    play: Play, node_pool: str
) -> None:
    await play.client.create(NODES, None, _node(node_pool, "a"))
    anywhere = {"nodeSelector": {"pool": node_pool}, "tolerations": [{"operator": "Exists"}]}
    play.given.agent(template=anywhere)
    play.given.workflow([a_task("many", count=3)])
    await play.when.applied()
    for name in await play.then.until("all have a node", lambda: _bound(play, f"{node_pool}-a")):
        await play.client.patch(PODS, play.namespace, name, _running(), subresource="status")

    await play.client.create(NODES, None, _node(node_pool, "b", type="kwok"))
    await play.client.delete(NODES, None, f"{node_pool}-a")

    # Kubernetes itself takes 40 to 60 s to tell that the pods of a deleted node are lost.
    await play.then.workflow_ends("Succeeded", within=150.0)
    await play.then.task("work/many").shows(losses=3, failures=0)
    play.then.everything_ran_once(many=2)
    last = [play.then.task("work/many").trails(index)[1].node for index in range(3)]
    assert last == [f"{node_pool}-b"] * 3


def _node(pool: str, suffix: str, **labels: str) -> Body:
    """A Node without a kubelet: what happens on it is up to KWOK, if the label says so, or us."""
    name = f"{pool}-{suffix}"
    taint = {"key": "kwok.x-k8s.io/node", "value": "fake", "effect": "NoSchedule"}
    resources = {"cpu": "4", "memory": "8Gi", "pods": "20"}
    labels |= {"pool": pool, "kubernetes.io/hostname": name}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "spec": {"taints": [taint]},
        "status": {"capacity": resources, "allocatable": resources},
    }


def _running() -> Body:
    """What a kubelet would write of a pod that runs."""
    container = {
        "name": "task",
        "image": "fake",
        "imageID": "",
        "restartCount": 0,
        "ready": True,
        "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}},
    }
    return {"status": {"phase": "Running", "containerStatuses": [container]}}


def _bound(play: Play, node: str) -> list[str] | None:
    names = [t.name for t in play.recorder.trails if t.node == node]
    return names if len(names) == 3 else None
