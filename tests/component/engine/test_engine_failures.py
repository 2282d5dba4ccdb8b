"""What happens when tasks fail, are lost, hang, or can never start."""

from __future__ import annotations

import pytest

from builders.engine import World
from builders.fake_api.faults import Match, Refuse
from builders.kubelet import (
    Fate,
    evicted,
    fails,
    hangs,
    ok,
    oom,
    refused,
    says,
    stuck,
    unschedulable,
)
from builders.specs import a_chain, a_retry, a_step, a_task, a_workflow


async def test_a_failed_task_is_retried_after_its_backoff(world: World) -> None:
    world.kubelet.plan("work", fails(), fails(), ok({"n": 1}))
    retry = a_retry(limit=2, seconds=40)
    await world.apply(a_workflow([a_step("build", [a_task(retry=retry)])]))
    await world.until(lambda: world.task_now("work").get("state") == "Backoff")
    shown = world.task_now("work")
    assert (shown["failures"], shown["reason"], "notBefore" in shown) == (1, "Error", True)
    await world.until(lambda: world.kubelet.attempts("work") == [1, 2])
    assert 21 <= world.clock.monotonic() <= 41  # 40 s times a jitter from 0.5 to 1
    status = await world.finished()
    assert status["state"] == "Succeeded"
    assert world.kubelet.attempts("work") == [1, 2, 3]
    task = (await world.tasks())["work"]
    assert (task["attempt"], task["failures"], task["outputs"]) == (3, 2, '{"n":1}')


async def test_a_task_that_fails_more_often_than_its_limit_fails_the_workflow(world: World) -> None:
    world.kubelet.plan("work", fails(), fails(3, "no more disk"))
    await world.apply(a_workflow([a_step("build", [a_task(retry=a_retry(limit=1))])]))
    status = await world.finished()
    assert (status["state"], status["reason"]) == ("Failed", "PhaseFailed")
    assert "task work failed: Error: exit code 3: no more disk" in status["message"]
    assert world.kubelet.attempts("work") == [1, 2]


@pytest.mark.parametrize("fate", [evicted(), refused()], ids=["evicted", "refused by the kubelet"])
async def test_a_loss_costs_no_failure_and_the_task_runs_again(world: World, fate: Fate) -> None:
    world.kubelet.plan("work", fate, ok())
    await world.apply(a_workflow())
    assert (await world.finished())["state"] == "Succeeded"
    task = (await world.tasks())["work"]
    assert (task["losses"], task.get("failures", 0), task["attempt"]) == (1, 0, 2)


async def test_too_many_losses_fail_the_task(world: World) -> None:
    world.kubelet.plan("work", evicted(), evicted(), evicted())
    await world.apply(a_workflow([a_step("build", [a_task(retry=a_retry(losses=2))])]))
    assert (await world.finished())["state"] == "Failed"
    task = (await world.tasks())["work"]
    assert (task["reason"], task["losses"]) == ("LossLimitExceeded", 3)


async def test_a_task_killed_for_its_memory_fails_with_that_reason(world: World) -> None:
    world.kubelet.plan("work", oom())
    await world.apply(a_workflow())
    await world.finished()
    assert (await world.tasks())["work"]["reason"] == "OOMKilled"


async def test_a_task_that_runs_too_long_is_stopped_and_counts_as_failed(world: World) -> None:
    world.kubelet.plan("work", hangs(), ok())
    task = a_task(timeout_seconds=5, retry=a_retry(limit=1))
    await world.apply(a_workflow([a_step("build", [task])]))
    await world.until(lambda: world.task_now("work").get("failures"))
    assert world.task_now("work")["reason"] == "Timeout"
    assert 6 <= world.clock.monotonic() <= 9  # the timeout, a second of grain, the kill
    assert (await world.finished())["state"] == "Succeeded"


@pytest.mark.parametrize(
    ("fate", "why"),
    [(stuck(), "ImagePullBackOff"), (unschedulable(), "Unschedulable")],
    ids=["image cannot be pulled", "no node"],
)
async def test_a_pod_that_never_starts_says_why_and_fails_after_its_pending_timeout(
    world: World, fate: Fate, why: str
) -> None:
    world.kubelet.plan("work", fate)
    await world.apply(a_workflow([a_step("build", [a_task(pending_timeout_seconds=20)])]))
    await world.until(lambda: world.task_now("work").get("reason") == why)
    assert world.task_now("work")["state"] == "Running"
    assert (await world.finished())["state"] == "Failed"
    assert (await world.tasks())["work"]["reason"] == "PendingTimeout"
    assert 20 <= world.clock.monotonic() <= 25


async def test_under_fail_nothing_new_starts_and_what_runs_finishes(world: World) -> None:
    world.kubelet.plan("bad", fails())
    world.kubelet.plan("long", ok(seconds=30))
    tasks = [a_task("bad"), a_task("long"), a_task("after", depends_on=["long"])]
    steps = [a_step("build", tasks), a_step("ship", [a_task("s")], depends_on=["build"])]
    await world.apply(a_workflow(steps))
    status = await world.finished()
    assert status["state"] == "Failed"
    assert sorted(world.kubelet.tasks()) == ["bad", "long"]
    states = {name: task["state"] for name, task in (await world.tasks()).items()}
    assert states == {"bad": "Failed", "long": "Succeeded", "after": "Skipped"}
    assert [p["state"] for p in status["phases"]] == ["Failed", "Skipped"]


