"""The server ends: who waits is told, what is under way may end, and nothing is left over."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from component.dispatch.worker_calls import Served, a_worker_api

RESULT = "/v1/claims/a-1/result"
DONE = {"epoch": 1, "succeeded": True}


async def test_open_polls_are_answered_with_nothing_and_their_connections_end() -> None:
    async with a_worker_api() as api:
        polls = [api.poll(), api.poll()]
        futures = await api.desk.polls.are(2)
        await api.server.stop()
        answers = await asyncio.gather(*polls)

    assert [(a.status, a.body["claims"]) for a in answers] == [(200, []), (200, [])]
    assert [a.headers["Connection"] for a in answers] == ["close", "close"]
    assert all(future.cancelled() for future in futures)


async def test_a_result_under_way_is_answered_before_the_server_has_ended() -> None:
    async with a_worker_api() as api:
        api.desk.is_slow = True
        call = asyncio.create_task(api.post(RESULT, DONE))
        await api.desk.reports.are(1)
        stop = asyncio.create_task(api.server.stop())
        await asyncio.sleep(0)
        api.desk.unanswered[0].set_result(())
        assert (await call).status == 200
        await stop


async def test_a_result_that_is_never_answered_holds_the_end_up_only_so_long() -> None:
    async with a_worker_api(stop_seconds=0.01) as api:
        api.desk.is_slow = True
        call = asyncio.create_task(api.post(RESULT, DONE))
        await api.desk.reports.are(1)
        await api.server.stop()
        assert api.desk.unanswered[0].cancelled()
        with pytest.raises(aiohttp.ClientError):
            await call


async def test_nobody_gets_in_any_more() -> None:
    async with a_worker_api() as api:
        url = api.url
        await api.server.stop()
        with pytest.raises(aiohttp.ClientConnectorError):
            await api.session.post(f"{url}/v1/heartbeat")


async def test_stopping_twice_is_stopping_once() -> None:
    async with a_worker_api() as api:
        await api.server.stop()
        await api.server.stop()
        assert api.server.port == 0


async def test_nothing_is_left_over_of_calls_that_are_over() -> None:
    async with a_worker_api() as api:
        await api.poll(wait=0)
        await api.post("/v1/heartbeat", {"wrong": 1})
        poll = api.poll()
        await api.desk.polls.are(2)
        poll.cancel()
        async with asyncio.timeout(10):
            while await api.desk.left.get() is not api.desk.polls[1]:
                pass
        await api.post("/v1/heartbeat", {})
    assert left_over(api) == []


def left_over(api: Served) -> list[str]:
    """Return what the server still remembers of calls."""
    calls = vars(api.server)["_calls"]
    under_way = vars(api.server)["_under_way"]
    return [*map(str, vars(calls)["_polls"]), *map(str, under_way)]
