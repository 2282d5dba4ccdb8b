"""Checkpoints and progress of warm workers: from heartbeats to the next attempt and to status."""

from __future__ import annotations

import json
from typing import Any

import pytest

from builders.engine import World, a_running_world
from builders.fake_api.faults import Match
from builders.page_watch import count, writes_a_page
from builders.specs import NAMESPACE, Body, a_retry, a_step, a_task, a_workflow, an_agent
from builders.workers import Deed
from spectra_operator.api import constants as c
from spectra_operator.engine.desk_calls import Beat
from spectra_operator.engine.keys import PHASES
from spectra_operator.kube.resources import LEASES

LEFT = {"page": 2, "seen": ["a", "ü"]}


def a_pool(**fields: Any) -> Body:
    """Return an agent with one worker of two slots."""
    given: dict[str, Any] = {"mode": "Pool", "replicas": 1, "slots": 2} | fields
    return an_agent(**given)


def a_flow(*tasks: Body) -> Body:
    """Return a workflow of one phase."""
    return a_workflow([a_step("build", tasks)])


async def beat(world: World, *, progress: Any = None, checkpoint: Any = None) -> None:
    """Let the worker that has begun something say more of it than it does by itself."""
    (worker,) = world.workers.workers.values()
    (claim,) = worker.doing
    said = ["" if x is None else json.dumps(x) for x in (progress, checkpoint)]
    worker.saying[claim] = (said[0], said[1])
    world.operator.engine.desk.beat(worker.caller, [Beat(claim, worker.epochs[claim], *said)])
    await world.settle()


async def noted(world: World) -> list[str]:
    """Return the checkpoints on the pages of all workers."""
    entries = []
    for page in await world.api.objects(LEASES, NAMESPACE):
        notes: dict[str, str] = page["metadata"].get("annotations") or {}
        for key, text in notes.items():
            if key.startswith((c.CLAIM_PREFIX, c.ENDING_PREFIX)):
                claim = json.loads(text)
                entries.append(claim.get("claim", claim).get("checkpoint", ""))
    return [text for text in entries if text]


@pytest.mark.parametrize(
    "bad",
    [
        Deed(crash=True, checkpoint=LEFT),
        Deed(succeeded=False, checkpoint=LEFT),
        Deed(seconds=0, succeeded=False, checkpoint=LEFT),
    ],
    ids=["crash", "failure", "failure before the checkpoint was written"],
)
async def test_the_next_attempt_gets_what_the_last_one_left(bad: Deed) -> None:
    async with a_running_world(a_pool()) as world:
        world.workers.plan("a", bad)
        await world.apply(a_flow(a_task("a", retry=a_retry(1, seconds=2))))

        status = await world.finished()

        assert status["state"] == "Succeeded"
        assert world.workers.resumed == {("a", 0, 2): LEFT}
        assert "checkpoint" not in (await world.tasks())["a"]


async def test_a_worker_that_falls_silent_leaves_its_checkpoint_to_another() -> None:
    async with a_running_world(a_pool(replicas=2, slots=1)) as world:
        world.workers.plan("a", Deed(seconds=300, checkpoint=LEFT))
        await world.apply(a_flow(a_task("a")))
        await world.until(lambda: world.workers.began)
        await world.during(2)
        world.workers.silence(world.workers.began[0][3])

        await world.until(lambda: len(world.workers.began) == 2)

        assert world.workers.resumed == {("a", 0, 2): LEFT}


async def test_an_attempt_that_leaves_nothing_new_passes_on_what_it_got() -> None:
    async with a_running_world(a_pool()) as world:
        world.workers.plan("a", Deed(crash=True, checkpoint=LEFT), Deed(crash=True))
        await world.apply(a_flow(a_task("a")))
        await world.finished()
        assert world.workers.resumed == {("a", 0, 2): LEFT, ("a", 0, 3): LEFT}


async def test_every_item_goes_on_from_its_own_checkpoint() -> None:
    async with a_running_world(a_pool()) as world:
        for index in range(3):
            world.workers.plan("a", Deed(succeeded=False, checkpoint=[index]), index=index)
        await world.apply(a_flow(a_task("a", count=3, retry=a_retry(1))))
        await world.finished()
        assert world.workers.resumed == {("a", index, 2): [index] for index in range(3)}


async def test_a_checkpoint_stands_in_status_and_survives_a_restart() -> None:
    async with a_running_world(a_pool()) as world:
        world.workers.plan("a", Deed(succeeded=False, checkpoint=LEFT))
        await world.apply(a_flow(a_task("a", retry=a_retry(1, seconds=60))))
        await world.until(lambda: world.task_now("a").get("state") == "Backoff")
        await world.during(5)
        assert json.loads(world.task_now("a")["checkpoint"]["value"]) == LEFT
        assert not await noted(world)
        world.operator.kill()
        await world.start()

        await world.finished()

        assert world.workers.resumed == {("a", 0, 2): LEFT}


