"""Results become result documents that the engine reads, or are refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectra_operator.core.attempts.results import parse_result
from spectra_operator.dispatch.models import ResultCall, parsed
from spectra_operator.dispatch.refusal import Refusal
from spectra_operator.engine.desk_calls import Report
from unit.dispatch.bodies import JSON, raw, refusal, status_of


def a_result(**result: Any) -> ResultCall:
    return parsed(ResultCall, raw({"epoch": 1, "succeeded": True, "result": result}))


def test_a_result_becomes_a_result_document() -> None:
    call = a_result(
        outputs={"answer": 42, "none": None},
        usage={"inputTokens": 3, "cost": "0.0100"},
        message="dönè",
        spawn=[{"name": "next"}],
    )
    report = call.report("a")
    assert report.document == (
        '{"outputs":{"answer":42,"none":null},"usage":{"inputTokens":3,"cost":"0.0100"},'
        '"message":"dönè","spawn":[{"name":"next"}]}'
    )
    result = parse_result(report.document)
    assert (result.outputs, result.message) == ('{"answer":42,"none":null}', "dönè")
    assert (result.usage.input_tokens, str(result.usage.cost)) == (3, "0.010000000000")


@pytest.mark.parametrize("result", [{}, {"outputs": None, "message": None}])
def test_a_result_that_says_nothing_is_an_empty_document(result: dict[str, Any]) -> None:
    assert a_result(**result).report("a") == Report("a", 1, True, "", "", 0)


def test_a_failure_has_a_word_for_its_reason() -> None:
    body = {"epoch": 4, "succeeded": False, "reason": "RateLimited", "slots": 2}
    assert parsed(ResultCall, raw(body)).report("a") == Report("a", 4, False, "RateLimited", "", 2)


def test_the_same_body_makes_the_same_document() -> None:
    body = raw({"epoch": 1, "succeeded": True, "result": {"outputs": {"b": 1, "a": 0.1}}})
    assert len({parsed(ResultCall, body).report("a").document for _ in range(3)}) == 1


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"epoch": None}, "epoch: "),
        ({"succeeded": 1}, "succeeded: "),
        ({"succeeded": "true"}, "succeeded: "),
        ({"reason": "two words"}, "reason: "),
        ({"reason": ""}, "reason: "),
        ({"reason": "x" * 129}, "reason: "),
        ({"result": None}, "result: "),
        ({"result": []}, "result: "),
        ({"result": {"output": {}}}, "result.output: Extra inputs"),
        ({"result": {"outputs": []}}, "result.outputs: "),
        ({"result": {"spawn": {}}}, "result.spawn: "),
        ({"result": {"message": 1}}, "result.message: "),
        ({"result": {"usage": {"inputTokens": -1}}}, "result.usage.inputTokens: "),
        ({"result": {"usage": {"tokens": 1}}}, "result.usage.tokens: Extra inputs"),
        ({"slots": 33}, "slots: "),
        ({"slots": -1}, "slots: "),
    ],
)
def test_a_result_that_is_wrong_is_named(fields: dict[str, Any], message: str) -> None:
    told = refusal(ResultCall, {"epoch": 1, "succeeded": True} | fields)
    assert told.message.startswith(message)


@pytest.mark.parametrize(
    ("result", "reason", "message"),
    [
        ({"message": "x" * 4_000}, "TooLarge", "result: has 4014 bytes; send at most 4000"),
        ({"outputs": {"a": float("inf")}}, "BadRequest", "result: has a number that is out of"),
        ({"usage": {"cost": "much"}}, "ResultInvalid", "result: usage in the result has no"),
        ({"usage": {"cost": "-1"}}, "ResultInvalid", "result: usage.cost in the result is out"),
        ({"usage": {"cost": "NaN"}}, "ResultInvalid", "result: usage.cost in the result is out"),
    ],
    ids=["large", "infinite", "no-number", "negative", "nan"],
)
def test_a_result_that_breaks_the_contract_is_refused(
    result: dict[str, Any], reason: str, message: str
) -> None:
    with pytest.raises(Refusal) as caught:
        a_result(**result).report("a")
    assert (caught.value.status, caught.value.reason) == (400, reason)
    assert caught.value.message.startswith(message)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "outputs": st.dictionaries(st.text(), JSON),
            "usage": st.fixed_dictionaries({"cost": st.text() | st.floats() | st.integers()}),
            "message": st.text(),
            "spawn": st.lists(JSON),
        },
    )
)
def test_any_result_is_one_that_the_engine_reads_or_is_refused(result: dict[str, Any]) -> None:
    documents: list[str] = []
    report = lambda: documents.append(a_result(**result).report("a").document)  # noqa: E731
    assert status_of(report) in {200, 400}
    for document in documents:
        parse_result(document)
        assert len(document.encode()) <= 4_000
