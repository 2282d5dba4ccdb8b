"""What the SDK writes is what the operator reads."""

from __future__ import annotations

import json
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from spectra_agent import Result, ResultError, Usage, contract
from spectra_operator.api.constants import MAX_RESULT_BYTES
from spectra_operator.core.attempts.results import parse_result

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=10,
)


def test_both_sides_have_the_same_limit() -> None:
    assert contract.LIMIT_BYTES == MAX_RESULT_BYTES


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
