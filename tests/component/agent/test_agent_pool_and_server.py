"""The SDK's worker against the operator's own server: what one says, the other reads."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest

from component.agent.conftest import QUICK, Gate
from component.dispatch.worker_calls import PATIENCE, Served, a_work, a_worker_api
from spectra_agent import Result, Task, Usage
from spectra_agent.pool.settings import Settings
from spectra_agent.pool.worker import Worker
from spectra_operator.dispatch import answers
from spectra_operator.engine.desk_calls import Orders, StaleError, Work
from unit.dispatch.token_reviews import a_token

if TYPE_CHECKING:
    from spectra_agent.registry import Handler


@asynccontextmanager
async def a_worker(
    api: Served, folder: Path, handler: Handler, slots: int = 1
) -> AsyncIterator[Worker]:
    """Run a worker beside the server until the end of the block."""
    token = folder / "token"
    token.write_text(a_token())
    settings = Settings(api.url, str(token), slots, 0.0, backoff=QUICK)
    worker = Worker(settings, lambda _name: handler)
    worker.start()
    try:
        yield worker
    finally:
        await asyncio.to_thread(worker.stop)


def work(name: str, **fields: Any) -> Work:
    """A claim, whole as the desk gives it."""
    plain: dict[str, Any] = {"key": f"key-{name}", "workflow": "w", "phase": "p", "task": "t"}
    plain |= {"index": 4, "attempt": 2, "agent": "a", "revision": "r", "input": {"n": 1}}
    return a_work(name, **plain, timeoutSeconds=None, checkpoint={"row": 1}, **fields)


@pytest.fixture(autouse=True)
def _quiet(log: io.StringIO) -> None:
    """Keep what workers say out of the tests' own output."""


async def test_a_claim_and_its_result_are_understood_on_both_sides(tmp_path: Path) -> None:
    seen: list[Task] = []

    def handler(task: Task) -> Result:
        seen.append(task)
        return Result({"before": task.checkpoint_before}, Usage(1, 2, "0.03"), "döne")

    async with a_worker_api() as api, a_worker(api, tmp_path, handler) as worker:
        [poll] = await api.desk.polls.are(1)
        api.desk.next = (work("b"),)
        poll.set_result((work("a"),))
        first, second = (await api.desk.reports.are(2))[:2]
        assert {caller.instance for caller in api.desk.callers} == {worker.instance}

    assert (first.claim, first.epoch, first.succeeded, first.slots) == ("a", 1, True, 1)
    assert json.loads(first.document) == {
        "outputs": {"before": {"row": 1}},
        "usage": {"inputTokens": 1, "outputTokens": 2, "cost": "0.03"},
        "message": "döne",
    }
    assert second.claim == "b"
    assert [(task.key, task.index, task.attempt) for task in seen] == [
        ("key-a", 4, 2),
        ("key-b", 4, 2),
    ]


async def test_the_largest_result_passes(tmp_path: Path) -> None:
    text = "ü" * 1990

    async with (
        a_worker_api() as api,
        a_worker(api, tmp_path, lambda _task: {"x": text}),
    ):
        (await api.desk.polls.are(1))[0].set_result((work("a"),))
        [report] = await api.desk.reports.are(1)
        assert json.loads(report.document) == {"outputs": {"x": text}}
        assert (report.succeeded, report.reason) == (True, "")


class Übel_1Error(Exception):  # noqa: N801, PLC2401
    """A failure whose name is no reason as the operator knows them."""


async def test_failures_progress_and_the_largest_checkpoint_pass(tmp_path: Path) -> None:
    mark = "x" * 4094

    def handler(task: Task) -> None:
        task.progress(12.6, "ü" * 300)
        task.checkpoint(mark)
        raise Übel_1Error

    async with a_worker_api() as api, a_worker(api, tmp_path, handler):
        (await api.desk.polls.are(1))[0].set_result((work("a"),))
        [report] = await api.desk.reports.are(1)
        assert (report.succeeded, report.reason) == (False, "bel_1Error")
        beat = next(beat for beats in api.desk.beats for beat in beats if beat.checkpoint)
        assert json.loads(beat.checkpoint) == mark
        assert json.loads(beat.progress) == {"percent": 13, "message": "ü" * 200}


async def test_what_the_operator_fences_is_dropped_and_the_next_done(tmp_path: Path) -> None:
    async with a_worker_api() as api, a_worker(api, tmp_path, lambda _task: {}):
        [poll] = await api.desk.polls.are(1)
        api.desk.late_error = StaleError("Fenced", "the claim was given to another")
        poll.set_result((work("a"),))
        await api.desk.reports.are(1)
        await api.desk.polls.are(2)
        api.desk.late_error = None
        api.desk.polls[1].set_result((work("b"),))
        assert [report.claim for report in await api.desk.reports.are(2)] == ["a", "b"]


async def test_closing_hangs_up_the_poll_and_releases_what_runs(tmp_path: Path, gate: Gate) -> None:
    async with (
        a_worker_api() as api,
        a_worker(api, tmp_path, lambda _task: gate.stop_here(), slots=2) as worker,
    ):
        (await api.desk.polls.are(1))[0].set_result((work("a"),))
        await asyncio.to_thread(gate.wait_reached)
        await api.desk.polls.are(2)
        assert await asyncio.to_thread(worker.close)
        await asyncio.wait_for(api.desk.left.get(), PATIENCE)
        assert api.desk.releases == [("a", 1, "the worker is ending")]
        assert api.desk.asked[1] == (1, frozenset({"a"}))


async def sleeps(_task: Task) -> None:
    """Until it is cancelled."""
    await asyncio.Event().wait()


def looks(task: Task) -> None:
    """Until it sees that it is cancelled."""
    tick = Event()
    while not task.cancelled:
        tick.wait(0.005)


@pytest.mark.parametrize("handler", [sleeps, looks])
async def test_a_cancelled_claim_frees_its_slot_without_a_result(
    tmp_path: Path, handler: Handler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "HEARTBEAT_SECONDS", 0.02)
    async with a_worker_api() as api, a_worker(api, tmp_path, handler):
        [poll] = await api.desk.polls.are(1)
        api.desk.orders = Orders(("a",), drain=False)
        poll.set_result((work("a"),))
        await api.desk.polls.are(2)
        assert api.desk.asked[1] == (1, frozenset())
        assert api.desk.reports == []
        assert api.desk.releases == [("a", 1, "cancelled")]
