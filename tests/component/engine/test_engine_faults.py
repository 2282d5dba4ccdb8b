"""Whatever goes wrong between the engine and the API server, the run comes to the same end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from builders.campaign import check_history, end_state, plan_fates, the_workflow
from builders.engine import World, a_running_world
from builders.fake_api.faults import (
    CommitThenCut,
    CommitThenFail,
    CutBefore,
    Fault,
    HoldRequest,
    Match,
    Refuse,
)
from builders.kubelet import hangs, ok
from builders.replica_calls import Every, Of
from builders.specs import NAMESPACE, a_chain, a_retry, a_step, a_task, a_workflow
from spectra_operator.engine.keys import PHASES, WORKFLOWS
from spectra_operator.kube.resources import PODS

_EXPECTED: list[Any] = []


@pytest.fixture
async def expected() -> Any:
    """What the scenario comes to when nothing goes wrong."""
    if not _EXPECTED:
        async with a_running_world() as world:
            await _run(world)
            _EXPECTED.append(await end_state(world))
    return _EXPECTED[0]


async def _run(world: World) -> None:
    plan_fates(world)
    await world.apply(the_workflow())
    await _ends(world)


async def _ends(world: World) -> None:
    await world.finished(seconds=900)
    await world.until(lambda: not world.operator.memory())
    check_history(world)


WRITES = [
    Match("create", "pods"),
    Match("create", "phases"),
    Match("update", "phases", subresource="status"),
    Match("update", "workflows", subresource="status"),
    Match("patch", "pods"),
    Match("patch", "phases", subresource=""),
    Match("patch", "workflows", subresource=""),
    Match("update", "agents", subresource="status"),
    Match("create", "events"),
]
FAULTS: dict[str, Callable[[], Fault]] = {
    "the answer is lost": CommitThenCut,
    "committed, yet answered 500": CommitThenFail,
    "cut before the commit": CutBefore,
    "answered 500": lambda: Refuse(500, "InternalError"),
    "answered 429": lambda: Refuse(429, "TooManyRequests", retry_after=2),
}


def _name(match: Match) -> str:
    return f"{match.verb} {match.plural}" + (f"/{match.subresource}" if match.subresource else "")


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
@pytest.mark.parametrize("match", WRITES, ids=_name)
async def test_a_write_that_goes_wrong_changes_nothing_about_the_end(
    world: World, expected: Any, match: Match, fault: Callable[[], Fault]
) -> None:
    world.api.fault(match, fault(), times=3)
    await _run(world)
    assert await end_state(world) == expected


async def test_every_single_answer_may_be_lost_once(world: World, expected: Any) -> None:
    seen: set[tuple[str, str, str]] = set()

    def first_time(call: Any) -> bool:
        key = (call.verb, call.plural, call.name)
        is_write = call.verb in ("create", "update", "patch", "delete") and call.plural != "leases"
        if not is_write or key in seen:
            return False
        seen.add(key)
        return True

    matching: Any = first_time
    world.api.fault(matching, CommitThenCut(), times=10_000)
    await _run(world)
    assert await end_state(world) == expected
    assert len(seen) > 25


def _expire(world: World) -> None:
    world.api.compact()
    world.api.drop_watches()


CUTS: dict[str, Callable[[World], Callable[[], None]]] = {
    "cut": lambda world: world.api.drop_watches,
    "cut in the middle of an event": lambda world: world.api.drop_watches_in_mid_line,
    "closed in order": lambda world: world.api.end_watches,
    "expired": lambda world: lambda: _expire(world),
}


@pytest.mark.parametrize("nth", [1, 3, 7])
@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS.keys())
async def test_watches_may_end_at_any_moment(
    world: World, expected: Any, cut: Callable[[World], Callable[[], None]], nth: int
) -> None:
    with Every(world, nth, cut(world)) as trouble:
        await _run(world)
    assert trouble.times >= 5
    assert await end_state(world) == expected


async def test_a_deletion_that_no_watch_reported_is_found_all_the_same(world: World) -> None:
    world.kubelet.plan("work", hangs())
    await world.apply(a_workflow())
    await world.until(lambda: world.kubelet.births)
    await world.settle()
    async with world.api.silent_watches():
        await world.delete("Workflow", "flow")
        world.api.compact()
        world.api.drop_watches(WORKFLOWS)
        world.api.drop_watches(PHASES)
        world.api.drop_watches(PODS)
    await world.until(lambda: not world.api._store.all(PODS), seconds=320)  # resync is at 300
    await world.until(lambda: not world.operator.memory())


async def test_an_edit_of_the_spec_between_two_status_writes_loses_nothing(
    world: World, expected: Any
) -> None:
    edits: list[asyncio.Task[None]] = []

    def edit() -> None:
        if world.peek(WORKFLOWS, "flow") and not world.is_finished():
            change = world.change("Workflow", "flow", priority=len(edits))
            edits.append(asyncio.get_running_loop().create_task(change))

    with Every(world, 4, edit):
        await _run(world)
    await asyncio.gather(*edits)
    assert len(edits) > 10
    conflicts = [e for e in world.api.log if e.status == 409 and e.call.verb == "update"]
    assert conflicts  # else this test tests nothing
    assert await end_state(world) == expected


async def test_somebody_who_edits_a_phases_labels_all_the_time_stops_nothing(
    world: World, expected: Any
) -> None:
    edits: list[asyncio.Task[Any]] = []

    def edit() -> None:
        for phase in world.api._store.all(PHASES):
            patch = {"metadata": {"annotations": {"touched": str(len(edits))}}}
            name = phase["metadata"]["name"]
            change = world.api.patch(PHASES, name, patch, NAMESPACE)
            edits.append(asyncio.get_running_loop().create_task(change))

    with Every(world, 6, edit):
        await _run(world)
    await asyncio.gather(*edits)
    assert await end_state(world) == expected


async def test_a_silent_api_server_delays_the_run_and_changes_nothing_about_its_end(
    world: World, expected: Any
) -> None:
    plan_fates(world)
    await world.apply(the_workflow())
    await world.until(lambda: "shard" in world.kubelet.tasks())
    silence = HoldRequest()
    world.api.fault(Of(identity="one"), silence, times=10_000)
    await world.during(40)  # the Lease is lost meanwhile
    assert not world.operator.leads()
    silence.release()
    await _ends(world)
    assert await end_state(world) == expected


async def test_a_throttled_client_waits_as_long_as_it_is_asked_to(world: World) -> None:
    world.api.fault(Match("create", "pods"), Refuse(429, "TooManyRequests", retry_after=7))
    await world.apply(a_workflow())
    await world.until(lambda: world.kubelet.births)
    assert world.clock.monotonic() == 7


async def test_a_pod_that_vanished_while_no_operator_ran_is_a_loss(world: World) -> None:
    world.kubelet.plan("work", hangs(), ok())
    await world.apply(a_workflow())
    await world.until(lambda: world.task_now("work").get("state") == "Running")
    world.operator.kill()
    await world.settle()
    name = (await world.kubelet.pod_of("work"))["metadata"]["name"]
    await world.api.patch(PODS, name, {"metadata": {"finalizers": None}}, NAMESPACE)
    await world.api.delete(PODS, name, NAMESPACE, grace_seconds=0)
    await world.start()
    assert (await world.finished())["state"] == "Succeeded"
    task = (await world.tasks())["work"]
    assert (task["losses"], task["attempt"]) == (1, 2)


async def test_a_workflow_deleted_while_no_operator_ran_lets_its_pods_go(world: World) -> None:
    world.kubelet.plan("work", hangs())
    await world.apply(a_workflow())
    await world.until(lambda: world.task_now("work").get("state") == "Running")
    world.operator.kill()
    await world.settle()
    await world.delete("Workflow", "flow")
    await world.start()
    await world.until(lambda: not world.api._store.all(PODS), seconds=20)
    await world.until(lambda: not world.operator.memory())


async def test_a_task_that_ended_while_no_operator_ran_is_recorded_and_the_next_one_starts(
    world: World,
) -> None:
    world.kubelet.plan("a", ok({"n": 1}, seconds=30))
    tasks = a_chain("a", "b")
    await world.apply(a_workflow([a_step("build", tasks), a_step("x", [a_task("c")])]))
    await world.during(10)
    world.operator.kill()
    await world.during(60)
    await world.start()
    assert (await world.finished())["state"] == "Succeeded"
    assert sorted(world.kubelet.tasks()) == ["a", "b", "c"]


@pytest.mark.parametrize("count", [None, 3], ids=["a single task", "a fan-out"])
async def test_a_pod_that_never_came_to_be_is_no_loss_when_the_operator_dies(
    world: World, count: int | None
) -> None:
    world.api.fault(Match("create", "pods"), Refuse(500, "InternalError"), times=10_000)
    task = a_task(count=count, retry=a_retry(losses=0))
    await world.apply(a_workflow([a_step("build", [task])]))
    await world.during(5)
    assert world.task_now("work")["state"] == "Ready"  # not Running: there is no pod
    world.operator.kill()
    await world.settle()
    world.api.clear_faults()
    await world.start()
    assert (await world.finished())["state"] == "Succeeded"
    assert "losses" not in (await world.tasks())["work"]
    assert world.kubelet.attempts("work") == [1]
