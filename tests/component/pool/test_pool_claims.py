"""Warm workers on a fake cluster: claims, results, failures, losses, ends that are asked for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from builders.engine import World, a_running_world
from builders.specs import NAMESPACE, a_chain, a_retry, a_step, a_task, a_workflow, an_agent
from builders.workers import Deed, once
from spectra_operator.api import constants as c
from spectra_operator.engine.desk_calls import DeskError, Report
from spectra_operator.engine.keys import Key
from spectra_operator.engine.worker_book import KIND
from spectra_operator.kube.resources import EVENTS, LEASES, PODS, Body


def a_pool(**fields: Any) -> Body:
    """Return an agent with two workers of two slots each."""
    given: dict[str, Any] = {"mode": "Pool", "replicas": 2, "slots": 2} | fields
    return an_agent(**given)


def a_flow(*tasks: Body, **fields: Any) -> Body:
    """Return a workflow of one phase."""
    return a_workflow([a_step("build", tasks)], **fields)


async def pages(world: World) -> list[Body]:
    """Return the pages of all workers."""
    found = await world.api.objects(LEASES, NAMESPACE)
    return [body for body in found if c.LABEL_WORKER in body["metadata"].get("labels", {})]


async def silences(world: World) -> list[str]:
    """Return what the Warning Events of the agent say of workers that fell silent."""
    found = await world.api.objects(EVENTS, NAMESPACE)
    told = [each for each in found if each["reason"] == "WorkerSilent"]
    assert {each["type"] for each in told} <= {"Warning"}
    return [each["message"] for each in told]


def entries(page: Body) -> list[str]:
    """Return the keys of the claims and endings of a page."""
    prefixes = (c.CLAIM_PREFIX, c.ENDING_PREFIX)
    return [key for key in page["metadata"]["annotations"] if key.startswith(prefixes)]


async def test_a_chain_flows_through_warm_workers_and_no_pod_is_made_for_it() -> None:
    async with a_running_world(a_pool()) as world:
        world.workers.plan("a", Deed(outputs={"n": 3}))
        world.workers.plan("b", Deed(outputs=lambda given: {"got": given["n"]}))
        tasks = a_chain("a", "b")
        tasks[1]["input"] = {"n": "${tasks.a.outputs.n}"}
        await world.apply(a_flow(*tasks))

        status = await world.finished()

        assert status["state"] == "Succeeded"
        assert [name for name, _, _, _ in world.workers.began] == ["a", "b"]
        assert not world.kubelet.births
        assert (await world.tasks())["b"]["outputs"] == '{"got":3}'


async def test_every_item_of_a_fan_out_is_done_once_by_all_slots() -> None:
    async with a_running_world(a_pool()) as world:
        await world.apply(a_flow(a_task("each", count=20)))

        await world.finished()

        assert once(world.workers.began)
        assert sorted(index for _, index, _, _ in world.workers.ended) == list(range(20))
        assert len({worker for *_, worker in world.workers.began}) == 2
        assert len(await world.api.objects(PODS, NAMESPACE)) == 2


async def test_nothing_recorded_stays_on_a_page_or_in_memory() -> None:
    async with a_running_world(a_pool()) as world:
        await world.apply(a_flow(a_task("each", count=9)))
        await world.finished()
        await world.during(5)

        assert [entries(page) for page in await pages(world)] == [[], []]
        for _, run in world.operator.parts.workers.some(lambda _: True):
            kept = (run.inputs, run.delivered, run.stopping, run.triggers, run.ops)
            assert not any(kept)
        assert "attempts" not in world.operator.memory()


async def test_a_failure_is_tried_again_and_counted_as_one() -> None:
    async with a_running_world(a_pool()) as world:
        world.workers.plan("a", Deed(succeeded=False))
        await world.apply(a_flow(a_task("a", retry=a_retry(1))))

        status = await world.finished()

        assert status["state"] == "Succeeded"
        task = (await world.tasks())["a"]
        assert (task["attempt"], task["failures"]) == (2, 1)
        assert world.workers.attempts("a") == [1, 2]


async def test_a_worker_whose_process_ends_loses_its_claims_and_they_are_done_again() -> None:
    async with a_running_world(a_pool(replicas=1)) as world:
        world.workers.plan("a", Deed(crash=True))
        await world.apply(a_flow(a_task("a", retry=a_retry(0, losses=2))))

        await world.finished()

        task = (await world.tasks())["a"]
        assert task["state"] == "Succeeded"
        assert (task.get("failures", 0), task["losses"]) == (0, 1)
        assert once(world.workers.began)


async def test_a_silent_workers_claim_goes_to_another_and_its_late_result_is_refused() -> None:
    async with a_running_world(a_pool()) as world:
        world.workers.plan("a", Deed(seconds=60))
        await world.apply(a_flow(a_task("a")))
        await world.until(lambda: world.workers.began)
        silent = world.workers.began[0][3]
        world.workers.silence(silent)

        late = world.workers.workers[silent].caller
        claim, epoch = next(iter(world.workers.workers[silent].epochs.items()))

        await world.finished()

        assert world.workers.attempts("a") == [1, 2]
        assert world.workers.began[1][3] != silent
        assert (await world.tasks())["a"]["losses"] == 1
        with pytest.raises(DeskError):
            world.operator.engine.desk.report(late, Report(claim, epoch, True, "", "{}", 0))
        assert [number for *_, number, _ in world.workers.ended] == [2]
        await world.until(lambda: len(world.workers.workers) == 2)
        assert silent not in world.workers.workers
        await world.settle()
        text = f"worker {silent} was silent for 20 s: 1 claim was taken from it, it is replaced"
        assert await silences(world) == [text]


@pytest.mark.parametrize("which", ["busy", "idle"])
async def test_a_worker_that_is_heard_again_before_the_second_look_goes_on(which: str) -> None:
    async with a_running_world(a_pool()) as world:
        world.workers.plan("a", Deed(seconds=60))
        await world.apply(a_flow(a_task("a")))
        await world.until(lambda: world.workers.began)
        busy = world.workers.began[0][3]
        silent = next(each for each in world.workers.workers if (each == busy) == (which == "busy"))
        run = world.operator.parts.workers.get(Key(KIND, NAMESPACE, silent))
        assert run is not None
        world.workers.silence(silent)
        await world.until(lambda: run.suspected_at is not None)

        world.operator.parts.queue.add(Key(KIND, NAMESPACE, silent))
        world.operator.parts.queue.add(Key("Agent", NAMESPACE, "worker"))
        await world.settle()
        world.workers.hear(silent)

        await world.finished()
        assert world.workers.attempts("a") == [1]
        assert silent in world.workers.workers
        assert await silences(world) == []


async def test_an_idle_worker_that_falls_silent_is_told_of_once_too() -> None:
    async with a_running_world(a_pool()) as world:
        await world.until(lambda: len(world.workers.workers) == 2)
        silent = next(iter(world.workers.workers))
        world.workers.silence(silent)

        await world.until(lambda: silent not in world.workers.workers)
        await world.during(30)

        assert await silences(world) == [f"worker {silent} was silent for 20 s: it is replaced"]


async def test_a_worker_that_is_deleted_gives_its_claims_back() -> None:
    async with a_running_world(a_pool()) as world:
        world.workers.plan("a", Deed(seconds=600))
        await world.apply(a_flow(a_task("a")))
        await world.until(lambda: world.workers.began)
        await world.api.delete(PODS, world.workers.began[0][3], NAMESPACE)

        await world.finished()

        assert world.workers.attempts("a") == [1, 2]
        assert (await world.tasks())["a"]["losses"] == 1
        assert len(world.workers.workers) == 2


async def test_an_attempt_over_its_timeout_is_cancelled_and_fails() -> None:
    async with a_running_world(a_pool()) as world:
        world.workers.plan("a", Deed(seconds=None), Deed())
        await world.apply(a_flow(a_task("a", timeout_seconds=10, retry=a_retry(1))))

        status = await world.finished()

        assert status["state"] == "Succeeded"
        task = (await world.tasks())["a"]
        assert (task["failures"], task.get("losses", 0)) == (1, 0)


async def test_a_worker_that_will_not_stop_is_refused_its_result() -> None:
    async with a_running_world(a_pool()) as world:
        world.workers.plan("a", Deed(seconds=100, deaf=True))
        await world.apply(a_flow(a_task("a", timeout_seconds=10)))

        status = await world.finished()

        assert status["state"] == "Failed"
        assert (await world.tasks())["a"]["reason"] == "Timeout"


async def test_a_cancelled_workflow_stops_what_its_workers_do() -> None:
    async with a_running_world(a_pool()) as world:
        world.workers.plan("a", Deed(seconds=None))
        await world.apply(a_flow(a_task("a"), active_deadline_seconds=20))

        status = await world.finished()

        assert status["state"] in ("Failed", "Cancelled")
        assert not world.workers.ended


async def test_the_agents_concurrency_holds_in_a_pool_too() -> None:
    async with a_running_world(a_pool(concurrency=1)) as world:
        await world.apply(a_flow(a_task("each", count=3)))
        await world.until(lambda: world.workers.began)

        assert len(world.workers.began) == 1
        await world.finished()
        assert once(world.workers.began)


async def test_a_task_that_waits_for_a_worker_says_so() -> None:
    async with a_running_world(a_pool(replicas=0)) as world:
        world.workers.starting = 20.0
        await world.change("Agent", "worker", replicas=2)
        await world.apply(a_flow(a_task("a")))

        await world.until(lambda: world.task_now("a").get("reason") == "WorkerStarting")

        assert world.task_now("a")["message"] == "agent worker: 2 workers are starting"


async def test_a_task_of_a_pool_that_is_scaled_to_zero_says_so_until_it_is_scaled_up() -> None:
    async with a_running_world(a_pool(replicas=0)) as world:
        await world.apply(a_flow(a_task("a")))

        await world.until(lambda: world.task_now("a").get("reason") == "NoReplicas")

        text = "agent worker has spec.replicas 0: scale it up"
        assert world.task_now("a")["message"] == text
        status = (await world.agent())["status"]
        said = {each["type"]: (each["status"], each["reason"]) for each in status["conditions"]}
        assert said["ScalingActive"] == ("False", "NoReplicas")
        assert said["Healthy"] == ("True", "NoWorkers")
        await world.change("Agent", "worker", replicas=1)
        assert (await world.finished())["state"] == "Succeeded"


async def test_a_task_with_a_workspace_is_refused_by_a_pool() -> None:
    async with a_running_world(a_pool()) as world:
        task = a_task("a", workspace={"mountPath": "/workspace"})
        await world.apply(a_flow(task, workspace={"claimName": "mine"}))

        await world.finished()

        assert (await world.tasks())["a"]["reason"] == "WorkspaceInPool"


async def test_a_page_that_somebody_deletes_is_written_anew() -> None:
    async with a_running_world(a_pool(replicas=1)) as world:
        world.workers.plan("a", Deed(seconds=30))
        await world.apply(a_flow(a_task("a")))
        await world.until(lambda: world.workers.began)
        (page,) = await pages(world)
        name = page["metadata"]["name"]
        await world.api.patch(LEASES, name, {"metadata": {"finalizers": None}}, NAMESPACE)
        await world.api.delete(LEASES, name, NAMESPACE)

        await world.finished()

        assert world.workers.attempts("a") == [1]


async def test_a_claim_that_somebody_spoils_on_the_page_is_lost_and_done_again() -> None:
    async with a_running_world(a_pool(replicas=1)) as world:
        world.workers.plan("a", Deed(seconds=30))
        await world.apply(a_flow(a_task("a")))
        await world.until(lambda: world.workers.began)
        (page,) = await pages(world)
        (key,) = entries(page)
        spoilt = {"metadata": {"annotations": {key: "no claim"}}}
        await world.api.patch(LEASES, page["metadata"]["name"], spoilt, NAMESPACE)

        status = await world.finished()

        assert status["state"] == "Succeeded"
        assert world.workers.attempts("a") == [1, 2]


@pytest.mark.parametrize(
    "document", ['{"outputs": [1]}', '{"outputs": {"x": "' + "y" * 4000 + '"}}']
)
async def test_a_result_that_breaks_the_contract_fails_for_good(document: str) -> None:
    async with a_running_world(a_pool()) as world:
        world.workers.plan("a", Deed(outputs=json.loads(document)["outputs"]))
        await world.apply(a_flow(a_task("a", retry=a_retry(3))))

        status = await world.finished()

        assert status["state"] == "Failed"
        assert world.workers.attempts("a") == [1]


async def test_a_worker_that_fails_where_others_do_well_is_replaced() -> None:
    async with a_running_world(a_pool(slots=1)) as world:
        await world.until(lambda: len(world.workers.workers) == 2)
        broken = min(world.workers.workers)
        world.workers.broken.add(broken)
        await world.apply(a_flow(a_task("each", count=40, retry=a_retry(9))))

        status = await world.finished()

        assert status["state"] == "Succeeded"
        ended = [worker for *_, worker in world.workers.ended]
        assert ended.count(broken) == 5
        await world.until(lambda: broken not in world.workers.workers)
        await world.until(lambda: len(world.workers.workers) == 2)


async def test_a_worker_pod_that_cannot_be_read_disturbs_no_other() -> None:
    async with a_running_world(a_pool()) as world:
        await world.until(lambda: len(world.workers.workers) == 2)
        name = min(world.workers.workers)
        broken = {"status": {"phase": "Failed", "message": {"not": "text"}, "reason": 7}}
        await world.api.patch_status(PODS, name, broken["status"], NAMESPACE)
        await world.apply(a_flow(a_task("each", count=4)))

        status = await world.finished()

        assert status["state"] == "Succeeded"
