"""What the SDK writes is what the operator reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from spectra_agent import Result, ResultError, Usage, contract
from spectra_agent.pool.book import Book
from spectra_agent.pool.claim import Claim
from spectra_agent.pool.heart import Heart
from spectra_agent.pool.held import CHECKPOINT_BYTES, MESSAGE_CHARACTERS, Held
from spectra_agent.pool.line import Line, Place, Token
from spectra_agent.pool.perform import failure
from spectra_agent.pool.settings import MOST_SLOTS, Settings
from spectra_operator.api.constants import MAX_CHECKPOINT_BYTES, MAX_RESULT_BYTES
from spectra_operator.core.attempts.results import parse_result
from spectra_operator.dispatch.models import (
    MAX_SLOTS,
    HeartbeatCall,
    ResultCall,
    parsed,
)
from spectra_operator.dispatch.server import MAX_BODY

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=10,
)


def test_both_sides_have_the_same_limit() -> None:
    assert contract.LIMIT_BYTES == MAX_RESULT_BYTES
    assert CHECKPOINT_BYTES == MAX_CHECKPOINT_BYTES
    assert MOST_SLOTS == MAX_SLOTS


@settings(deadline=None)
@given(st.dictionaries(st.text(max_size=8), JSON, min_size=1), st.text(max_size=50))
def test_the_operator_reads_what_was_returned(outputs: dict[str, object], message: str) -> None:
    try:
        document = contract.encode(Result(outputs, message=message))
    except ResultError as refused:
        assert "bytes of JSON" in str(refused) or "not JSON" in str(refused)  # noqa: PT017
        return
    read = parse_result(document.decode())
    assert json.loads(read.outputs) == outputs
    assert read.message == message


def test_the_operator_reads_usage_exactly() -> None:
    read = parse_result(contract.encode(Result(usage=Usage(12, 3, "0.10000001"))).decode())
    assert (read.usage.input_tokens, read.usage.output_tokens) == (12, 3)
    assert read.usage.cost == Decimal("0.10000001")


def test_the_longest_message_of_the_sdk_is_kept_whole_by_the_operator() -> None:
    document = contract.encode(Result(message="m" * 5000)).decode()
    assert parse_result(document).message == json.loads(document)["message"]


@settings(deadline=None)
@given(JSON, st.floats(allow_nan=False), st.text())
def test_the_operator_reads_every_beat(checkpoint: object, percent: float, message: str) -> None:
    held = Held(Claim("a", 1, "t", "", "", "", 0, 1, {}, None))
    held.progress(percent, message)
    if checkpoint is not None:
        held.checkpoint(checkpoint)
    beat, _ = held.news(CHECKPOINT_BYTES)
    [read] = parsed(HeartbeatCall, json.dumps({"claims": [beat]}).encode()).beats()
    assert json.loads(read.checkpoint or "null") == checkpoint
    assert json.loads(read.progress)["message"] == message[:MESSAGE_CHARACTERS]


@settings(deadline=None)
@given(st.from_regex(r"[^\W\d]\w{0,200}", fullmatch=True), st.text())
def test_the_operator_reads_every_failure(name: str, message: str) -> None:
    outcome = failure(type(name, (Exception,), {})(message))
    body = {"epoch": 1, "succeeded": False, "reason": outcome.reason, "result": outcome.document}
    report = parsed(ResultCall, json.dumps(body).encode()).report("a")
    assert report.reason == outcome.reason
    assert parse_result(report.document).message


def test_the_largest_heartbeat_fits() -> None:
    book = Book(MOST_SLOTS)
    for number in range(MOST_SLOTS):
        name = f"{number:063}"
        book.accept([Claim(name, 2**53, "t", "", "", "", 0, 1, {}, None)])
    for held in book.all():
        held.progress(100, "\x00" * 1000)
        held.checkpoint("\x00" * 682)
    sent: list[bytes] = []

    class Noted(Line):
        """Notes what would be sent."""

        def _ask(
            self, path: str, data: bytes, seconds: float
        ) -> tuple[int, Mapping[str, str], bytes]:
            sent.append(data)
            return 200, {}, b"{}"

    line = Noted(Place("http://x:1"), Token("/none"), "i")
    heart = Heart(line, book, Settings("http://x:1", "/none"))
    while heart.beat():
        pass
    assert max(len(data) for data in sent) <= MAX_BODY
    read = [beat for data in sent for beat in parsed(HeartbeatCall, data).beats()]
    assert len([beat for beat in read if beat.checkpoint]) == MOST_SLOTS
