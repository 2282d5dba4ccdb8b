"""What a careless or hostile worker sends: an answer in words, and the server goes on."""

from __future__ import annotations

import gzip
from typing import Any

import pytest

from component.dispatch.worker_calls import a_request, a_worker_api, answer_in, is_alive

LIMIT = 64 * 1024


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"slots": "one"}, "slots: Input should be a valid integer"),
        ({"slots": 1, "knwon": []}, "knwon: Extra inputs are not permitted"),
        (b"", "the body: Invalid JSON"),
        (b"slots=1", "the body: Invalid JSON"),
        (b"[" * LIMIT, "the body: Invalid JSON: recursion limit exceeded"),
        (b'{"slots":' * 7_000, "the body: Invalid JSON: recursion limit exceeded"),
        (b"\x00" * 100, "the body: Invalid JSON"),
        (b'{"slots":' + b"9" * 60_000 + b"}", "the body: Invalid JSON: number out of range"),
    ],
    ids=["type", "field", "empty", "form", "deep", "deep-objects", "zeros", "huge-number"],
)
async def test_a_wrong_body_is_refused_with_its_field(body: Any, message: str) -> None:
    async with a_worker_api() as api:
        answer = await api.post("/v1/claims", body)
        assert await is_alive(api)
    assert (answer.status, answer.reason) == (400, "BadRequest")
    assert answer.body["message"].startswith(message)


@pytest.mark.parametrize("headers", [{}, {"Spectra-Instance": ""}])
async def test_a_call_without_its_instance_is_refused(headers: dict[str, str]) -> None:
    async with a_worker_api() as api:
        del api.headers["Spectra-Instance"]
        answer = await api.post("/v1/heartbeat", {}, headers=headers)
    assert answer.status == 400
    assert "Spectra-Instance: 1 to 64" in answer.body["message"]


@pytest.mark.parametrize("instance", ["x" * 65, "é", "a\tb"])
async def test_an_instance_that_is_too_long_or_strange_is_refused(instance: str) -> None:
    async with a_worker_api() as api:
        answer = await api.post("/v1/heartbeat", {}, headers={"Spectra-Instance": instance})
        api.headers["Spectra-Instance"] = "x" * 64
        assert await is_alive(api)
    assert answer.status == 400


async def test_a_body_may_be_64_kib_and_no_larger() -> None:
    async with a_worker_api() as api:
        assert (await api.post("/v1/heartbeat", b"{}".ljust(LIMIT))).status == 200
        answer = await api.post("/v1/heartbeat", b"{}".ljust(LIMIT + 1))
        assert await is_alive(api)
    assert (answer.status, answer.reason) == (413, "TooLarge")


async def test_a_body_that_does_not_say_its_length_may_not_be_larger_either() -> None:
    async def chunks() -> Any:
        for _ in range(65):
            yield b" " * 1024

    async with a_worker_api() as api:
        headers = {"Content-Type": "application/json"} | api.headers
        answer = await api.ask("POST", "/v1/heartbeat", data=chunks(), headers=headers)
    assert answer.status == 413


async def test_a_body_that_promises_too_much_is_refused_before_it_comes() -> None:
    async with a_worker_api() as api:
        status, body = await api.told(a_request("Content-Length: 9999999999\r\n\r\n"))
        assert (status, body["reason"]) == (413, "TooLarge")
        assert await is_alive(api)


async def test_a_body_that_does_not_come_is_not_waited_for_long() -> None:
    async with a_worker_api(body_seconds=0.01) as api:
        status, body = await api.told(a_request('Content-Length: 100\r\n\r\n{"claims": ['))
        assert (status, body["reason"]) == (408, "RequestTimeout")
        assert api.desk.callers == []


async def test_a_body_that_is_cut_off_ends_its_call_alone() -> None:
    async with a_worker_api() as api:
        await api.raw(a_request('Content-Length: 100\r\n\r\n{"claims": ['), last=True)
        assert await is_alive(api)
    assert len(api.desk.callers) == 1