async def test_under_continue_only_the_dependents_are_skipped(world: World) -> None:
    world.kubelet.plan("bad", fails())
    tasks = [a_task("bad"), a_task("child", depends_on=["bad"]), *a_chain("x", "y")]
    steps = [
        a_step("build", tasks),
        a_step("ship", [a_task("s")], depends_on=["build"]),
        a_step("other", [a_task("o")]),
    ]
    await world.apply(a_workflow(steps, failure_policy="Continue"))
    status = await world.finished()
    assert status["state"] == "Failed"
    assert sorted(world.kubelet.tasks()) == ["bad", "o", "x", "y"]
    assert [p["state"] for p in status["phases"]] == ["Failed", "Skipped", "Succeeded"]
    assert (await world.tasks())["child"]["reason"] == "DependencyFailed"


async def test_a_failure_that_is_allowed_fails_nothing_and_its_outputs_are_null(
    world: World,
) -> None:
    world.kubelet.plan("probe", fails())
    use = a_task("use", depends_on=["probe"], input={"found": "${tasks.probe.outputs}"})
    tasks = [a_task("probe", allow_failure=True), use]
    await world.apply(a_workflow([a_step("build", tasks)]))
    assert (await world.finished())["state"] == "Succeeded"
    assert world.kubelet.inputs["use", 0, 1] == {"found": None}


async def test_an_output_that_is_missing_fails_the_task_and_names_the_path(world: World) -> None:
    world.kubelet.plan("count", ok({"rows": 3}))
    use = a_task("use", depends_on=["count"], input={"n": "${tasks.count.outputs.lines}"})
    await world.apply(a_workflow([a_step("build", [a_task("count"), use])]))
    assert (await world.finished())["state"] == "Failed"
    task = (await world.tasks())["use"]
    assert task["reason"] == "InputNotFound"
    assert "tasks.count.outputs.lines" in task["message"]
    assert world.kubelet.tasks() == ["count"]


async def test_an_output_missing_from_an_earlier_phase_fails_the_workflow_and_names_the_path(
    world: World,
) -> None:
    later = a_task("use", input={"n": "${phases.first.outputs.work.rows}"})
    steps = [a_step("first"), a_step("second", [later], depends_on=["first"])]
    await world.apply(a_workflow(steps))
    status = await world.finished()
    assert status["state"] == "Failed"
    assert "phases.first.outputs.work.rows" in status["message"]


async def test_a_result_that_was_cut_off_fails_the_task_for_good(world: World) -> None:
    world.kubelet.plan("work", says('"rows": 3' + " " * 4087 + "}"))
    await world.apply(a_workflow([a_step("build", [a_task(retry=a_retry(limit=5))])]))
    assert (await world.finished())["state"] == "Failed"
    assert world.kubelet.attempts("work") == [1]


async def test_a_pod_that_the_server_calls_invalid_fails_the_task(world: World) -> None:
    text = 'Pod "x" is invalid: spec.containers[0].image: Invalid value'
    world.api.fault(Match("create", "pods"), Refuse(422, "Invalid", text))
    await world.apply(a_workflow([a_step("build", [a_task(retry=a_retry(limit=3))])]))
    status = await world.finished()
    assert status["state"] == "Failed"
    task = (await world.tasks())["work"]
    assert task["reason"] == "InvalidPod"
    assert "spec.containers[0].image" in task["message"]
    assert world.api.count("create", "pods") == 1


async def test_items_of_a_fan_out_fail_and_retry_on_their_own(world: World) -> None:
    world.kubelet.plan("shard", fails(), ok(), index=1)
    task = a_task("shard", count=3, retry=a_retry(limit=1))
    await world.apply(a_workflow([a_step("build", [task])]))
    assert (await world.finished())["state"] == "Succeeded"
    births = [(b.index, b.number) for b in world.kubelet.births]
    assert births == [(0, 1), (1, 1), (2, 1), (1, 2)]


async def test_a_phase_that_the_server_refuses_as_invalid_fails_the_workflow(world: World) -> None:
    world.api.fault(Match("create", "phases"), Refuse(422, "Invalid", "spec.tasks: Too long"))
    await world.apply(a_workflow())
    status = await world.finished()
    assert (status["state"], "spec.tasks: Too long" in status["message"]) == ("Failed", True)


async def test_a_phase_that_is_refused_for_now_is_tried_again_ever_more_slowly(
    world: World,
) -> None:
    refusal = Refuse(403, "Forbidden", 'phases "x" is forbidden: exceeded quota: few')
    world.api.fault(Match("create", "phases"), refusal, times=11)
    await world.apply(a_workflow())
    await world.until(lambda: "exceeded quota" in str(world.status_now().get("phases")))
    assert (await world.finished())["state"] == "Succeeded"
    assert world.api.count("create", "phases") == 12
    assert world.clock.monotonic() > 20  # each pause is twice as long as the one before


async def test_a_stop_that_was_refused_is_asked_for_again(world: World) -> None:
    world.kubelet.plan("work", hangs())
    world.api.fault(Match("delete", "pods"), Refuse(403, "Forbidden"), times=2)
    await world.apply(a_workflow([a_step("build", [a_task(timeout_seconds=5)])]))
    assert (await world.finished())["state"] == "Failed"
    assert (await world.tasks())["work"]["reason"] == "Timeout"
    assert world.api.count("delete", "pods") == 3
    assert 65 <= world.clock.monotonic() <= 75  # twice half a minute after the timeout
