"""Spans on their way to a collector: bounded, counted, and nobody waits for them."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from builders.clock import FakeClock
from spectra_operator.core.tracing.spans import Span
from spectra_operator.observability.tracing import TraceExporter

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


def a_span(number: int = 1) -> Span:
    return Span("a" * 32, f"{number:016x}", "", "task", MOMENT, MOMENT)


class FakeSender:
    """A collector as a test wants it; it tells when something was sent."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.answer: bool | Exception = True
        self.stopped = False
        self.hold = threading.Event()
        self.hold.set()

    def send(self, spans: Sequence[Any]) -> bool:
        self.hold.wait(10)
        self.batches.append(len(spans))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def stop(self) -> None:
        self.stopped = True
        self.hold.set()


class _Exporting:
    def __init__(self, most: int) -> None:
        self.clock = FakeClock()
        self.sender = FakeSender()
        self.counted: Counter[str] = Counter()
        self.news = asyncio.Event()
        self.exporter = TraceExporter(
            self.sender,
            self.clock.monotonic,
            self.clock.sleep,
            most,
            count=self._count,
        )

    def _count(self, outcome: str, spans: int) -> None:
        self.counted[outcome] += spans
        self.news.set()

    async def until(self, sent: int, lost: int) -> None:
        """Let a second pass and wait until so many spans are sent and lost."""
        async with asyncio.timeout(10):
            await self.clock.settle()
            self.clock.advance(1)
            while (self.exporter.sent, self.exporter.lost) != (sent, lost):
                self.news.clear()
                await self.news.wait()


@pytest.fixture
async def exporting() -> AsyncIterator[_Exporting]:
    exporting = _Exporting(most=1000)
    task = asyncio.create_task(exporting.exporter.run())
    yield exporting
    exporting.sender.hold.set()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_spans_of_a_second_are_sent_together_in_batches(exporting: _Exporting) -> None:
    for number in range(600):
        exporting.exporter.tell([a_span(number)])
    assert exporting.sender.batches == []
    await exporting.until(sent=600, lost=0)
    assert exporting.sender.batches == [512, 88]


@pytest.mark.parametrize("answer", [False, RuntimeError("broken")])
async def test_spans_that_a_collector_does_not_take_are_counted_as_lost(
    exporting: _Exporting, answer: bool | Exception, caplog: pytest.LogCaptureFixture
) -> None:
    exporting.sender.answer = answer
    exporting.exporter.tell([a_span(), a_span(2)])
    await exporting.until(sent=0, lost=2)
    exporting.sender.answer = True
    exporting.exporter.tell([a_span(3)])
    await exporting.until(sent=1, lost=2)
    assert "2 spans are lost so far" in caplog.text
    assert exporting.counted == {"sent": 1, "lost": 2}


async def test_the_queue_is_bounded_and_its_losses_are_told_once_a_minute(
    exporting: _Exporting, caplog: pytest.LogCaptureFixture
) -> None:
    exporting.exporter.tell(a_span(number) for number in range(5000))
    assert (len(exporting.exporter), exporting.exporter.lost) == (1000, 4000)
    assert caplog.text.count("are lost so far") == 1
    await exporting.until(sent=1000, lost=4000)
    exporting.clock.advance(60)
    exporting.exporter.tell(a_span(number) for number in range(1001))
    assert caplog.text.count("are lost so far") == 2


async def test_nobody_waits_for_a_collector_that_hangs(exporting: _Exporting) -> None:
    exporting.sender.hold.clear()
    exporting.exporter.tell([a_span()])
    await exporting.clock.settle()
    exporting.clock.advance(1)
    await exporting.clock.settle()

    exporting.exporter.tell(a_span(number) for number in range(2000))

    assert (len(exporting.exporter), exporting.exporter.lost) == (1000, 1000)


async def test_a_span_that_cannot_be_made_stops_nothing(exporting: _Exporting) -> None:
    def broken() -> Iterator[Span]:
        yield a_span()
        raise ValueError("hunter2")

    exporting.exporter.tell(broken())
    exporting.exporter.tell([a_span(2)])

    await exporting.until(sent=2, lost=0)


async def test_what_is_left_at_the_end_is_sent_if_that_goes_quickly() -> None:
    exporting = _Exporting(most=1000)
    exporting.exporter.tell([a_span()])
    await exporting.exporter.close()
    assert (exporting.exporter.sent, exporting.sender.stopped) == (1, True)