async def test_a_body_in_broken_chunks_is_refused() -> None:
    async with a_worker_api() as api:
        status, body = await api.told(a_request("Transfer-Encoding: chunked\r\n\r\nxyz\r\n"))
        assert (status, body["reason"]) == (400, "BadRequest")
        assert await is_alive(api)


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "nonsense"},
    ],
)
async def test_a_body_that_is_not_json_by_its_own_words_is_refused(
    headers: dict[str, str],
) -> None:
    async with a_worker_api() as api:
        answer = await api.post("/v1/heartbeat", {}, headers=headers)
    assert answer.status == 415
    assert "Content-Type: application/json" in answer.body["message"]


async def test_a_charset_is_no_hindrance() -> None:
    async with a_worker_api() as api:
        headers = {"Content-Type": "application/json; charset=utf-8"}
        assert (await api.post("/v1/heartbeat", {}, headers=headers)).status == 200


async def test_a_compressed_body_is_refused_and_never_unpacked() -> None:
    async with a_worker_api() as api:
        bomb = gzip.compress(b" " * 50_000_000)
        assert len(bomb) < LIMIT
        answer = await api.post("/v1/heartbeat", bomb, headers={"Content-Encoding": "gzip"})
        assert await is_alive(api)
    assert answer.status == 415


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/", 404),
        ("POST", "/v1", 404),
        ("POST", "/v2/claims", 404),
        ("POST", "/v1/claims/", 404),
        ("POST", "/v1/claims/a", 404),
        ("POST", "/v1/claims/a/b/result", 404),
        ("POST", "/v1/claims//result", 404),
        ("POST", "/v1/claims/%2e%2e/result", 404),
        ("GET", "/v1/claims", 405),
        ("DELETE", "/v1/claims", 405),
        ("PUT", "/v1/heartbeat", 405),
    ],
)
async def test_what_is_not_served_is_told_in_our_own_form(
    method: str, path: str, status: int
) -> None:
    async with a_worker_api() as api:
        answer = await api.ask(method, path, headers=api.headers)
    assert (answer.status, answer.body["status"]) == (status, status)
    assert answer.headers.get("Allow") == ("POST" if status == 405 else None)


@pytest.mark.parametrize("name", ["A", "x" * 64, "a%2Fb", "a%00", "%ff", "ä", "a b"])
async def test_what_is_no_id_of_a_claim_is_refused(name: str) -> None:
    async with a_worker_api() as api:
        body = {"epoch": 1, "succeeded": True}
        answer = await api.post(f"/v1/claims/{name}/result", body)
        assert await is_alive(api)
    assert answer.status in {400, 404}
    assert api.desk.reports == []


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 50 + b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"BREW /v1/claims HTTP/1.1\r\n\r\n",
        b"POST /v1/claims HTTP/9.9\r\n\r\n",
        b"POST /v1/claims HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /v1/claims HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST /v1/claims HTTP/1.1\r\nno colon\r\n\r\n",
        b"POST /v1/claims HTTP/1.1\r\nAuthorization: Bearer secret\x00token\r\n\r\n",
        b"POST /" + b"x" * 20_000 + b" HTTP/1.1\r\n\r\n",
        b"POST /v1/claims HTTP/1.1\r\nAuthorization: Bearer secret" + b"x" * 20_000 + b"\r\n\r\n",
        b"POST /v1/claims HTTP/1.1\r\n" + b"a: b\r\n" * 500 + b"\r\n",
    ],
    ids=[
        "tls",
        "short",
        "method",
        "version",
        "length",
        "two",
        "colon",
        "zero",
        "path",
        "header",
        "many",
    ],
)
async def test_what_is_not_http_is_refused_without_being_quoted(
    data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with a_worker_api() as api:
        status, body = answer_in(await api.raw(data))
        assert await is_alive(api)
    assert (status, body["reason"]) == (400, "BadRequest")
    assert "secret" not in str(body) + caplog.text


async def test_an_expectation_that_nobody_can_meet_is_refused() -> None:
    async with a_worker_api() as api:
        answer = await api.post("/v1/heartbeat", {}, headers={"Expect": "miracles"})
        assert await is_alive(api)
    assert answer.status == 417


async def test_a_body_sent_only_when_asked_for_is_asked_for() -> None:
    async with a_worker_api() as api:
        assert (await api.post("/v1/heartbeat", {}, expect100=True)).status == 200
