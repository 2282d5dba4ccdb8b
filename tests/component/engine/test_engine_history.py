"""What is finished goes: by its time, by limits, and pods by their phase's policy."""

from __future__ import annotations

from typing import Any

from builders.engine import World
from builders.fake_api.faults import HoldAnswer, Match, Refuse
from builders.kubelet import fails
from builders.schedules import runs, times
from builders.specs import NAMESPACE, Body, a_phase, a_schedule, a_step, a_task, a_workflow
from spectra_operator.api import constants as c
from spectra_operator.engine.keys import RESOURCES, SCHEDULES, WORKFLOWS
from spectra_operator.kube.resources import PODS

MINUTE = 60.0
LATER: Body = {"metadata": {"annotations": {c.ANNOTATION_EXPIRES: "2026-01-01T01:00:00Z"}}}


def names(world: World, kind: str = "Workflow") -> list[str]:
    found = world.api._store.all(RESOURCES[kind], NAMESPACE)
    return sorted(body["metadata"]["name"] for body in found)


def pods(world: World) -> list[str]:
    found = world.api._store.all(PODS, NAMESPACE)
    return sorted(pod["metadata"]["labels"][c.LABEL_TASK] for pod in found)


def meta(world: World, name: str = "flow") -> dict[str, Any]:
    body = world.peek(WORKFLOWS, name)
    assert body is not None
    found: dict[str, Any] = body["metadata"]
    return found


async def test_a_finished_workflow_says_how_it_ended_and_when_it_goes(world: World) -> None:
    await world.apply(a_workflow(ttl_seconds_after_finished=100), a_workflow(name="stays"))
    status = await world.finished()
    await world.finished("stays")
    labels = meta(world)["labels"]
    assert labels[c.LABEL_STATE] == status["state"] == "Succeeded"
    assert labels[c.LABEL_EXPIRES] == "true"
    assert c.ANNOTATION_EXPIRES in meta(world)["annotations"]
    assert c.LABEL_EXPIRES not in meta(world, "stays")["labels"]
    assert c.ANNOTATION_EXPIRES not in (meta(world, "stays").get("annotations") or {})


async def test_a_workflow_is_deleted_when_its_time_has_come_and_not_before(world: World) -> None:
    await world.apply(a_workflow(ttl_seconds_after_finished=100), a_workflow(name="stays"))
    await world.finished()
    await world.during(98)
    assert names(world) == ["flow", "stays"]
    await world.during(4)
    assert names(world) == ["stays"]
    assert names(world, "Phase") == [n for n in names(world, "Phase") if n.startswith("stays")]


async def test_a_phase_that_stands_alone_is_deleted_when_its_time_has_come(world: World) -> None:
    await world.apply(a_phase(ttl_seconds_after_finished=0))
    await world.until(lambda: names(world, "Phase") == [])


async def test_without_a_time_to_go_nothing_is_kept_in_memory(world: World) -> None:
    await world.apply(a_workflow(name="stays"), a_workflow(ttl_seconds_after_finished=600))
    await world.finished("stays")
    await world.finished()
    await world.until(lambda: world.operator.memory() == {"expiring": 1})


async def test_a_workflow_that_was_reopened_and_finished_again_later_is_not_deleted(
    world: World,
) -> None:
    await world.apply(a_workflow(ttl_seconds_after_finished=20))
    await world.finished()
    read = HoldAnswer()
    world.api.fault(Match(verb="get", plural="workflows", name="flow"), read)
    await world.during(22)
    await read.reached()  # the deletion was decided on the object as it was
    await world.api.patch(WORKFLOWS, "flow", LATER, NAMESPACE)
    read.release()
    await world.until(lambda: world.api.count(verb="delete", plural="workflows") == 1)
    await world.during(5)
    assert names(world) == ["flow"]


async def test_another_workflow_of_the_same_name_is_not_deleted(world: World) -> None:
    await world.apply(a_workflow(ttl_seconds_after_finished=50))
    await world.finished()
    await world.delete("Workflow", "flow")
    await world.apply(a_workflow())
    await world.finished()
    await world.during(2 * MINUTE)
    assert names(world) == ["flow"]


async def test_a_new_leader_finds_what_finished_before_by_its_metadata_alone(
    world: World,
) -> None:
    await world.apply(a_workflow(ttl_seconds_after_finished=100))
    await world.finished()
    world.operator.kill()
    await world.start()
    await world.until(lambda: len(world.operator.engine.history) == 1)
    await world.during(2 * MINUTE)
    assert names(world) == []


