"""What a worker does with the tasks that it claims."""

from __future__ import annotations

import asyncio
import sys
from threading import Barrier, Event, current_thread
from typing import Any

import pytest

from component.agent.conftest import Gate, Start
from component.agent.scripted_operator import PATIENCE, Operator, a_claim
from spectra_agent import CheckpointError, Result, Task, Usage


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


def test_progress_reaches_the_operator_while_the_task_runs(
    gate: Gate, operator: Operator, start: Start
) -> None:
    def slow(task: Task) -> None:
        task.progress(percent=40)
        task.progress(message="reading")
        gate.stop_here()

    operator.give(a_claim("a"))
    start(slow)
    gate.wait_reached()
    told = {"percent": 40, "message": "reading"}
    operator.wait(
        lambda: any(
            beat.get("progress") == told
            for call in operator.of("heartbeat")
            for beat in call.body["claims"]
        ),
        "progress",
    )
    gate.opened.set()
    operator.wait_results("a")


def checkpoints(operator: Operator) -> list[Any]:
    return [
        beat["checkpoint"]
        for call in operator.of("heartbeat")
        for beat in call.body["claims"]
        if "checkpoint" in beat
    ]


def test_a_checkpoint_is_sent_once_and_the_latest_wins(
    gate: Gate, operator: Operator, start: Start
) -> None:
    def slow(task: Task) -> None:
        task.checkpoint({"row": 1})
        task.checkpoint({"row": 2})
        gate.stop_here()

    operator.hold("heartbeat")
    operator.give(a_claim("a"))
    start(slow)
    gate.wait_reached()
    operator.let_go("heartbeat")
    operator.wait(lambda: checkpoints(operator), "a checkpoint")
    operator.wait_calls("heartbeat", len(operator.of("heartbeat")) + 3)
    gate.opened.set()
    operator.wait_results("a")
    assert checkpoints(operator) == [{"row": 2}]


def test_the_checkpoint_of_a_failure_is_sent_before_the_failure(
    operator: Operator, start: Start
) -> None:
    def fails(task: Task) -> None:
        task.checkpoint({"row": 7})
        raise ValueError("row 8 is torn")

    operator.say(heartbeat=60)
    start(fails)
    operator.wait_calls("heartbeat", 1)
    operator.give(a_claim("a"))
    operator.wait_results("a")
    kinds = [call.kind for call in operator.calls if call.kind != "claims"]
    assert kinds == ["heartbeat", "heartbeat", "result"]
    assert checkpoints(operator) == [{"row": 7}]


def test_the_next_attempt_finds_the_checkpoint(operator: Operator, start: Start) -> None:
    operator.give(a_claim("a", checkpoint={"row": 7}), a_claim("b"))
    start(lambda task: {"before": task.checkpoint_before})
    operator.wait_results("a", "b")
    assert operator.results["a"]["result"] == {"outputs": {"before": {"row": 7}}}
    assert operator.results["b"]["result"] == {"outputs": {"before": None}}


def test_large_checkpoints_of_many_tasks_go_in_several_heartbeats(
    operator: Operator, start: Start
) -> None:
    meeting = Barrier(16)

    def fails(task: Task) -> None:
        task.checkpoint("x" * 4094)
        meeting.wait(PATIENCE)
        raise ValueError

    names = [f"c{number}" for number in range(16)]
    operator.give(*(a_claim(name) for name in names))
    start(fails, slots=16)
    operator.wait_results(*names)
    assert len(checkpoints(operator)) == 16
    sizes = [int(call.headers["Content-Length"]) for call in operator.of("heartbeat")]
    assert max(sizes) < 32 * 1024


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("x" * 4095, "4,097 bytes of JSON, the limit is 4,096"),
        (None, "None cannot be a checkpoint"),
        ({1, 2}, "not JSON"),
        (float("nan"), "not JSON"),
    ],
)
def test_a_checkpoint_that_cannot_be_sent_is_refused_at_once(
    operator: Operator, start: Start, value: Any, said: str
) -> None:
    def leaves(task: Task) -> dict[str, Any]:
        with pytest.raises(CheckpointError, match=said):
            task.checkpoint(value)
        return {"refused": True}

    operator.give(a_claim("a"))
    start(leaves)
    operator.wait_results("a")
    assert operator.results["a"]["succeeded"]
    assert checkpoints(operator) == []


def test_a_cancelled_sync_task_sees_it_and_no_result_is_sent(
    operator: Operator, start: Start
) -> None:
    ran = Event()

    def stubborn(task: Task) -> None:
        if task.key != "key-a":
            return
        ran.set()
        tick = Event()
        while not task.cancelled:
            tick.wait(0.005)

    operator.give(a_claim("a"))
    start(stubborn)
    assert ran.wait(PATIENCE)
    operator.open.clear()
    operator.say(cancel=["a", "unknown", 5])
    operator.give(a_claim("b"))
    operator.wait_results("b")
    assert [call.claim for call in operator.of("result")] == ["b"]


def test_a_cancelled_async_task_is_cancelled_where_it_waits(
    operator: Operator, start: Start
) -> None:
    started, cleaned = Event(), Event()

    async def waits(task: Task) -> None:
        if task.key != "key-a":
            return
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            assert task.cancelled
            cleaned.set()

    operator.give(a_claim("a"))
    start(waits)
    assert started.wait(PATIENCE)
    operator.open.clear()
    operator.say(cancel=["a"])
    assert cleaned.wait(PATIENCE)
    operator.give(a_claim("b"))
    operator.wait_results("b")
    assert [call.claim for call in operator.of("result")] == ["b"]


def test_a_claim_that_is_cancelled_before_its_turn_is_not_run(
    gate: Gate, operator: Operator, start: Start
) -> None:
    ran: list[str] = []

    def work(task: Task) -> None:
        ran.append(task.key)
        gate.stop_here()

    operator.open = {name: a_claim(name) for name in ("a", "b")}
    start(work)
    gate.wait_reached()
    first, other = ("a", "b") if ran == ["key-a"] else ("b", "a")
    del operator.open[other]
    operator.say(cancel=[other])
    operator.wait_calls("heartbeat", len(operator.of("heartbeat")) + 2)
    gate.opened.set()
    operator.give(a_claim("c"))
    operator.wait_results(first, "c")
    assert f"key-{other}" not in ran
