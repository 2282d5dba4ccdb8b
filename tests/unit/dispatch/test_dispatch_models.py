"""What may be said in a body, and how what may not is told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectra_operator.dispatch.models import (
    ClaimsCall,
    HeartbeatCall,
    ReleaseCall,
    ResultCall,
    Said,
    claim_id,
    parsed,
)
from spectra_operator.dispatch.refusal import Refusal
from spectra_operator.engine.desk_calls import Beat
from unit.dispatch.bodies import JSON, raw, refusal, status_of

MODELS = (ClaimsCall, HeartbeatCall, ResultCall, ReleaseCall)


def a_beat(**fields: Any) -> HeartbeatCall:
    return parsed(HeartbeatCall, raw({"claims": [{"id": "a", "epoch": 1} | fields]}))


def test_a_call_for_work_says_what_can_be_taken() -> None:
    call = parsed(ClaimsCall, b'{"slots": 2, "waitSeconds": 1.5, "known": ["a-1", "b-2"]}')
    assert (call.slots, call.wait_seconds, call.known) == (2, 1.5, ("a-1", "b-2"))


def test_a_call_for_work_waits_only_if_it_says_so() -> None:
    call = parsed(ClaimsCall, b'{"slots": 1}')
    assert (call.wait_seconds, call.known) == (0, ())


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "slots: Field required"),
        ({"slots": 0}, "slots: Input should be greater than or equal to 1"),
        ({"slots": 33}, "slots: Input should be less than or equal to 32"),
        ({"slots": "1"}, "slots: Input should be a valid integer"),
        ({"slots": 1.0}, "slots: Input should be a valid integer"),
        ({"slots": True}, "slots: Input should be a valid integer"),
        ({"slots": None}, "slots: Input should be a valid integer"),
        ({"slots": 1, "waitSeconds": 31}, "waitSeconds: Input should be less than"),
        ({"slots": 1, "waitSeconds": -1}, "waitSeconds: Input should be greater than"),
        ({"slots": 1, "waitSeconds": float("nan")}, "waitSeconds: Input should be a finite"),
        ({"slots": 1, "wait_seconds": 1}, "wait_seconds: Extra inputs are not permitted"),
        ({"slots": 1, "known": "a"}, "known: Input should be a valid array"),
        ({"slots": 1, "known": [1]}, "known.0: Input should be a valid string"),
        ({"slots": 1, "known": ["A"]}, "known.0: String should match pattern"),
        ({"slots": 1, "known": ["a\n"]}, "known.0: String should match pattern"),
        ({"slots": 1, "known": ["a"] * 65}, "known: Tuple should have at most 64 items"),
        ([], "the body: Input should be an object"),
        (None, "the body: Input should be an object"),
        (b"", "the body: Invalid JSON: EOF"),
        (b"{}{}", "the body: Invalid JSON: trailing"),
        (b'{"slots": 1', "the body: Invalid JSON: EOF"),
        (b"\xff\xfe", "the body: Invalid JSON"),
        (b"[" * 60_000, "the body: Invalid JSON: recursion limit"),
        (b'{"slots":' * 6_000, "the body: Invalid JSON: recursion limit"),
        (b'{"slots":' + b"9" * 60_000 + b"}", "the body: Invalid JSON: number out of range"),
    ],
)
def test_a_wrong_body_is_refused_with_its_field(body: Any, message: str) -> None:
    told = refusal(ClaimsCall, body)
    assert (told.status, told.reason) == (400, "BadRequest")
    assert told.message.startswith(message)


def test_what_is_wrong_is_told_in_few_words_however_much_it_is() -> None:
    body = {"slots": 1} | {f"x{number}" * 500: 1 for number in range(100)}
    told = refusal(ClaimsCall, body)
    assert told.message.count(";") == 5
    assert told.message.endswith("and 95 more")
    assert len(told.message) <= 1_000


def test_a_body_of_nothing_but_faults_is_refused_without_a_list_of_them() -> None:
    told = refusal(ClaimsCall, {f"x{number}": 1 for number in range(5_000)})
    assert told.message == "the body: 5001 fields are wrong; see GET /openapi.json"
    told = refusal(HeartbeatCall, {"claims": [{}] * 20_000})
    assert told.message.startswith("claims.0.id: Field required; claims.0.epoch: Field required")


@pytest.mark.parametrize("model", MODELS)
def test_no_field_is_lost_in_silence(model: type[Said]) -> None:
    assert "sluts: Extra inputs are not permitted" in refusal(model, {"sluts": 1}).message


@given(st.sampled_from(MODELS), JSON)
def test_any_json_is_taken_or_refused(model: type[Said], body: Any) -> None:
    assert status_of(lambda: parsed(model, raw(body))) in {200, 400}


@given(st.sampled_from(MODELS), st.binary(max_size=200))
def test_any_bytes_are_taken_or_refused(model: type[Said], body: bytes) -> None:
    assert status_of(lambda: parsed(model, body)) in {200, 400}


@given(JSON)
def test_any_checkpoint_becomes_the_same_json_or_is_refused(value: Any) -> None:
    beats: list[Beat] = []
    assert status_of(lambda: beats.extend(a_beat(checkpoint=value).beats())) in {200, 400}
    assert all(json.loads(beat.checkpoint or "null") == value for beat in beats)


def test_a_beat_carries_progress_and_checkpoint_as_compact_text() -> None:
    call = a_beat(
        epoch=3, progress={"percent": 12.5, "message": "café"}, checkpoint={"page": [1, 2]}
    )
    assert call.beats() == [Beat("a", 3, '{"percent":12.5,"message":"café"}', '{"page":[1,2]}')]


def test_a_beat_without_news_says_none() -> None:
    assert a_beat().beats() == [Beat("a", 1)]
    assert a_beat(progress=None, checkpoint=None).beats() == [Beat("a", 1)]
    assert parsed(HeartbeatCall, b"{}").beats() == []


@pytest.mark.parametrize(
    ("checkpoint", "message"),
    [
        ("x" * 4_095, "claims.0.checkpoint: has 4097 bytes; send at most 4096"),
        ("é" * 2_048, "claims.0.checkpoint: has 4098 bytes; send at most 4096"),
        (float("inf"), "claims.0.checkpoint: has a number that is out of range"),
        ({"a": [float("nan")]}, "claims.0.checkpoint: has a number that is out of range"),
    ],
    ids=["large", "large-in-bytes", "infinite", "no-number"],
)
def test_a_checkpoint_that_cannot_be_kept_is_refused(checkpoint: Any, message: str) -> None:
    with pytest.raises(Refusal) as caught:
        a_beat(checkpoint=checkpoint).beats()
    assert (caught.value.status, caught.value.message) == (400, message)


def test_a_checkpoint_may_be_as_large_as_it_is_said() -> None:
    (beat,) = a_beat(checkpoint="x" * 4_094).beats()
    assert len(beat.checkpoint) == 4_096


def test_a_checkpoint_nests_so_deep_and_no_deeper() -> None:
    value: Any = 1
    for _ in range(32):
        value = [value]
    a_beat(checkpoint=value).beats()
    with pytest.raises(Refusal, match="nests deeper than 32 levels"):
        a_beat(checkpoint=[value]).beats()


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"progress": {"percent": 101}}, "claims.0.progress.percent"),
        ({"progress": {"percent": "half"}}, "claims.0.progress.percent"),
        ({"progress": {"message": "x" * 257}}, "claims.0.progress.message"),
        ({"progress": {"done": 1}}, "claims.0.progress.done"),
        ({"epoch": -1}, "claims.0.epoch"),
        ({"epoch": 2**53 + 1}, "claims.0.epoch"),
        ({"id": "../x"}, "claims.0.id"),
        ({"id": "x" * 64}, "claims.0.id"),
    ],
)
def test_a_beat_that_is_wrong_is_named(fields: dict[str, Any], field: str) -> None:
    assert refusal(
        HeartbeatCall, {"claims": [{"id": "a", "epoch": 1} | fields]}
    ).message.startswith(f"{field}: ")


def test_a_release_may_say_why() -> None:
    call = parsed(ReleaseCall, b'{"epoch": 2, "reason": "the node is drained"}')
    assert (call.epoch, call.reason) == (2, "the node is drained")
    assert parsed(ReleaseCall, b'{"epoch": 2}').reason == ""
    assert refusal(ReleaseCall, {"epoch": 2, "reason": "x" * 257}).message.startswith("reason: ")


def test_an_id_is_the_name_of_an_attempt() -> None:
    assert claim_id("flow-work-a-0-bcdfghjk") == "flow-work-a-0-bcdfghjk"
    assert claim_id("x" * 63) == "x" * 63


@pytest.mark.parametrize(
    "text", ["", "-a", "a-", "A", "a/b", "a b", "ä", "x" * 64, "x" * 9_000, "\udcff", "..", "a\x00"]
)
def test_what_is_no_id_is_refused(text: str) -> None:
    with pytest.raises(Refusal, match=r"^id: ") as caught:
        claim_id(text)
    assert caught.value.status == 400
