"""Who calls: tokens become pods, by reviews that are few."""

from __future__ import annotations

import asyncio
import base64
import logging
from typing import Any

import pytest

from spectra_operator.dispatch.auth import Identity
from spectra_operator.dispatch.refusal import Refusal
from unit.dispatch.token_reviews import World, a_pods_review, a_token, away, bearer


async def test_a_token_becomes_the_pod_that_it_was_made_for() -> None:
    world = World()
    world.reviews.status = a_pods_review("coder-7f", "research")

    assert await world.says(a_token()) == Identity("research", "coder-7f", "uid-of-coder-7f")
    assert world.reviews.asked == [
        {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenReview",
            "spec": {"token": a_token(), "audiences": ["spectra"]},
        }
    ]


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER   ", "  Bearer "])
async def test_the_name_of_the_scheme_may_be_written_in_any_letters(scheme: str) -> None:
    assert (await World().tokens.identify(f"{scheme}{a_token()}")).pod == "worker-1"


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer a.b",
        "Bearer a.b.c.d",
        "Bearer a.b.c d",
        "Bearer ä.b.c",
        "Basic dTpw",
        "a.b.c",
    ],
)
async def test_what_cannot_be_a_token_is_refused_without_asking_anybody(header: str) -> None:
    world = World()
    with pytest.raises(Refusal, match="Authorization: Bearer TOKEN") as caught:
        await world.tokens.identify(header)
    assert (caught.value.status, world.reviews.asked) == (401, [])


@pytest.mark.parametrize(
    "status",
    [
        {"authenticated": False},
        {},
        {"error": "expired"},
        a_pods_review(authenticated="true"),
        a_pods_review(audiences=["vault"]),
        a_pods_review(audiences=[]),
        a_pods_review(audiences=None),
    ],
    ids=["no", "nothing", "error", "no-boolean", "other-audience", "no-audience", "unaware"],
)
async def test_a_token_that_is_not_good_or_not_for_us_is_refused(status: dict[str, Any]) -> None:
    world = World()
    world.reviews.status = status
    assert await world.says(a_token()) == "401 Unauthorized"


@pytest.mark.parametrize(
    "user",
    [
        None,
        {},
        {"username": "ada", "extra": a_pods_review()["user"]["extra"]},
        {"username": "system:serviceaccount:team:a:b"}
        | {"extra": a_pods_review()["user"]["extra"]},
        {"username": "system:serviceaccount:team:default"},
        {"username": "system:serviceaccount:team:default", "extra": {}},
        {"username": "system:serviceaccount:team:default", "extra": []},
        a_pods_review(pod="")["user"],
    ],
    ids=["null", "empty", "person", "strange", "no-extra", "no-pod", "no-map", "no-name"],
)
async def test_a_good_token_that_is_not_of_a_pod_is_forbidden(user: Any) -> None:
    world = World()
    world.reviews.status = a_pods_review(user=user)
    assert await world.says(a_token()) == "403 NotAPod"


async def test_the_same_token_is_reviewed_once_a_minute() -> None:
    world = World()
    for _ in range(3):
        assert isinstance(await world.says(a_token()), Identity)
    world.clock.advance(59.9)
    await world.says(a_token())
    assert len(world.reviews.asked) == 1

    world.clock.advance(0.1)
    world.reviews.status = {"authenticated": False}
    assert await world.says(a_token()) == "401 Unauthorized"
    assert len(world.reviews.asked) == 2


async def test_a_token_is_never_remembered_longer_than_it_is_good() -> None:
    world = World()
    token = a_token(exp=world.ends_in(20))
    await world.says(token)
    world.clock.advance(19.9)
    await world.says(token)
    assert len(world.reviews.asked) == 1

    world.clock.advance(0.1)
    await world.says(token)
    assert len(world.reviews.asked) == 2


async def test_a_token_that_says_that_it_has_ended_is_asked_for_each_time() -> None:
    world = World()
    token = a_token(exp=world.ends_in(-1))
    assert isinstance(await world.says(token), Identity)  # the server's word goes first
    await world.says(token)
    assert len(world.reviews.asked) == 2


