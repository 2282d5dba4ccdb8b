"""Suspending, deadlines, specs that cannot work, agents that come and change, what is told."""

from __future__ import annotations

import pytest

from builders.engine import World, a_running_world, a_world
from builders.kubelet import fails, hangs, ok
from builders.specs import (
    Body,
    a_chain,
    a_phase,
    a_retry,
    a_step,
    a_task,
    a_workflow,
    an_agent,
)
from spectra_operator.api import constants as c
from spectra_operator.kube.resources import CONTROLLER_REVISIONS, EVENTS


async def test_a_suspended_workflow_starts_nothing_new_and_goes_on_when_resumed(
    world: World,
) -> None:
    world.kubelet.plan("a", ok(seconds=5))
    await world.apply(a_workflow([a_step("build", a_chain("a", "b"))]))
    await world.until(lambda: world.kubelet.tasks() == ["a"])
    await world.change("Workflow", "flow", suspend=True)
    await world.until(lambda: world.task_now("a").get("state") == "Succeeded")
    await world.during(60)
    assert world.status_now()["state"] == "Suspended"
    assert world.task_now("b")["reason"] == "Suspended"
    assert world.kubelet.tasks() == ["a"]
    await world.change("Workflow", "flow", suspend=False)
    await world.until(lambda: world.kubelet.tasks() == ["a", "b"])
    assert (await world.finished())["state"] == "Succeeded"


async def test_a_workflow_born_suspended_creates_no_phase_until_it_is_resumed(
    world: World,
) -> None:
    await world.apply(a_workflow(suspend=True))
    await world.during(10)
    assert await world.phases() == {}
    assert world.status_now()["state"] == "Suspended"
    await world.change("Workflow", "flow", suspend=False)
    assert (await world.finished())["state"] == "Succeeded"


async def test_a_phase_that_stands_alone_can_be_suspended(world: World) -> None:
    await world.apply(a_phase(suspend=True))
    await world.during(10)
    assert world.kubelet.births == []
    await world.change("Phase", "stage", suspend=False)
    assert (await world.phase_finished())["state"] == "Succeeded"


async def test_a_deadline_stops_what_runs_and_fails_the_workflow(world: World) -> None:
    world.kubelet.plan("a", hangs())
    steps = [a_step("build", a_chain("a", "b")), a_step("ship", depends_on=["build"])]
    await world.apply(a_workflow(steps, active_deadline_seconds=30))
    status = await world.finished()
    assert (status["state"], status["reason"]) == ("Failed", "DeadlineExceeded")
    assert 30 <= world.clock.monotonic() <= 33
    states = {name: task["state"] for name, task in (await world.tasks()).items()}
    assert states == {"a": "Cancelled", "b": "Cancelled"}
    assert [p["state"] for p in status["phases"]] == ["Failed", "Cancelled"]


async def test_the_deadline_of_a_phase_counts_from_when_it_was_taken_up(world: World) -> None:
    world.kubelet.plan("work", hangs())
    await world.apply(a_phase(active_deadline_seconds=10))
    status = await world.phase_finished()
    assert (status["state"], status["reason"]) == ("Failed", "DeadlineExceeded")
    assert 10 <= world.clock.monotonic() <= 12
    assert status["startedAt"] == "2026-01-01T00:00:00Z"


REJECTED = [
    (
        a_workflow([a_step("x", [a_task("a", depends_on=["b"]), a_task("b", depends_on=["a"])])]),
        "spec.phases[x].tasks",
    ),
    (a_workflow([a_step("x", [a_task("a", depends_on=["gone"])])]), "spec.phases[x].tasks[a]"),
    (a_workflow([a_step("x", depends_on=["gone"])]), "spec.phases[x].dependsOn"),
    (
        a_workflow([a_step("x", [a_task("a", input={"n": "${parameters.gone}"})])]),
        "spec.phases[x].tasks[a].input",
    ),
    (a_workflow([a_step("x", [a_task("a", count=0)])]), "spec.phases[x].tasks[a].count"),
]


@pytest.mark.parametrize(
    ("workflow", "field"),
    REJECTED,
    ids=["cycle", "unknown task", "unknown phase", "unknown parameter", "out of range"],
)
async def test_a_spec_that_can_never_work_is_rejected_and_the_field_named(
    world: World, workflow: Body, field: str
) -> None:
    await world.apply(workflow)
    status = await world.finished()
    assert status["state"] == "Rejected"
    assert field in status["message"]
    assert await world.phases() == {}
    await world.until(lambda: not world.operator.memory())


async def test_a_poison_object_degrades_itself_alone(world: World) -> None:
    poison = a_workflow(name="poison") | {"spec": {"phases": 7}}
    await world.apply(poison, a_workflow())
    assert (await world.finished())["state"] == "Succeeded"
    assert (await world.finished("poison"))["state"] == "Rejected"
    assert world.operator.failed_passes() == 0


async def test_a_workflow_waits_for_an_agent_that_is_missing_and_starts_when_it_comes() -> None:
    async with a_world() as world:
        await world.start()
        await world.apply(a_workflow())
        await world.during(5)
        shown = world.status_now()
        assert (shown["state"], shown["reason"]) == ("Pending", "AgentNotFound")
        assert shown["message"].endswith(": worker")
        await world.apply(an_agent())
        assert (await world.finished())["state"] == "Succeeded"


