"""What a worker does with the tasks that it claims."""

from __future__ import annotations

import asyncio
import sys
from threading import Barrier, current_thread
from typing import Any

import pytest

from component.agent.conftest import Start
from component.agent.scripted_operator import PATIENCE, Operator, a_claim
from spectra_agent import Result, Task, Usage


def test_a_claim_becomes_a_task_and_its_outputs_a_result(operator: Operator, start: Start) -> None:
    seen: list[Task] = []

    def double(task: Task) -> dict[str, Any]:
        seen.append(task)
        return {"double": task.input["n"] * 2}

    operator.give(a_claim("a", "double", input={"n": 21}, index=3, attempt=2))
    start(double)
    operator.wait_results("a")

    assert operator.results["a"] == {
        "epoch": 1,
        "succeeded": True,
        "result": {"outputs": {"double": 42}},
        "slots": 1,
    }
    assert seen == [
        Task("double", {"n": 21}, workflow="w", phase="p", index=3, attempt=2, key="key-a")
    ]


def test_usage_and_message_reach_the_operator(operator: Operator, start: Start) -> None:
    operator.give(a_claim("a"))
    start(lambda _task: Result({"x": 1}, Usage(3, 4, "0.1"), "fine"))
    operator.wait_results("a")
    assert operator.results["a"]["result"] == {
        "outputs": {"x": 1},
        "usage": {"inputTokens": 3, "outputTokens": 4, "cost": "0.1"},
        "message": "fine",
    }


def test_async_handlers_share_one_loop_and_run_beside_each_other(
    operator: Operator, start: Start
) -> None:
    arrived: list[str] = []
    both = asyncio.Event()
    threads = set()

    async def meet(task: Task) -> dict[str, Any]:
        threads.add(current_thread().name)
        arrived.append(task.key)
        if len(arrived) == 2:
            both.set()
        await asyncio.wait_for(both.wait(), PATIENCE)
        return {"met": True}

    operator.give(a_claim("a"), a_claim("b"))
    start(meet, slots=2)
    operator.wait_results("a", "b")
    assert all(found["result"] == {"outputs": {"met": True}} for found in operator.results.values())
    assert threads == {"spectra-loop"}


def test_two_slots_work_at_once(operator: Operator, start: Start) -> None:
    meeting = Barrier(2)
    operator.give(a_claim("a"), a_claim("b"))
    start(lambda _task: {"place": min(meeting.wait(PATIENCE), 0)}, slots=2)
    operator.wait_results("a", "b")
    assert operator.of("claims")[0].body["slots"] == 2
    assert {found["succeeded"] for found in operator.results.values()} == {True}


def test_one_slot_does_one_after_the_other_and_asks_for_the_next_with_each_result(
    operator: Operator, start: Start
) -> None:
    names = [f"c{number}" for number in range(20)]
    order: list[str] = []
    operator.give(*(a_claim(name) for name in names))
    start(lambda task: order.append(task.key))
    operator.wait_results(*names)
    assert order == [f"key-{name}" for name in names]
    assert [call.body["slots"] for call in operator.of("result")] == [1] * 20
    assert len(operator.of("claims")) <= 2


def test_an_exception_fails_the_task_with_its_text_and_its_class(
    operator: Operator, start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_task: Task) -> dict[str, Any]:
        return {"sum": len(3)}  # type: ignore[arg-type]

    operator.give(a_claim("a"))
    start(broken)
    operator.wait_results("a")
    assert operator.results["a"]["succeeded"] is False
    assert operator.results["a"]["reason"] == "TypeError"
    assert operator.results["a"]["result"] == {"message": "object of type 'int' has no len()"}
    assert "Traceback" in capsys.readouterr().err


async def _leave(_task: Task) -> None:
    sys.exit(3)


def _leave_at_once(_task: Task) -> None:
    sys.exit(3)


@pytest.mark.parametrize(
    ("handler", "reason"), [(_leave, "AgentError"), (_leave_at_once, "SystemExit")]
)
def test_a_handler_that_exits_ends_its_task_and_not_the_worker(
    operator: Operator, start: Start, handler: Any, reason: str
) -> None:
    operator.give(a_claim("a"), a_claim("b"))
    start(handler)
    operator.wait_results("a", "b")
    assert {found["reason"] for found in operator.results.values()} == {reason}


def test_a_result_that_is_too_large_fails_the_task_and_says_so(
    operator: Operator, start: Start
) -> None:
    operator.give(a_claim("a"))
    start(lambda _task: {"x": "a" * 5000})
    operator.wait_results("a")
    assert operator.results["a"]["reason"] == "ResultError"
    assert "5,020 bytes of JSON" in operator.results["a"]["result"]["message"]
