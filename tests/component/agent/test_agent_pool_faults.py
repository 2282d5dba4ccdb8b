"""A worker whose operator is slow, away, elsewhere, or talks nonsense."""

from __future__ import annotations

import io
import json
from threading import Event
from typing import Any

import pytest

from component.agent.conftest import KINDS, Counter, Gate, Start
from component.agent.scripted_operator import (
    DROPPED,
    GARBAGE,
    LOST,
    PATIENCE,
    Fault,
    Operator,
    a_claim,
    operating,
)
from spectra_agent import Task

AWAY = Fault(503, b'{"status": 503, "reason": "Unavailable"}', {"Retry-After": "0"})
BUSY = Fault(429, b"{}", {"Retry-After": "0"})
TROUBLE = {
    "no answer": DROPPED,
    "a lost answer": LOST,
    "503": AWAY,
    "429": BUSY,
    "500": Fault(500, b"oops"),
    "401": Fault(401),
    "garbage": GARBAGE,
    "a list": Fault(200, b"[]"),
    "an answer cut off": Fault(200, b'{"claims": ['),
    "nowhere to go": Fault(421, b'{"address": ""}'),
    "a redirection": Fault(302, b"", {"Location": "http://example.com"}),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("trouble", TROUBLE)
def test_every_call_is_repeated_through_trouble_and_nothing_runs_twice(
    operator: Operator, start: Start, kind: str, trouble: str
) -> None:
    handler = Counter()
    operator.fault(kind, *[TROUBLE[trouble]] * 5)
    operator.give(a_claim("a"), a_claim("b"), a_claim("c"))
    start(handler, slots=2)
    operator.wait_calls(kind, 6)
    operator.wait_results("a", "b", "c")
    assert sorted(handler.ran) == ["key-a", "key-b", "key-c"]


@pytest.mark.parametrize(
    "claims",
    [
        b'{"claims": [{"id": "x"}]}',
        b'{"claims": ["x"]}',
        b'{"claims": {}}',
        b'{"claims": [{"id": 5, "epoch": 1, "task": "t"}]}',
        b'{"claims": [{"id": "x", "epoch": 1, "task": "t", "input": []}]}',
    ],
)
def test_claims_of_another_shape_are_not_run(
    operator: Operator, start: Start, claims: bytes
) -> None:
    handler = Counter()
    operator.fault("claims", Fault(200, claims))
    operator.fault("result", Fault(200, claims, heard=True))
    operator.give(a_claim("a"), a_claim("b"))
    start(handler)
    operator.wait_results("a", "b")
    assert handler.ran == ["key-a", "key-b"]


def test_a_claim_that_is_offered_again_is_not_run_twice(operator: Operator, start: Start) -> None:
    handler = Counter()
    again = Fault(200, f'{{"claims": [{a_json("a")}, {a_json("a")}]}}'.encode())
    operator.open["a"] = a_claim("a")
    operator.fault("claims", again, again)
    start(handler, slots=2)
    operator.wait_results("a")
    operator.fault("claims", again)
    operator.give(a_claim("b"))
    operator.wait_results("b")
    operator.give(a_claim("c"))
    operator.wait_results("c")
    assert handler.ran == ["key-a", "key-b", "key-c"]


def a_json(name: str) -> str:
    return json.dumps(a_claim(name))


def test_every_poll_names_the_claims_in_hand(gate: Gate, operator: Operator, start: Start) -> None:
    def waits(_task: Task) -> None:
        gate.stop_here()

    operator.give(a_claim("a"))
    start(waits, slots=2)
    second = operator.wait_calls("claims", 2)
    assert (second.body["slots"], second.body["known"]) == (1, ["a"])
    gate.opened.set()
    operator.wait_results("a")


def test_claims_beyond_the_slots_wait_their_turn(
    gate: Gate, operator: Operator, start: Start
) -> None:
    running: list[str] = []

    def waits(task: Task) -> None:
        running.append(task.key)
        gate.stop_here()

    operator.open = {name: a_claim(name) for name in ("a", "b", "c")}
    start(waits)
    gate.wait_reached()
    assert running == ["key-a"]
    beat = operator.wait_calls("heartbeat", len(operator.of("heartbeat")) + 2)
    assert [claim["id"] for claim in beat.body["claims"]] == ["a", "b", "c"]
    gate.opened.set()
    operator.wait_results("a", "b", "c")
    assert [call.body["slots"] for call in operator.of("result")] == [0, 0, 1]


def test_a_result_that_comes_too_late_is_dropped_and_the_next_task_done(
    operator: Operator, start: Start
) -> None:
    def fenced(task: Task) -> None:
        if task.key == "key-a":
            operator.open.clear()

    operator.give(a_claim("a"))
    start(fenced)
    operator.wait_calls("result", 1)
    operator.give(a_claim("b"))
    operator.wait_results("b")
    assert [call.claim for call in operator.of("result")] == ["a", "b"]


def test_a_result_that_is_refused_for_its_content_becomes_a_failure(
    operator: Operator, start: Start
) -> None:
    operator.fault("result", Fault(400, b'{"message": "result: nested too deeply"}'))
    operator.give(a_claim("a"))
    start(lambda _task: {"deep": []})
    operator.wait_results("a")
    told = operator.results["a"]
    assert (told["succeeded"], told["reason"]) == (False, "ResultRefused")
    assert "400 result: nested too deeply" in told["result"]["message"]


def test_a_claim_whose_failure_is_refused_too_is_given_back(
    operator: Operator, start: Start
) -> None:
    operator.fault("result", Fault(400), Fault(413))
    operator.give(a_claim("a"))
    start(lambda _task: {"deep": []})
    assert operator.wait_calls("release", 1).body == {
        "epoch": 1,
        "reason": "the operator refused the result: 413",
    }
    operator.give(a_claim("b"))
    operator.wait_results("b")


def test_a_heartbeat_that_is_refused_for_its_content_goes_on_without_it(
    gate: Gate, operator: Operator, start: Start
) -> None:
    def work(task: Task) -> None:
        task.checkpoint({"poison": True})
        gate.stop_here()
        raise ValueError

    operator.hold("heartbeat")
    operator.give(a_claim("a"))
    start(work)
    gate.wait_reached()
    operator.fault("heartbeat", *[Fault(400)] * 2)
    operator.let_go("heartbeat")
    later = operator.wait_calls("heartbeat", 4)
    assert later.body["claims"] == [{"id": "a", "epoch": 1}]
    gate.opened.set()
    operator.wait_results("a")


def test_a_worker_whose_operator_is_away_keeps_its_tasks_and_reports_them_later(
    gate: Gate, start: Start
) -> None:
    ended = Event()

    def work(_task: Task) -> dict[str, Any]:
        gate.stop_here()
        ended.set()
        return {"kept": True}

    with operating() as first:
        first.give(a_claim("a"))
        start(work, url=first.url)
        gate.wait_reached()
    gate.opened.set()
    assert ended.wait(PATIENCE)
    with operating(first.port, first.open) as again:
        again.wait_results("a")
        again.give(a_claim("b"))
        again.wait_results("b")
        assert again.results["a"]["result"] == {"outputs": {"kept": True}}


def test_one_outage_is_told_once(operator: Operator, start: Start, log: io.StringIO) -> None:
    operator.fault("heartbeat", *[AWAY] * 10)
    start(Counter())
    operator.wait_calls("heartbeat", 12)
    told = [line for line in log.getvalue().splitlines() if "heartbeat" in line]
    assert told == [
        "spectra_agent: heartbeat: the operator answered 503 Unavailable; trying again",
        "spectra_agent: heartbeat: works again after 10 failed tries",
    ]