async def test_a_task_whose_agent_was_deleted_waits_for_it_and_says_so(world: World) -> None:
    world.kubelet.plan("a", ok(seconds=5))
    await world.apply(a_workflow([a_step("build", a_chain("a", "b"))]))
    await world.until(lambda: world.kubelet.tasks() == ["a"])
    await world.delete("Agent", "worker")
    await world.until(lambda: world.task_now("b").get("reason") == "AgentNotFound")
    await world.apply(an_agent())
    assert (await world.finished())["state"] == "Succeeded"


async def test_an_invalid_agent_blocks_its_tasks_with_the_field_named(world: World) -> None:
    await world.change("Agent", "worker", concurrency=0)
    await world.apply(a_workflow())
    await world.until(lambda: world.task_now("work").get("reason") == "InvalidAgent")
    assert "spec.concurrency" in world.task_now("work")["message"]
    await world.change("Agent", "worker", concurrency=1)
    assert (await world.finished())["state"] == "Succeeded"


async def test_later_attempts_use_a_changed_template_and_earlier_ones_keep_theirs(
    world: World,
) -> None:
    world.kubelet.plan("a", fails(seconds=5), ok())
    world.kubelet.plan("long", ok(seconds=60))
    tasks = [a_task("a", retry=a_retry(limit=1)), a_task("long")]
    await world.apply(a_workflow([a_step("build", tasks)]))
    await world.until(lambda: len(world.kubelet.births) == 2)
    await world.change("Agent", "worker", template={"image": "example/worker:2"})
    await world.finished()
    images = {
        (task, number): pod["spec"]["containers"][0]["image"]
        for (task, _, number), pod in world.kubelet.pods.items()
    }
    assert images == {
        ("a", 1): "example/worker:1",
        ("a", 2): "example/worker:2",
        ("long", 1): "example/worker:1",
    }
    shown = await world.tasks()
    revisions = [
        world.kubelet.pods[key]["metadata"]["labels"][c.LABEL_REVISION]
        for key in (("a", 0, 2), ("long", 0, 1))
    ]
    assert [shown["a"]["revision"], shown["long"]["revision"]] == revisions
    assert revisions[0] != revisions[1]
    stored = await world.api.objects(CONTROLLER_REVISIONS)
    assert {r["metadata"]["labels"][c.LABEL_REVISION] for r in stored} == set(revisions)


async def test_revisions_beyond_the_history_are_deleted_oldest_first(world: World) -> None:
    for number in range(2, 15):
        await world.change("Agent", "worker", template={"image": f"example/worker:{number}"})
        await world.settle()
    stored = await world.api.objects(CONTROLLER_REVISIONS)
    kept = sorted(r["revision"] for r in stored)
    assert kept == list(range(4, 15))  # ten, and the oldest that history could go back to


async def test_an_agents_status_counts_what_its_attempts_did(world: World) -> None:
    world.kubelet.plan("a", fails(), ok(usage={"inputTokens": 7, "cost": "0.5"}))
    tasks = [a_task("a", retry=a_retry(limit=1)), a_task("b")]
    await world.apply(a_workflow([a_step("build", tasks)]))
    await world.finished()
    await world.during(10)
    shown = (await world.agent())["status"]
    assert (shown["succeeded"], shown["failed"], shown["successRatio"]) == (2, 1, "66.7%")
    assert (shown.get("busy", 0), shown.get("queued", 0)) == (0, 0)
    assert shown["usage"] == {"inputTokens": 7, "outputTokens": 0, "cost": "0.5"}
    assert shown["conditions"][0]["status"] == "True"


async def test_an_agents_status_shows_its_load_while_it_works() -> None:
    async with a_running_world(an_agent(concurrency=2)) as world:
        for index in range(5):
            world.kubelet.plan("shard", ok(seconds=30), index=index)
        await world.apply(a_workflow([a_step("build", [a_task("shard", count=5)])]))
        await world.during(10)
        shown = (await world.agent())["status"]
        assert (shown["busy"], shown["queued"]) == (2, 3)


async def test_a_run_tells_its_story_once(world: World) -> None:
    world.kubelet.plan("work", fails(2), ok())
    await world.apply(a_workflow([a_step("build", [a_task(retry=a_retry(limit=1))])]))
    await world.finished()
    told = await world.events("flow")
    assert [reason for reason, _ in told] == ["Started", "Succeeded"]
    phase = (await world.status())["phases"][0]["objectName"]
    reasons = [reason for reason, _ in await world.events(phase)]
    assert reasons.count("Retrying") == 1
    assert len(reasons) == len(set(reasons))


async def test_the_same_words_about_an_object_become_one_event_with_a_count(world: World) -> None:
    await world.apply(a_workflow(suspend=True))
    for suspended in (False, True, False, True):
        await world.until(lambda: world.status_now().get("conditions"))
        await world.during(3)
        await world.change("Workflow", "flow", suspend=suspended)
        world.kubelet.plan("work", hangs())
        await world.during(3)
    found = await world.api.objects(EVENTS)
    suspended_told = [e["count"] for e in found if e["reason"] == "Suspended"]
    assert sorted(suspended_told) == [1, 2]  # applied so once, changed so twice
