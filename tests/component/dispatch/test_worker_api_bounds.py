"""So many calls, connections and silences, and no more."""

from __future__ import annotations

import asyncio

from component.dispatch.worker_calls import a_request, a_work, a_worker_api, answer_in, is_alive
from unit.dispatch.token_reviews import a_pods_review, a_token, bearer


async def test_a_worker_has_so_many_calls_at_once() -> None:
    async with a_worker_api(calls=2) as api:
        polls = [api.poll(), api.poll()]
        await api.desk.polls.are(2)
        answer = await api.post("/v1/heartbeat", {})
        assert (answer.status, answer.reason) == (429, "TooManyCalls")
        assert answer.headers["Retry-After"] == "1"

        other = a_token("worker-2")
        api.reviews.of_token[other] = a_pods_review("worker-2")
        headers = {"Authorization": bearer(other)}
        assert (await api.post("/v1/heartbeat", {}, headers=headers)).status == 200

        for future in api.desk.polls:
            future.set_result(())
        await asyncio.gather(*polls)
        assert await is_alive(api)


async def test_so_many_connections_are_open_and_no_more() -> None:
    async with a_worker_api(connections=2) as api:
        polls = [api.poll(), api.poll()]
        await api.desk.polls.are(2)
        answer = await api.post("/v1/heartbeat", {})
        assert (answer.status, answer.reason) == (503, "TooManyConnections")
        assert answer.headers["Retry-After"] == "1"

        api.desk.polls[0].set_result((a_work(),))
        await polls[0]
        assert await is_alive(api)
        polls[1].cancel()


async def test_a_connection_that_says_nothing_is_closed() -> None:
    async with a_worker_api(head_seconds=0.01) as api:
        assert await api.raw(b"") == b""
        assert await api.raw(b"POST /v1/heartbeat HTTP/1.1\r\nHost:") == b""


async def test_a_connection_that_has_spoken_may_wait_longer() -> None:
    async with a_worker_api(head_seconds=1) as api:
        poll = api.poll(wait=1.1)
        assert (await poll).status == 200


async def test_a_stranger_keeps_no_connection() -> None:
    async with a_worker_api() as api:
        api.reviews.status = {"authenticated": False}
        data = await api.raw(a_request("Content-Length: 2\r\n\r\n{}"))
        assert answer_in(data)[0] == 401


async def test_calls_sent_ahead_are_answered_in_their_order() -> None:
    async with a_worker_api() as api:
        good = a_request("Content-Length: 2\r\n\r\n{}")
        last = a_request("Content-Length: 2\r\nConnection: close\r\n\r\n[]")
        data = await api.raw(good * 20 + last)
    assert data.count(b"HTTP/1.1 200") == 20
    assert data.count(b"HTTP/1.1 400") == 1
