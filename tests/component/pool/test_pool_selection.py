"""Warm workers among those that may be chosen; one attempt is never a pod and a claim at once."""

from __future__ import annotations

from builders import pods
from builders.engine import World, a_running_world
from builders.kubelet import ok
from builders.specs import (
    NAMESPACE,
    a_choice,
    a_step,
    a_task,
    a_workflow,
)
from builders.workers import Deed, once
from component.engine.selection_cases import able, agents_of_pods, flow
from spectra_operator.api import constants as c
from spectra_operator.core.attempts.evidence import Attempt
from spectra_operator.core.pool.page import Claim, Page
from spectra_operator.core.pool.page_text import render_page
from spectra_operator.kube.resources import LEASES, PODS, Body


async def test_warm_workers_and_pods_share_what_both_can_do() -> None:
    pool = able("warm", mode="Pool", replicas=2, slots=2)
    async with a_running_world(pool, able("cold", concurrency=4)) as world:
        await world.during(10)
        await world.apply(flow(a_choice("each", count=8)))
        await world.finished()
        assert len(world.workers.ended) == 4
        assert once(world.workers.began)
        assert (await agents_of_pods(world))["cold"] == 4
        tasks = await world.tasks()
        assert tasks["each"]["selection"].startswith(f"{tasks['each']['agent']}: Balance")


async def test_the_reason_of_a_claim_survives_a_restart() -> None:
    async with a_running_world(able("warm", mode="Pool", replicas=1)) as world:
        await world.during(10)
        world.workers.plan("work", Deed(seconds=30))
        await world.apply(flow(a_choice()))
        await world.until(lambda: bool(world.workers.began))
        world.operator.kill()
        await world.start("another")
        await world.finished()
        task = (await world.tasks())["work"]
        assert (task["attempt"], task["selection"]) == (1, "warm: Balance, 0 of 1 busy")


async def test_a_pool_that_has_shrunk_to_zero_grows_for_a_task_that_may_choose_it() -> None:
    scaling = {"minReplicas": 0, "maxReplicas": 2}
    async with a_running_world(able("warm", mode="Pool", scaling=scaling)) as world:
        await world.apply(flow(a_choice("each", count=4)))
        assert (await world.finished())["state"] == "Succeeded"
        assert len(world.workers.ended) == 4


async def test_an_estimate_shares_the_items_among_all_agents_that_can_do_them() -> None:
    async with a_running_world(able("one", concurrency=2), able("two", concurrency=3)) as world:
        await world.apply(flow(a_choice("each", count=10, plan={"durationSeconds": 60})))
        await world.until(lambda: "eta" in world.status_now())
        assert world.status_now()["eta"] == "2m"


async def test_a_task_with_a_workspace_goes_to_a_pod_though_a_worker_is_free() -> None:
    async with a_running_world(able("warm", mode="Pool"), able("cold")) as world:
        await world.during(10)
        task = a_choice(workspace={})
        await world.apply(flow(task, workspace={"claimName": "shared"}))
        assert (await world.finished())["state"] == "Succeeded"
        assert (await world.tasks())["work"]["agent"] == "cold"


async def test_a_pod_that_a_deposed_leader_made_late_of_a_claim_is_deleted() -> None:
    async with a_running_world(able("warm", mode="Pool", replicas=1), able("cold")) as world:
        await world.apply(flow(a_choice("first")))
        await world.finished()
        (made,) = (p for p in await world.api.objects(PODS, NAMESPACE) if not is_worker(p))
        world.workers.plan("work", Deed(seconds=60))
        await world.apply(a_workflow([a_step("build", [a_task(agent="warm")])], name="next"))
        await world.until(lambda: bool(world.workers.began))
        (phase, attempt) = the_live_attempt(world)

        await world.api.create(PODS, double(made, phase, attempt))
        await world.during(20)

        names = [p["metadata"]["name"] for p in await world.api.objects(PODS, NAMESPACE)]
        assert attempt.pod not in names
        await world.finished("next")
        assert (await world.tasks(workflow="next"))["work"]["attempt"] == 1
        assert once(world.workers.began)


async def test_a_claim_that_a_deposed_leader_gave_late_of_a_pod_is_taken_back() -> None:
    async with a_running_world(able("warm", mode="Pool", replicas=1), able("cold")) as world:
        await world.apply(
            a_workflow([a_step("build", [a_task("first", agent="warm")])], name="one")
        )
        await world.finished("one")
        world.kubelet.plan("work", ok(seconds=60))
        await world.apply(a_workflow([a_step("build", [a_task(agent="cold")])]))
        await world.until(lambda: world.task_now("work").get("state") == "Running")
        (phase, attempt) = the_live_attempt(world)
        (lease,) = (b for b in await world.api.objects(LEASES, NAMESPACE) if is_worker(b))
        name = lease["metadata"]["name"]

        await world.api.patch(
            LEASES, name, {"metadata": {"annotations": late(phase, attempt)}}, NAMESPACE
        )
        await world.during(20)

        kept = (await world.api.get(LEASES, name, NAMESPACE))["metadata"]["annotations"]
        assert not [key for key in kept if key.startswith(c.CLAIM_PREFIX)]
        assert (await world.finished())["state"] == "Succeeded"
        task = (await world.tasks())["work"]
        assert (task["agent"], task["attempt"]) == ("cold", 1)


def is_worker(body: Body) -> bool:
    return c.LABEL_WORKER in body["metadata"].get("labels", {})


def the_live_attempt(world: World) -> tuple[str, Attempt]:
    """The name of the only phase with a live attempt, and that attempt."""
    attempts = world.operator.parts.attempts
    ((phase, attempt),) = (
        (key.name, one) for key in attempts.phases() for one in attempts.of(key) if one.live
    )
    return phase, attempt


def double(made: Body, phase: str, attempt: Attempt) -> Body:
    """A pod as the operator makes them, for an attempt."""
    meta = made["metadata"]
    labels = meta["labels"] | {c.LABEL_TASK: attempt.task, c.LABEL_PHASE_UID: attempt.phase_uid}
    owner = meta["ownerReferences"][0] | {"name": phase, "uid": attempt.phase_uid}
    labels.pop(c.LABEL_RECORDED, None)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": attempt.pod,
            "namespace": NAMESPACE,
            "labels": labels,
            "finalizers": [c.RESULT_FINALIZER],
            "ownerReferences": [owner],
        },
        "spec": made["spec"],
    }


def late(phase: str, attempt: Attempt) -> dict[str, str]:
    """What a page says of a claim of an attempt."""
    claim = Claim(
        id=attempt.pod,
        phase=phase,
        phase_uid=attempt.phase_uid,
        task=attempt.task,
        index=attempt.index,
        number=attempt.number,
        epoch=1,
        instance="late",
        at=pods.at(0),
    )
    return render_page(Page(claims={claim.id: claim}))
