"""What goes to and fro while a task runs: progress, checkpoints, cancellation."""

from __future__ import annotations

import asyncio
from threading import Barrier, Event
from typing import Any

import pytest

from component.agent.conftest import Gate, Start
from component.agent.scripted_operator import PATIENCE, Operator, a_claim
from spectra_agent import CheckpointError, Task


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


def test_a_cancelled_sync_task_sees_it_and_its_claim_is_given_back(
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
    operator.say(cancel=["a", "unknown", 5])
    assert operator.wait_calls("release", 1).body == {"epoch": 1, "reason": "cancelled"}
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
