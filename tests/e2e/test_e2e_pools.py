"""Warm workers on the real cluster: claims, losses, drains, `kubectl scale`."""

from __future__ import annotations

import json
import signal

import pytest

from builders.specs import a_retry, a_task
from e2e.harness.operators import Operators
from e2e.harness.play import Play
from e2e.harness.pools import no_task_pod, pool, ready_workers, said, signalled, workers

UNDER_ONE_OPERATOR = pytest.mark.usefixtures("killing")
"""Nobody may kill the operator meanwhile: a worker that ends while no replica leads loses its
tasks, for nobody takes their results; and a killed operator may be back only after a pause."""
PRIMES_BELOW_40000 = 4203


async def test_the_example_is_done_by_two_workers_that_were_there_before(play: Play) -> None:
    play.given.example("pool/pool.yaml")
    await play.when.applied()

    await play.then.workflow_ends("Succeeded")

    assert play.then.task("count/sum").outputs == {"primes": PRIMES_BELOW_40000}
    assert no_task_pod(play)
    assert len(workers(play)) == 2
    await play.then.until(
        "both are ready", lambda: ready_workers(play, "warm-counter") == 2 or None
    )
    table = (await play.kubectl("get", "agents")).splitlines()
    assert table[0].split()[:5] == ["NAME", "MODE", "READY", "BUSY", "QUEUED"]
    assert table[1].split()[:3] == ["warm-counter", "Pool", "2/2"]


async def test_every_item_is_begun_once_and_slots_bound_what_runs(play: Play) -> None:
    play.given.object(pool())
    play.given.workflow([a_task("each", count=40, input={"seconds": 0.1})])
    await play.when.applied()

    await play.then.workflow_ends("Succeeded")

    began = await said(play, "began")
    assert len(began) == 40
    assert set(began.values()) == {1}
    assert {attempt for _, attempt in began} == {1}


async def test_a_failure_is_tried_again(play: Play) -> None:
    play.given.object(pool())
    play.given.workflow([a_task("each", retry=a_retry(2), input={"fails": 1})])
    await play.when.applied()

    await play.then.workflow_ends("Succeeded")

    task = play.then.task("work/each")
    assert task.outputs["attempt"] == 2
    assert task.status["failures"] == 1


@pytest.mark.usefixtures("killing")
@pytest.mark.xdist_group("operator")
async def test_when_all_replicas_are_killed_workers_go_on_and_nothing_is_done_twice(
    play: Play, operators: Operators
) -> None:
    play.given.object(pool())
    play.given.workflow([a_task("each", count=60, input={"seconds": 0.5})])
    await play.when.applied()
    await play.then.until("some are done", lambda: _done(play) >= 8 or None)

    before = operators.holder()
    for pod in operators.pods():
        operators.kill(pod)
    await operators.taken_over(before)

    await play.then.workflow_ends("Succeeded", within=150)
    began = await said(play, "began")
    assert len(began) == 60
    assert set(began.values()) == {1}
    assert play.then.task("work/each").status.get("losses", 0) == 0
    await operators.settled()


@UNDER_ONE_OPERATOR
async def test_a_worker_that_is_deleted_ends_its_tasks_first(play: Play) -> None:
    play.given.object(pool())
    play.given.workflow([a_task("each", count=4, input={"seconds": 4})])
    await play.when.applied()
    await play.then.until("all run", lambda: _running(play) == 4 or None)
    (first, _) = workers(play)

    await play.when.deleted("Pod", first["metadata"]["name"])

    await play.then.workflow_ends("Succeeded")
    assert play.then.task("work/each").status.get("losses", 0) == 0
    await play.then.until("there are two again", lambda: ready_workers(play) == 2 or None)


@UNDER_ONE_OPERATOR
async def test_the_claims_of_a_worker_that_is_gone_are_lost_and_done_by_others(play: Play) -> None:
    play.given.object(pool())
    play.given.workflow([a_task("each", count=4, input={"seconds": 4})])
    await play.when.applied()
    await play.then.until("all run", lambda: _running(play) == 4 or None)
    (first, _) = workers(play)

    await play.when.deleted("Pod", first["metadata"]["name"], force=True)

    await play.then.workflow_ends("Succeeded")
    assert play.then.task("work/each").status["losses"] == 2


@UNDER_ONE_OPERATOR
async def test_a_worker_whose_process_dies_loses_its_claims_and_goes_on(play: Play) -> None:
    play.given.object(pool(replicas=1))
    play.given.workflow([a_task("each", count=2, input={"seconds": 3})])
    await play.when.applied()
    await play.then.until("both run", lambda: _running(play) == 2 or None)
    (only,) = workers(play)

    signalled(only, signal.SIGKILL)

    await play.then.workflow_ends("Succeeded")
    task = play.then.task("work/each").status
    assert (task["losses"], task.get("failures", 0)) == (2, 0)


@UNDER_ONE_OPERATOR
async def test_a_frozen_worker_is_fenced_and_its_late_results_are_refused(play: Play) -> None:
    play.given.object(pool())
    play.given.workflow([a_task("each", count=4, input={"seconds": 3})])
    await play.when.applied()
    await play.then.until("all run", lambda: _running(play) == 4 or None)
    (frozen, _) = workers(play)
    signalled(frozen, signal.SIGSTOP)
    try:
        await play.then.workflow_ends("Succeeded", within=120)
    finally:
        signalled(frozen, signal.SIGCONT)

    status = play.then.task("work/each").status
    assert status["losses"] == 2
    outputs = json.loads(json.dumps(play.then.task("work/each").outputs))
    assert sorted(each["attempt"] for each in outputs) == [1, 1, 2, 2]
    assert frozen["metadata"]["name"] not in {e["pod"] for e in outputs if e["attempt"] == 2}


@UNDER_ONE_OPERATOR
async def test_an_attempt_over_its_time_is_cancelled_in_its_worker(play: Play) -> None:
    play.given.object(pool(replicas=1))
    play.given.workflow([a_task("each", timeout_seconds=2, input={"seconds": 60})])
    await play.when.applied()

    await play.then.workflow_ends("Failed")

    assert play.then.task("work/each").status["reason"] == "Timeout"


@UNDER_ONE_OPERATOR
async def test_kubectl_scale_sets_the_number_of_workers(play: Play) -> None:
    play.given.object(pool(replicas=1))
    await play.when.applied()
    await play.then.until("one is ready", lambda: ready_workers(play) == 1 or None)

    await play.kubectl("scale", "agent", "worker", "--replicas=3")
    await play.then.until("three are ready", lambda: ready_workers(play) == 3 or None)
    await play.kubectl("scale", "agent", "worker", "--replicas=0")

    await play.then.until("none is left", lambda: not workers(play) or None)


def _done(play: Play) -> int:
    return _counts(play, "succeeded")


def _running(play: Play) -> int:
    status = (play.world.get("Agent", "worker") or {}).get("status") or {}
    return int(status.get("busy", 0))


def _counts(play: Play, name: str) -> int:
    for body in play.world.all("Phase"):
        counts = (body.get("status") or {}).get("counts") or {}
        return int(counts.get(name, 0))
    return 0