async def test_a_deletion_that_is_refused_is_tried_again(world: World) -> None:
    refusal = Refuse(403, "Forbidden", "not now")
    world.api.fault(Match(verb="delete", plural="workflows"), refusal)
    await world.apply(a_workflow(ttl_seconds_after_finished=10))
    await world.finished()
    await world.during(30)
    assert names(world) == ["flow"]
    await world.during(60)
    assert names(world) == []


async def test_a_schedule_keeps_its_last_runs_by_how_they_ended(world: World) -> None:
    await world.apply(a_schedule("* * * * *", successful_runs_history_limit=2))
    await world.during(5.5 * MINUTE)
    assert times(world) == ["00:04", "00:05"]


async def test_failed_runs_have_a_limit_of_their_own(world: World) -> None:
    world.kubelet.plan("work", fails())
    await world.apply(a_schedule("* * * * *"))
    await world.during(3.5 * MINUTE)
    assert times(world) == ["00:03"]
    assert [run["status"]["state"] for run in runs(world)] == ["Failed"]


async def test_a_lower_limit_holds_at_once(world: World) -> None:
    await world.apply(a_schedule("* * * * *"))
    await world.during(3.5 * MINUTE)
    assert len(times(world)) == 3
    await world.change("Schedule", "nightly", successfulRunsHistoryLimit=1)
    await world.during(5)
    assert times(world) == ["00:03"]


async def test_a_run_that_its_schedules_status_does_not_tell_of_stays(world: World) -> None:
    refusal = Refuse(500, "InternalError", "no status today")
    world.api.fault(Match(verb="update", plural="schedules"), refusal, times=1000)
    await world.apply(a_schedule(successful_runs_history_limit=0))
    await world.during(6 * MINUTE)
    assert times(world) == ["00:05"]

    world.api.clear_faults()
    await world.during(6 * MINUTE)
    assert times(world) == []
    schedule = world.peek(SCHEDULES, "nightly")
    assert schedule is not None
    assert schedule["status"]["missed"] == 0


def _a_cleaned_step(policy: str, **fields: Any) -> Body:
    steps = [a_step("build", [a_task("good"), a_task("bad")])]
    cleanup = {"policy": policy, "afterSeconds": 90}
    return a_workflow(steps, pod_cleanup=cleanup, failure_policy="Continue", **fields)


async def test_pods_stay_as_long_as_their_workflow_if_nothing_is_said(world: World) -> None:
    await world.apply(a_workflow())
    await world.finished()
    await world.during(10 * MINUTE)
    assert pods(world) == ["work"]


async def test_pods_of_ended_attempts_are_deleted_after_a_while(world: World) -> None:
    world.kubelet.plan("bad", fails())
    await world.apply(_a_cleaned_step("OnEnd"))
    await world.finished()
    await world.during(80)
    assert pods(world) == ["bad", "good"]
    await world.during(20)
    assert pods(world) == []
    counts = (await world.status())["counts"]
    assert (counts["succeeded"], counts["failed"]) == (1, 1)


async def test_with_on_success_the_pods_of_failures_stay(world: World) -> None:
    world.kubelet.plan("bad", fails())
    await world.apply(_a_cleaned_step("OnSuccess"))
    await world.finished()
    await world.during(5 * MINUTE)
    assert pods(world) == ["bad"]


async def test_a_pod_is_deleted_while_its_workflow_goes_on_and_is_not_run_again(
    world: World,
) -> None:
    steps = [a_step("first"), a_step("second", [a_task("late")], depends_on=["first"])]
    cleanup = {"policy": "OnEnd", "afterSeconds": 60}
    await world.apply(a_workflow(steps, pod_cleanup=cleanup, suspend=True))
    await world.change("Workflow", "flow", suspend=False)
    await world.finished()
    await world.during(2 * MINUTE)
    assert pods(world) == []
    assert world.kubelet.tasks() == ["work", "late"]


async def test_a_new_leader_deletes_the_pods_that_were_recorded_before(world: World) -> None:
    await world.apply(a_workflow(pod_cleanup={"policy": "OnEnd"}))
    await world.finished()
    world.operator.kill()
    await world.start()
    await world.during(2 * MINUTE)
    assert pods(world) == []
