"""Rollouts that ask Prometheus: a value, no data and an error are three things."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from builders.engine import World, a_running_world
from builders.prometheus import FakePrometheus, a_prometheus, a_vector
from component.rollout.rollout_cases import (
    BOUND,
    GOOD,
    NEXT,
    a_pool,
    begun_with,
    change_image,
    check,
    peeked,
    the_work,
    well,
)


@pytest.fixture
async def server() -> AsyncIterator[FakePrometheus]:
    async with a_prometheus() as server:
        yield server


def asking(server: FakePrometheus, **analysis: Any) -> dict[str, Any]:
    """Return a rollout whose analysis asks one query after four attempts."""
    query = {
        "name": "errors",
        "query": 'e{revision="{{revision}}",stable="{{stable}}"}',
        "condition": "value < 0.5",
    }
    prometheus = {"address": server.address, "queries": [query]}
    return {"analysis": {"minTasks": 4, "prometheus": prometheus} | analysis}


async def changed(world: World) -> None:
    """Let work flow, and change the template to one that does well."""
    world.workers.habits = {GOOD: well, NEXT: well}
    await world.apply(the_work())
    await world.until(lambda: len(world.workers.ended) > 8)
    await change_image(world)


async def test_a_revision_whose_query_holds_is_promoted(server: FakePrometheus) -> None:
    server.says("0.1")
    async with a_running_world(a_pool(rollout=asking(server))) as world:
        before = peeked(world).get("stable")
        await changed(world)
        await world.until(lambda: peeked(world).get("reason") == "AnalysisPassed")
        await world.finished()

        check(world)
        found = peeked(world)
        assert server.asked == [f'e{{revision="{found["stable"]}",stable="{before}"}}']


async def test_a_revision_whose_query_does_not_hold_is_rolled_back(
    server: FakePrometheus,
) -> None:
    server.says("0.7")
    async with a_running_world(a_pool(rollout=asking(server))) as world:
        await changed(world)
        await world.until(lambda: peeked(world).get("state") == "RolledBack")
        await world.finished()

        check(world)
        found = peeked(world)
        assert found["reason"] == "AnalysisFailed"
        assert "query errors: value < 0.5 does not hold: value is 0.7" in found["message"]
        assert begun_with(world, NEXT) <= BOUND


async def test_an_error_waits_and_goes_on_when_it_is_mended(server: FakePrometheus) -> None:
    server.fails()
    async with a_running_world(a_pool(rollout=asking(server, intervalSeconds=10))) as world:
        await changed(world)
        await world.until(lambda: peeked(world).get("reason") == "QueryError")
        await world.finished()  # the stable revision does what is left
        await world.during(60)
        held = peeked(world)
        assert (held["state"], held["reason"]) == ("Exposed", "QueryError")
        assert "could not be answered: http://127.0.0.1:" in held["message"]
        assert "HTTP 503, timeout: query timed out" in held["message"]
        assert len(server.asked) in range(6, 9)

        server.says("0.1")
        await world.until(lambda: peeked(world).get("state") == "Promoted")

        check(world)
        assert peeked(world)["reason"] == "AnalysisPassed"
        assert begun_with(world, NEXT) <= BOUND


async def test_no_data_is_inconclusive_and_its_end_is_chosen(server: FakePrometheus) -> None:
    server.body = a_vector()
    rollout = asking(server, maxSeconds=60, onInconclusive="Pause")
    async with a_running_world(a_pool(rollout=rollout)) as world:
        await changed(world)
        await world.until(lambda: peeked(world).get("state") == "Paused")

        found = peeked(world)
        assert found["reason"] == "Inconclusive"
        assert "query errors: value < 0.5: value is not known" in found["message"]


async def test_nothing_is_asked_before_enough_attempts_have_ended(server: FakePrometheus) -> None:
    async with a_running_world(a_pool(rollout=asking(server))) as world:
        world.workers.habits = {GOOD: well, NEXT: well}
        await change_image(world)
        await world.until(lambda: peeked(world).get("state") == "Exposed")
        await world.during(120)

        assert server.asked == []


async def test_a_changed_query_is_asked_at_once_and_the_old_answer_is_none(
    server: FakePrometheus,
) -> None:
    server.fails()
    rollout = asking(server, intervalSeconds=3600)
    async with a_running_world(a_pool(rollout=rollout)) as world:
        await changed(world)
        await world.until(lambda: peeked(world).get("reason") == "QueryError")
        server.says("0.1")
        rollout["analysis"]["prometheus"]["queries"][0]["query"] = "up"
        await world.change("Agent", "worker", rollout=rollout)
        await world.until(lambda: peeked(world).get("state") == "Promoted", seconds=60)

        assert server.asked[-1] == "up"


async def test_after_a_restart_the_queries_are_asked_again(server: FakePrometheus) -> None:
    server.fails()
    rollout = asking(server, intervalSeconds=3600)
    async with a_running_world(a_pool(rollout=rollout)) as world:
        await changed(world)
        await world.until(lambda: peeked(world).get("reason") == "QueryError")
        world.operator.kill()
        server.says("0.7")
        await world.start()
        await world.until(lambda: peeked(world).get("state") == "RolledBack")

        assert len(server.asked) == 2
