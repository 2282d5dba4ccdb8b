"""The result document: what is in it, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spectra_agent import Result, ResultError, Usage, contract

ENVELOPE = len('{"outputs":{"x":""}}')


def test_a_document_holds_only_what_was_given() -> None:
    assert contract.encode(Result()) == b"{}"
    assert contract.encode(Result({"rows": 3})) == b'{"outputs":{"rows":3}}'


def test_usage_and_message_stand_beside_the_outputs() -> None:
    document = json.loads(contract.encode(Result({"a": 1}, Usage(10, 2, "0.0123"), "done")))
    assert document == {
        "outputs": {"a": 1},
        "usage": {"inputTokens": 10, "outputTokens": 2, "cost": "0.0123"},
        "message": "done",
    }


def test_a_document_of_exactly_the_limit_is_accepted() -> None:
    data = contract.encode(Result({"x": "a" * (contract.LIMIT_BYTES - ENVELOPE)}))
    assert len(data) == contract.LIMIT_BYTES


def test_one_byte_more_is_refused_and_the_size_is_named() -> None:
    with pytest.raises(ResultError, match=r"4,001 bytes of JSON, the limit is 4,000"):
        contract.encode(Result({"x": "a" * (contract.LIMIT_BYTES - ENVELOPE + 1)}))


def test_the_limit_counts_bytes_not_characters() -> None:
    with pytest.raises(ResultError, match="limit"):
        contract.encode(Result({"x": "é" * (contract.LIMIT_BYTES // 2)}))


@pytest.mark.parametrize("value", [float("nan"), {1, 2}, b"bytes", "\ud800"])
def test_what_json_cannot_say_is_refused(value: object) -> None:
    with pytest.raises(ResultError, match="not JSON"):
        contract.encode(Result({"x": value}))


@settings(deadline=None)
@given(st.text())
def test_any_message_fits_beside_small_outputs(message: str) -> None:
    document = json.loads(contract.encode(Result({"a": 1}, message=message * 9)))
    assert document["outputs"] == {"a": 1}
    assert len(document.get("message", "")) <= contract.MESSAGE_LIMIT


def test_a_long_message_keeps_both_its_ends() -> None:
    short = contract.shorten("first " + "x" * 5000 + " last")
    assert len(short) <= contract.MESSAGE_LIMIT
    assert short.startswith("first ")
    assert short.endswith(" last")


def test_the_document_goes_to_the_named_file(tmp_path: Path) -> None:
    path = tmp_path / "result"
    contract.write(Result({"a": 1}), {"SPECTRA_RESULT_PATH": str(path)})
    assert path.read_bytes() == b'{"outputs":{"a":1}}'


def test_a_refused_document_leaves_the_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "result"
    with pytest.raises(ResultError):
        contract.write(Result({"a": "x" * 5000}), {"SPECTRA_RESULT_PATH": str(path)})
    assert not path.exists()


def test_without_a_variable_the_termination_message_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "termination-log"
    log.touch()
    monkeypatch.setattr(contract, "DEFAULT_PATH", str(log))
    contract.write(Result({"a": 1}), {})
    assert log.read_bytes() == b'{"outputs":{"a":1}}'


def test_outside_a_pod_the_document_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(contract, "DEFAULT_PATH", str(tmp_path / "absent"))
    contract.write(Result({"a": 1}), {})
    assert capsys.readouterr().out == '{"outputs":{"a":1}}\n'


def test_a_planner_returns_tasks_beside_its_outputs() -> None:
    task = {"name": "build", "agent": "builder", "input": {"part": "a"}}
    document = json.loads(contract.encode(Result({"planned": 1}, spawn=[task])))
    assert document == {"outputs": {"planned": 1}, "spawn": [task]}
