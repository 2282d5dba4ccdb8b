"""The calls of the worker API, from a real client to the desk and back."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from component.dispatch.worker_calls import FakeDesk, a_work, a_worker_api
from spectra_operator.engine.desk_calls import (
    Beat,
    Caller,
    Desk,
    DeskError,
    NotHolderError,
    Orders,
    Report,
    StaleError,
    StrangerError,
    UnavailableError,
)
from unit.dispatch.token_reviews import a_pods_review, a_token, away, bearer

RESULT = "/v1/claims/a-1/result"
RELEASE = "/v1/claims/a-1/release"
DONE = {"epoch": 1, "succeeded": True}
CALLS: list[tuple[str, dict[str, Any]]] = [
    ("/v1/claims", {"slots": 1}),
    ("/v1/heartbeat", {}),
    (RESULT, DONE),
    (RELEASE, {"epoch": 1}),
]


def test_the_desk_of_these_tests_is_one_as_the_server_wants_it() -> None:
    desk: type[Desk] = FakeDesk
    assert desk is FakeDesk


async def test_a_worker_waits_and_gets_its_work_as_the_desk_wrote_it() -> None:
    async with a_worker_api() as api:
        poll = api.poll(slots=3)
        (future,) = await api.desk.polls.are(1)
        future.set_result((a_work("a", input={"x": 1}), a_work("b")))
        answer = await poll

    assert answer.status == 200
    assert answer.body == {
        "claims": [{"id": "a", "epoch": 1, "input": {"x": 1}}, {"id": "b", "epoch": 1}],
        "heartbeatSeconds": 5,
        "drain": False,
    }
    assert api.desk.asked == [(3, frozenset())]
    assert api.desk.callers[0] == Caller("team", "worker-1", "uid-of-worker-1", "process-1")


async def test_what_a_worker_has_already_is_told_to_the_desk() -> None:
    async with a_worker_api() as api:
        await api.post("/v1/claims", {"slots": 1, "known": ["a", "b"]})
    assert api.desk.asked == [(1, frozenset({"a", "b"}))]


async def test_a_worker_that_waited_long_enough_gets_nothing_and_its_poll_is_over() -> None:
    async with a_worker_api() as api:
        answer = await api.poll(wait=0.01)
        assert api.desk.polls[0].cancelled()
    assert (answer.status, answer.body["claims"]) == (200, [])


async def test_a_worker_that_does_not_wait_gets_what_is_there() -> None:
    async with a_worker_api() as api:
        assert (await api.poll(wait=0)).body["claims"] == []


async def test_a_poll_that_the_desk_ends_is_answered_with_nothing() -> None:
    async with a_worker_api() as api:
        first, second = api.poll(), api.poll()
        one, two = await api.desk.polls.are(2)
        one.set_result(())
        two.cancel()  # as the desk does when its shard is lost
        assert [(await poll).body["claims"] for poll in (first, second)] == [[], []]


async def test_a_worker_that_is_to_drain_is_told_with_its_poll() -> None:
    async with a_worker_api() as api:
        api.desk.orders = Orders((), drain=True)
        assert (await api.poll(wait=0)).body["drain"] is True


async def test_a_worker_that_hangs_up_gives_its_place_in_the_line_away() -> None:
    async with a_worker_api() as api:
        poll = api.poll()
        (future,) = await api.desk.polls.are(1)
        poll.cancel()
        async with asyncio.timeout(10):
            assert await api.desk.left.get() is future
        await api.post("/v1/heartbeat", {})
        assert api.counted()["claims", "hung-up"] == 1


async def test_a_worker_that_hangs_up_as_its_work_comes_harms_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with a_worker_api() as api:
        poll = api.poll()
        (future,) = await api.desk.polls.are(1)
        future.set_exception(UnavailableError("PageNotWritten", "the page was not written"))
        poll.cancel()
        assert (await api.post("/v1/heartbeat", {})).status == 200
    assert caplog.text == ""


async def test_a_heartbeat_carries_news_and_brings_orders() -> None:
    async with a_worker_api() as api:
        api.desk.orders = Orders(("b",), drain=True)
        answer = await api.post(
            "/v1/heartbeat",
            {
                "claims": [
                    {"id": "a", "epoch": 1, "progress": {"percent": 50}, "checkpoint": [1]},
                    {"id": "b", "epoch": 2},
                ]
            },
        )
    assert answer.body == {"cancel": ["b"], "drain": True, "heartbeatSeconds": 5}
    assert api.desk.beats == [[Beat("a", 1, '{"percent":50}', "[1]"), Beat("b", 2)]]


async def test_a_result_is_answered_with_the_next_work() -> None:
    async with a_worker_api() as api:
        api.desk.next = (a_work("next"),)
        answer = await api.post(
            RESULT, {"epoch": 3, "succeeded": True, "result": {"outputs": {"n": 1}}, "slots": 1}
        )
    assert answer.body == {"claims": [{"id": "next", "epoch": 1}]}
    assert api.desk.reports == [Report("a-1", 3, True, "", '{"outputs":{"n":1}}', 1)]


async def test_a_claim_is_given_back() -> None:
    async with a_worker_api() as api:
        answer = await api.post(RELEASE, {"epoch": 2, "reason": "drained"})
    assert (answer.status, answer.body) == (200, {})
    assert api.desk.releases == [("a-1", 2, "drained")]


async def test_a_worker_may_wait_beat_and_report_at_the_same_time() -> None:
    async with a_worker_api() as api:
        poll = api.poll()
        await api.desk.polls.are(1)
        assert (await api.post("/v1/heartbeat", {})).status == 200
        assert (await api.post(RESULT, DONE)).status == 200
        api.desk.polls[0].set_result((a_work(),))
        assert (await poll).status == 200


async def test_two_workers_are_told_apart() -> None:
    async with a_worker_api() as api:
        other = a_token("worker-2")
        api.reviews.of_token[other] = a_pods_review("worker-2", "elsewhere")
        await api.post("/v1/heartbeat", {})
        await api.post("/v1/heartbeat", {}, headers={"Authorization": bearer(other)})
    assert [(c.namespace, c.pod) for c in api.desk.callers] == [
        ("team", "worker-1"),
        ("elsewhere", "worker-2"),
    ]


@pytest.mark.parametrize(("path", "body"), CALLS)
@pytest.mark.parametrize(
    ("error", "status"),
    [
        (StrangerError("NotAWorker", "pod x is no worker"), 403),
        (StaleError("Fenced", "another has it"), 409),
        (NotHolderError("NotHolder", "ask there", "http://10.0.0.7:8090"), 421),
        (NotHolderError("NotHolder", "nobody holds it", ""), 503),
        (UnavailableError("PageNotWritten", "try again"), 503),
    ],
)
async def test_what_the_desk_refuses_is_told_with_its_reason(
    path: str, body: dict[str, Any], error: DeskError, status: int
) -> None:
    async with a_worker_api() as api:
        api.desk.error = error
        answer = await api.post(path, body)
    assert answer.status == status
    expected = {"status": status, "reason": error.reason, "message": error.message}
    if status == 421:
        expected["address"] = "http://10.0.0.7:8090"
    assert answer.body == expected
    assert answer.headers.get("Retry-After") == ("1" if status == 503 else None)


@pytest.mark.parametrize(("path", "body"), CALLS[2:])
async def test_what_the_desk_refuses_later_is_told_as_well(path: str, body: dict[str, Any]) -> None:
    async with a_worker_api() as api:
        api.desk.late_error = StaleError("OtherContent", "it has ended otherwise")
        answer = await api.post(path, body)
    assert (answer.status, answer.reason) == (409, "OtherContent")


@pytest.mark.parametrize(("path", "body"), CALLS)
@pytest.mark.parametrize("error", [RuntimeError("the desk is on fire"), DeskError("Odd", "odd")])
async def test_a_fault_of_the_desk_is_logged_and_not_shown(
    path: str, body: dict[str, Any], error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    async with a_worker_api() as api:
        api.desk.error = error
        answer = await api.post(path, body)
        api.desk.error = None
        assert (await api.post("/v1/heartbeat", {})).status == 200

    assert (answer.status, answer.reason) == (500, "InternalError")
    assert "fire" not in str(answer.body)
    logged = [record for record in caplog.records if record.exc_info]
    assert len(logged) == 1
    assert a_token() not in caplog.text


async def test_a_call_that_the_desk_gives_up_is_worth_saying_again() -> None:
    async with a_worker_api() as api:
        api.desk.is_slow = True
        call = asyncio.create_task(api.post(RESULT, DONE))
        await api.desk.reports.are(1)
        api.desk.unanswered[0].cancel()
        answer = await call
    assert (answer.status, answer.reason) == (503, "Interrupted")


async def test_the_document_is_served_to_anybody() -> None:
    async with a_worker_api() as api:
        answer = await api.ask("GET", "/openapi.json")
    assert (answer.status, answer.body["openapi"]) == (200, "3.1.0")
    assert api.reviews.asked == []


async def test_calls_are_counted_by_what_they_were_and_how_they_ended() -> None:
    async with a_worker_api() as api:
        await api.poll(wait=0)
        await api.post("/v1/heartbeat", {})
        await api.post("/v1/heartbeat", {"x": 1})
        await api.post("/nowhere/a", {})
        await api.post("/nowhere/b", {})
        rendered = api.metrics.render().decode()
    assert api.counted() == {
        ("claims", "200"): 1,
        ("heartbeat", "200"): 1,
        ("heartbeat", "400"): 1,
        ("other", "404"): 2,
    }
    assert 'spectra_worker_call_duration_seconds_count{route="heartbeat"} 2.0' in rendered
    assert 'duration_seconds_count{route="claims"}' not in rendered


async def test_a_worker_keeps_its_connection_from_call_to_call() -> None:
    opened: list[object] = []

    async def note(*connection: object) -> None:
        opened.append(connection)

    trace = aiohttp.TraceConfig()
    trace.on_connection_create_end.append(note)
    async with (
        a_worker_api() as api,
        aiohttp.ClientSession(trace_configs=[trace]) as api.session,
    ):
        for body in ({}, {"wrong": 1}, {}):
            await api.post("/v1/heartbeat", body)
    assert len(opened) == 1


async def test_nobody_who_is_not_known_gets_to_the_desk() -> None:
    async with a_worker_api() as api:
        api.reviews.status = {"authenticated": False}
        answer = await api.post("/v1/claims", {"slots": 1})
        assert (answer.status, answer.reason) == (401, "Unauthorized")
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert answer.headers["Connection"] == "close"
        assert (await api.post("/v1/claims", headers={"Authorization": ""})).status == 401
    assert api.desk.callers == []


async def test_a_token_that_is_not_of_a_pod_is_forbidden() -> None:
    async with a_worker_api() as api:
        api.reviews.status = a_pods_review(user={"username": "ada"})
        answer = await api.post("/v1/heartbeat", {})
    assert (answer.status, answer.reason) == (403, "NotAPod")


async def test_while_nobody_can_review_tokens_workers_are_asked_to_wait() -> None:
    async with a_worker_api() as api:
        api.reviews.error = away()
        answer = await api.post("/v1/heartbeat", {})
    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
