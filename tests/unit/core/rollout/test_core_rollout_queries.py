"""Queries of an analysis: what is asked, whom, and what an answer says."""

from __future__ import annotations

import json

import pytest

from builders.prometheus import a_scalar, a_vector, an_answer, an_error
from spectra_operator.core.rollout.conditions import Verdict, look_at_value
from spectra_operator.core.rollout.queries import (
    QueryError,
    address_problem,
    questions,
    read_answer,
    refusal,
)
from unit.core.rollout.rollout_cases import a_rollout

ADDRESS = "http://prometheus.monitoring:9090"


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("up", "up"),
        ('e{r="{{revision}}"} / e{r="{{ stable }}"}', 'e{r="new"} / e{r="old"}'),
        ('{job="{{other}}"}', '{job="{{other}}"}'),
    ],
)
def test_the_revisions_are_filled_in(written: str, asked: str) -> None:
    query = {"name": "q", "query": written, "condition": "value < 1"}
    rollout = a_rollout(analysis={"prometheus": {"address": ADDRESS, "queries": [query]}})
    assert rollout.analysis is not None

    (question,) = questions(rollout.analysis.prometheus, "new", "old")

    assert (question.name, question.address, question.query) == ("q", ADDRESS, asked)


def test_without_prometheus_nothing_is_asked() -> None:
    assert questions(None, "new", "old") == ()


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (a_vector("0.25"), 0.25),
        (a_scalar("3"), 3.0),
        (a_vector("-1e3"), -1000.0),
        (a_vector("+Inf"), float("inf")),
        (a_vector(), None),
        (a_vector("NaN"), None),
        (a_scalar("NaN"), None),
    ],
)
def test_one_number_is_a_value_and_nothing_or_nan_is_no_data(
    body: bytes, value: float | None
) -> None:
    assert read_answer(200, body) == value


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (200, a_vector("1", "2"), "it gives 2 series; aggregate them to one"),
        (200, an_answer("matrix", []), "it gives a matrix"),
        (200, an_answer("string", [1.5, "x"]), "it gives a string"),
        (200, an_answer("vector", None), "it gives a vector"),
        (200, an_answer("vector", [{"metric": {}, "histogram": [1.5, {}]}]), "gives no number"),
        (200, an_answer("vector", [7]), "gives no number"),
        (200, a_vector("many"), "gives no number"),
        (200, an_answer("scalar", [1.5, 7]), "gives no number"),
        (200, json.dumps({"status": "success"}).encode(), "it gives a None"),
        (400, an_error("bad_data", "1:3: parse error"), "HTTP 400, bad_data: 1:3: parse error"),
        (200, an_error("timeout", "too\nslow"), "HTTP 200, timeout: too slow"),
        (503, b"<html>secret page</html>", "HTTP 503, and the answer is not one of Prometheus"),
        (302, a_vector("1"), "HTTP 302, and the answer is not one of Prometheus"),
        (200, b"[" * 60_000, "the answer is not one of Prometheus"),
        (200, b"\xff\xfe", "the answer is not one of Prometheus"),
        (200, b"[]", "the answer is not one of Prometheus"),
    ],
)
def test_anything_else_is_an_error_of_who_was_asked(status: int, body: bytes, says: str) -> None:
    with pytest.raises(QueryError) as raised:
        read_answer(status, body)

    assert says in str(raised.value)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("value", ["+Inf", "0.6"])
def test_a_ratio_that_knows_no_bound_breaks_one(value: str) -> None:
    finding = look_at_value("value < 0.5", read_answer(200, a_vector(value)))

    assert finding.verdict is Verdict.FAILED


@pytest.mark.parametrize(
    "address",
    [ADDRESS, "https://prometheus.example.com", "http://[::1]:9090/a/b/", "http://10.0.0.1"],
)
def test_a_url_of_a_server_is_well(address: str) -> None:
    assert address_problem(address) == ""


@pytest.mark.parametrize(
    "address",
    [
        "ftp://prometheus",
        "file:///etc/passwd",
        "http://",
        "http:///path",
        "http://host:0",
        "http://host:99999",
        "http://host:port",
        "http://[::1",
        "http://user@host",
        "http://user:pass@host:9090",
        "http://host?x=1",
        "http://host/#x",
        "http://host/?",
        "http://ho\nst",
        "http://hóst",
    ],
)
def test_what_is_no_plain_url_is_refused_whatever_is_allowed(address: str) -> None:
    assert address_problem(address)
    assert "cannot be used" in refusal(address, {"*", address})


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        (ADDRESS, [ADDRESS]),
        (ADDRESS + "/", [ADDRESS]),
        (ADDRESS, ["http://other", ADDRESS.upper().replace("HTTP", "http") + "/"]),
        ("https://prometheus:443/a", ["https://prometheus/a/"]),
        ("http://anything", ["*"]),
    ],
)
def test_who_is_on_the_list_may_be_asked(address: str, allowed: list[str]) -> None:
    assert refusal(address, allowed) == ""


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        (ADDRESS, []),
        (ADDRESS, ["http://prometheus.monitoring"]),
        (ADDRESS, ["https://prometheus.monitoring:9090"]),
        (ADDRESS + "/../admin", [ADDRESS]),
        (ADDRESS + "/a", [ADDRESS]),
        ("http://prometheus.monitoring.evil:9090", [ADDRESS]),
        (ADDRESS, ["no url"]),
    ],
)
def test_who_is_not_on_it_may_not_and_the_text_names_the_list(
    address: str, allowed: list[str]
) -> None:
    said = refusal(address, allowed)

    assert address in said
    assert "rollouts.prometheusAddresses" in said