async def test_a_checkpoint_that_somebody_spoilt_in_status_counts_for_nothing() -> None:
    async with a_running_world(a_pool()) as world:
        world.workers.plan("a", Deed(succeeded=False, checkpoint=LEFT))
        await world.apply(a_flow(a_task("a", retry=a_retry(1, seconds=60))))
        await world.until(lambda: "checkpoint" in world.task_now("a"))
        (phase,) = await world.api.objects(PHASES, NAMESPACE)
        spoilt = {"tasks": {"a": {"checkpoint": {"value": "{"}}}}
        await world.api.patch_status(PHASES, phase["metadata"]["name"], spoilt, NAMESPACE)

        status = await world.finished()

        assert (status["state"], world.workers.resumed) == ("Succeeded", {})


async def test_many_checkpoints_are_few_writes_and_the_last_one_is_kept() -> None:
    async with a_running_world(a_pool()) as world:
        world.workers.plan("a", Deed(seconds=300))
        await world.apply(a_flow(a_task("a")))
        await world.until(lambda: world.workers.began)
        await world.during(5)
        writes = count(world, writes_a_page)
        for page in range(50):
            await beat(world, checkpoint={"page": page})
            await world.during(0.1)
        await world.during(2)

        assert 4 <= len(writes) <= 8
        assert await noted(world) == ['{"page": 49}']
        await world.during(20)  # the same again, with every heartbeat
        assert len(writes) <= 8


async def test_a_checkpoint_that_is_too_large_leaves_the_one_before() -> None:
    async with a_running_world(a_pool()) as world:
        world.workers.plan("a", Deed(seconds=300))
        await world.apply(a_flow(a_task("a")))
        await world.until(lambda: world.workers.began)
        await beat(world, checkpoint={"page": 1})
        await beat(world, checkpoint="x" * 5000)
        await world.during(2)
        assert await noted(world) == ['{"page": 1}']


async def test_a_page_that_is_full_keeps_the_checkpoints_it_has() -> None:
    worst = "\\" * 2000  # each takes four bytes where JSON stands in JSON
    async with a_running_world(a_pool(slots=32)) as world:
        for index in range(32):
            world.workers.plan("a", Deed(seconds=300, checkpoint=worst), index=index)
        await world.apply(a_flow(a_task("a", count=32)))
        await world.until(lambda: len(world.workers.began) == 32)
        await world.during(3)

        found = await noted(world)
        (page,) = await world.api.objects(LEASES, NAMESPACE)
        size = sum(len(k) + len(v.encode()) for k, v in page["metadata"]["annotations"].items())

        assert 10 < len(found) < 32
        assert 100 * 1024 < size <= 128 * 1024


async def test_progress_shows_while_the_attempt_runs_and_is_gone_with_it() -> None:
    half = {"percent": 40.5, "message": "half way"}
    async with a_running_world(a_pool()) as world:
        world.workers.plan("a", Deed(seconds=30, progress=half))
        await world.apply(a_flow(a_task("a")))
        await world.until(lambda: "progress" in world.task_now("a"))
        assert world.task_now("a")["progress"] == {"percent": 40, "message": "half way"}

        await world.finished()

        assert "progress" not in (await world.tasks())["a"]


async def test_the_progress_of_a_fan_out_is_the_mean_of_what_runs() -> None:
    async with a_running_world(a_pool()) as world:
        for index, percent in enumerate((20, 60)):
            world.workers.plan("a", Deed(seconds=60, progress={"percent": percent}), index=index)
        await world.apply(a_flow(a_task("a", count=2)))
        await world.until(lambda: world.task_now("a").get("progress") == {"percent": 40})


async def test_progress_alone_is_written_every_five_seconds_at_most_and_never_on_the_page() -> None:
    async with a_running_world(a_pool()) as world:
        world.workers.plan("a", Deed(seconds=300))
        await world.apply(a_flow(a_task("a")))
        await world.until(lambda: world.workers.began)
        await world.during(5)
        statuses = count(world, Match(verb="update", plural="phases", subresource="status"))
        leases = count(world, writes_a_page)
        for step in range(100):
            await beat(world, progress={"percent": step / 2})
            await world.during(0.2)

        assert 2 <= len(statuses) <= 5
        assert not leases
        assert world.task_now("a")["progress"]["percent"] > 20


async def test_progress_of_before_a_restart_goes_unless_it_is_said_again() -> None:
    async with a_running_world(a_pool()) as world:
        world.workers.plan("a", Deed(seconds=300))
        await world.apply(a_flow(a_task("a")))
        await world.until(lambda: world.workers.began)
        await beat(world, progress={"percent": 40})
        await world.until(lambda: "progress" in world.task_now("a"))
        world.operator.kill()
        (worker,) = world.workers.workers.values()
        worker.saying = dict.fromkeys(worker.saying, ("", ""))
        await world.start()

        await world.until(lambda: "progress" not in world.task_now("a"))

        assert world.task_now("a")["state"] == "Running"