@pytest.mark.parametrize(
    "payload",
    [{}, {"exp": None}, {"exp": "soon"}, {"exp": [1]}, {"exp": 10**400}, {"exp": 1e308}],
    ids=["none", "null", "words", "list", "huge", "far"],
)
async def test_a_strange_end_in_a_token_changes_nothing(payload: dict[str, Any]) -> None:
    world = World()
    await world.says(a_token(**payload))
    world.clock.advance(59.9)
    await world.says(a_token(**payload))
    assert len(world.reviews.asked) == 1


@pytest.mark.parametrize("payload", [b"[" * 4000, b"\xff\xfe", b'{"exp": NaN}', b"[]", b"1"])
async def test_a_payload_that_is_no_json_object_changes_nothing(payload: bytes) -> None:
    world = World()
    token = f"e30.{base64.urlsafe_b64encode(payload).decode().rstrip('=')}.c2ln"
    assert isinstance(await world.says(token), Identity)
    assert isinstance(await world.says(token), Identity)
    assert len(world.reviews.asked) == 1


async def test_a_refused_token_costs_one_review_every_few_seconds() -> None:
    world = World()
    world.reviews.status = {"authenticated": False}
    for _ in range(50):
        assert await world.says(a_token()) == "401 Unauthorized"
    assert len(world.reviews.asked) == 1

    world.reviews.status = a_pods_review()
    world.clock.advance(5)
    assert isinstance(await world.says(a_token()), Identity)


async def test_calls_at_once_with_one_token_share_one_review() -> None:
    world = World()
    world.reviews.open.clear()
    calls = [asyncio.create_task(world.says(a_token())) for _ in range(20)]
    await world.clock.settle()
    world.reviews.open.set()

    assert len(set(await asyncio.gather(*calls))) == 1
    assert len(world.reviews.asked) == 1


async def test_a_caller_who_leaves_takes_nothing_from_the_others() -> None:
    world = World()
    world.reviews.open.clear()
    first, second = (asyncio.create_task(world.says(a_token())) for _ in range(2))
    await world.clock.settle()
    first.cancel()
    await world.clock.settle()
    world.reviews.open.set()

    assert isinstance(await second, Identity)
    assert len(world.reviews.asked) == 1


async def test_a_review_is_remembered_when_everybody_has_left() -> None:
    world = World()
    world.reviews.open.clear()
    call = asyncio.create_task(world.says(a_token()))
    await world.clock.settle()
    call.cancel()
    world.reviews.open.set()
    await world.clock.settle()

    await world.says(a_token())
    assert len(world.reviews.asked) == 1


async def test_when_nobody_can_review_it_is_no_fault_of_the_token() -> None:
    world = World()
    world.reviews.error = away()
    assert await world.says(a_token()) == "503 ReviewUnavailable"

    world.reviews.error = None
    assert isinstance(await world.says(a_token()), Identity)


async def test_who_was_let_in_stays_in_while_nobody_can_review() -> None:
    world = World()
    await world.says(a_token())
    world.reviews.error = away()
    world.clock.advance(30)
    assert isinstance(await world.says(a_token()), Identity)


@pytest.mark.parametrize("status", [None, [], "yes"])
async def test_an_answer_that_is_no_review_is_no_fault_of_the_token(status: Any) -> None:
    world = World()
    world.reviews.status = status
    assert await world.says(a_token()) == "503 ReviewUnavailable"


async def test_a_fault_of_ours_is_no_fault_of_the_token(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    world.reviews.error = RuntimeError(f"about {a_token()}")
    assert await world.says(a_token()) == "503 ReviewUnavailable"
    assert "RuntimeError" in caplog.text


async def test_trouble_is_logged_once_and_without_the_token(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    world = World()
    world.reviews.error = away()
    for number in range(5):
        await world.says(a_token(f"worker-{number}"))
    assert [record.message for record in caplog.records if record.name != "asyncio"] == [
        "tokens of workers cannot be reviewed: 0 Unreachable"
    ]


async def test_no_refusal_tells_the_token(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    world = World()
    token = a_token()
    world.reviews.status = {"authenticated": False, "error": f"{token} is not good"}
    for header in (bearer(token), f"Basic {token}", token):
        with pytest.raises(Refusal) as caught:
            await world.tokens.identify(header)
        assert token not in caught.value.message
    assert token not in caplog.text
