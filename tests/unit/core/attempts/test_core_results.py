"""The result document: what a task may hand back, and what is refused."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectra_operator.core.attempts.results import Result, ResultError, Usage, parse_result
from spectra_operator.core.spec.nesting import too_deep
from unit.core.core_settings import steady

LIMIT = 4000


def document_of(size: int) -> str:
    """Return a document of exactly that many bytes."""
    empty = '{"outputs":{"x":""}}'
    return empty[:-3] + "a" * (size - len(empty)) + empty[-3:]


def reason(text: str) -> str:
    """Return why a result is refused."""
    with pytest.raises(ResultError) as caught:
        parse_result(text)
    return caught.value.reason


def test_outputs_usage_and_message_are_taken_from_the_document() -> None:
    text = (
        '{"outputs": {"a": [1, null]}, "message": "ok",'
        ' "usage": {"inputTokens": 7, "outputTokens": 3, "cost": "0.0123"}}'
    )
    assert parse_result(text) == Result('{"a":[1,null]}', Usage(7, 3, Decimal("0.0123")), "ok")


@pytest.mark.parametrize("text", ["", "  ", "done", "[1, 2]", "3", '"x"', '{"rows": 3}', "{", "}{"])
def test_what_speaks_not_the_contract_is_just_a_message(text: str) -> None:
    assert parse_result(text) == Result(message=text)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_what_is_not_json_is_just_a_message(number: str) -> None:
    text = f'{{"outputs": {{"x": {number}}}}}'
    assert parse_result(text) == Result(message=text)


def test_a_long_message_is_cut_to_what_status_holds() -> None:
    assert len(parse_result("x" * 5000).message) == 1024
    assert len(parse_result(json.dumps({"message": "x" * 3000})).message) == 1024


@pytest.mark.parametrize("text", ['{"outputs": {}}', '{"outputs": null}', '{"message": ""}'])
def test_empty_outputs_are_no_outputs(text: str) -> None:
    assert parse_result(text) == Result()


def test_a_document_of_exactly_the_limit_is_taken() -> None:
    assert len(parse_result(document_of(LIMIT)).outputs) > 3900


def test_one_byte_more_is_refused_with_both_sizes() -> None:
    with pytest.raises(ResultError, match=r"4001 bytes; return at most 4000") as caught:
        parse_result(document_of(LIMIT + 1))
    assert caught.value.reason == "ResultTooLarge"


def test_the_limit_counts_bytes_not_characters() -> None:
    text = json.dumps({"outputs": {"x": "ä" * 2000}}, ensure_ascii=False)
    assert len(text) < LIMIT
    assert reason(text) == "ResultTooLarge"


def test_a_document_of_which_the_kubelet_kept_only_the_end_is_refused() -> None:
    assert reason(document_of(9000)[-4096:]) == "ResultTruncated"
    assert reason(document_of(9000)[-4096:] + "\n") == "ResultTruncated"


def test_a_long_text_that_ends_like_no_document_is_a_message() -> None:
    assert parse_result("x" * 4096).message == "x" * 1024
    assert parse_result("short }").message == "short }"


@pytest.mark.parametrize("outputs", ["[]", '"x"', "3", "true"])
def test_outputs_must_be_an_object(outputs: str) -> None:
    assert reason(f'{{"outputs": {outputs}}}') == "ResultInvalid"


def test_outputs_with_a_number_beyond_all_bounds_are_refused() -> None:
    assert reason('{"outputs": {"x": 1e999}}') == "ResultInvalid"


def test_outputs_may_nest_so_deep_and_no_deeper() -> None:
    deep = "[" * 31 + "]" * 31
    assert parse_result(f'{{"outputs": {{"x": {deep}}}}}').outputs == f'{{"x":{deep}}}'
    assert reason(f'{{"outputs": {{"x": [{deep}]}}}}') == "ResultInvalid"


def test_a_document_that_nests_beyond_reading_is_a_message() -> None:
    text = '{"outputs": {"x": ' + "[" * 1500 + "]" * 1500 + "}}"
    assert parse_result(text).outputs == ""


@pytest.mark.parametrize(
    "usage",
    [
        pytest.param('"much"', id="a word"),
        pytest.param("[1]", id="a list"),
        pytest.param('{"inputTokens": "many"}', id="tokens in words"),
        pytest.param('{"inputTokens": null}', id="null tokens"),
        pytest.param('{"inputTokens": 1e999}', id="endless tokens"),
        pytest.param('{"inputTokens": -1}', id="negative input"),
        pytest.param('{"outputTokens": -1}', id="negative output"),
        pytest.param('{"outputTokens": 1000000000000001}', id="too many tokens"),
        pytest.param('{"cost": "free"}', id="cost in words"),
        pytest.param('{"cost": "-0.01"}', id="negative cost"),
        pytest.param('{"cost": "NaN"}', id="not a number"),
        pytest.param('{"cost": "Infinity"}', id="endless cost"),
        pytest.param('{"cost": "1e12"}', id="too high a cost"),
    ],
)
def test_usage_must_be_numbers_within_bounds(usage: str) -> None:
    assert reason(f'{{"usage": {usage}}}') == "ResultInvalid"


def test_the_highest_usage_is_taken() -> None:
    usage = {"inputTokens": 10**15, "outputTokens": 10**15, "cost": "999999999999.999999999999"}
    parsed = parse_result(json.dumps({"usage": usage})).usage
    assert (parsed.input_tokens, str(parsed.cost)) == (10**15, "999999999999.999999999999")


@pytest.mark.parametrize(
    ("cost", "kept"), [("0.1", "0.1"), (0.1, "0.1"), (2, "2"), ("1e-5", "0.00001"), ("1e-40", "0")]
)
def test_a_cost_keeps_twelve_places(cost: object, kept: str) -> None:
    assert parse_result(json.dumps({"usage": {"cost": cost}})).usage.cost == Decimal(kept)


def test_a_sum_of_usage_stops_at_what_a_status_can_hold() -> None:
    most = parse_result(
        '{"usage": {"inputTokens": 1000000000000000, "cost": "999999999999.999999999999"}}'
    ).usage
    assert most + most == most
    assert most + Usage(output_tokens=1) == Usage(10**15, 1, most.cost)


@pytest.mark.parametrize(
    ("value", "depth", "deep"),
    [(1, 0, False), ([], 0, True), ([], 1, False), ([[]], 1, True), ({"a": [{}]}, 3, False)],
)
def test_depth_counts_lists_and_objects(value: object, depth: int, deep: bool) -> None:
    assert too_deep(value, depth) is deep


@steady(200)
@given(st.text(alphabet='{}[]":,0123456789eaostupgNI.-\\ ü', max_size=80))
def test_no_text_breaks_the_parser(text: str) -> None:
    try:
        result = parse_result(text)
    except ResultError as error:
        assert error.reason in ("ResultInvalid", "ResultTooLarge", "ResultTruncated")  # noqa: PT017
    else:
        assert not result.outputs or isinstance(json.loads(result.outputs), dict)
