"""Carries spans to an OpenTelemetry collector, beside everything else.

The queue is bounded and what does not fit, or cannot be sent, is lost and counted: a collector
that is slow or away slows down nothing and stops nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

logger = logging.getLogger(__name__)

MOST_WAITING = 10_000
_BATCH = 512
_GATHER_SECONDS = 1.0
"""Spans that end within so long are sent together."""
_SEND_SECONDS = 5.0
_LAST_SECONDS = 2.0
"""What the spans that are left may take when the process ends."""
_COMPLAIN_SECONDS = 60.0
SCOPE = "spectra-operator"


class MissingLibraryError(Exception):
    """OpenTelemetry is not installed."""


class EndedSpan(Protocol):
    """What is read of a span: see `core.tracing.spans.Span`."""

    @property
    def trace(self) -> str: ...  # noqa: D102
    @property
    def id(self) -> str: ...  # noqa: D102
    @property
    def parent(self) -> str: ...  # noqa: D102
    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def start(self) -> datetime: ...  # noqa: D102
    @property
    def end(self) -> datetime: ...  # noqa: D102
    @property
    def failed(self) -> str: ...  # noqa: D102
    @property
    def attributes(self) -> Mapping[str, str | int | bool]: ...  # noqa: D102


class Sends(Protocol):
    """Sends spans, taking its time; called in a thread of its own."""

    def send(self, spans: Sequence[EndedSpan]) -> bool:
        """Return whether the collector took them."""
        ...

    def stop(self) -> None:
        """Give up what is being sent."""
        ...


class TraceExporter:
    """Queues spans and sends them in batches.

    Attributes:
        sent: Spans that a collector took.
        lost: Spans that it did not take in time, or that did not fit into the queue.
    """

    def __init__(
        self,
        sender: Sends,
        monotonic: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        most: int = MOST_WAITING,
        count: Callable[[str, int], None] = lambda _outcome, _spans: None,
    ) -> None:
        """Prepare; `most` spans may wait, the clock is in seconds.

        `count` is told how many spans were `sent` or are `lost`.
        """
        self._count = count
        self._sender = sender
        self._monotonic = monotonic
        self._sleep = sleep
        self._most = most
        self._waiting: deque[EndedSpan] = deque()
        self._filled = asyncio.Event()
        self._complained_at = -_COMPLAIN_SECONDS
        self.sent = 0
        self.lost = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def tell(self, spans: Iterable[EndedSpan]) -> None:
        """Take spans that have ended; one that cannot be made is logged and forgotten."""
        try:
            for span in spans:
                if len(self._waiting) >= self._most:
                    self._lose(1, "the queue is full")
                else:
                    self._waiting.append(span)
        except Exception:
            logger.exception("a span could not be made")
        if self._waiting:
            self._filled.set()

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            await self._filled.wait()
            await self._sleep(_GATHER_SECONDS)
            await self._send_all()

    async def close(self) -> None:
        """Send what is left, if that goes quickly."""
        try:
            async with asyncio.timeout(_LAST_SECONDS):
                await self._send_all()
        except TimeoutError:
            self._lose(len(self._waiting), "the process ends")
        finally:
            self._sender.stop()

    async def _send_all(self) -> None:
        self._filled.clear()
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(_BATCH, len(self._waiting)))]
            try:
                taken = await asyncio.to_thread(self._sender.send, batch)
            except asyncio.CancelledError:
                self._lose(len(batch), "the process ends")
                raise
            except Exception:
                logger.exception("spans could not be sent")
                taken = False
            if taken:
                self.sent += len(batch)
                self._count("sent", len(batch))
            else:
                self._lose(len(batch), "the collector did not take them")

    def _lose(self, count: int, why: str) -> None:
        """Count lost spans, and say so once a minute at most."""
        if not count:
            return
        self.lost += count
        self._count("lost", count)
        now = self._monotonic()
        if now - self._complained_at >= _COMPLAIN_SECONDS:
            self._complained_at = now
            logger.warning("%d spans are lost so far: %s", self.lost, why)


class OtlpSender:
    """Sends by OTLP over HTTP, with what the standard variables `OTEL_EXPORTER_OTLP_...` say."""

    def __init__(self, endpoint: str, resource: Mapping[str, str]) -> None:
        """Prepare; `endpoint` is a base URL, `resource` says who sends.

        Raises:
            MissingLibraryError: OpenTelemetry is not installed.
        """
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
                OTLPSpanExporter,
            )
            from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        except ImportError as error:
            text = "tracing needs OpenTelemetry: install spectra-operator[tracing]"
            raise MissingLibraryError(text) from error
        # Its lines quote what a server answered; what matters of them is told by TraceExporter.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        url = endpoint.rstrip("/")
        url = url if url.endswith("/v1/traces") else f"{url}/v1/traces"
        self._resource = Resource.create(dict(resource))
        self._exporter = OTLPSpanExporter(endpoint=url, timeout=_SEND_SECONDS)

    def send(self, spans: Sequence[EndedSpan]) -> bool:
        """Return whether the collector took them."""
        from opentelemetry.sdk.trace.export import SpanExportResult  # noqa: PLC0415

        readable = [self._readable(span) for span in spans]
        return self._exporter.export(readable) is SpanExportResult.SUCCESS

    def stop(self) -> None:
        """Give up what is being sent."""
        self._exporter.shutdown()  # type: ignore[no-untyped-call]

    def _readable(self, span: EndedSpan) -> ReadableSpan:
        from opentelemetry.sdk.trace import ReadableSpan  # noqa: PLC0415
        from opentelemetry.sdk.util.instrumentation import InstrumentationScope  # noqa: PLC0415
        from opentelemetry.trace import SpanContext, TraceFlags  # noqa: PLC0415
        from opentelemetry.trace.status import Status, StatusCode  # noqa: PLC0415

        def context(id_: str) -> SpanContext:
            flags = TraceFlags(TraceFlags.SAMPLED)
            return SpanContext(int(span.trace, 16), int(id_, 16), False, flags)

        return ReadableSpan(
            span.name,
            context=context(span.id),
            parent=context(span.parent) if span.parent else None,
            resource=self._resource,
            attributes=span.attributes,
            status=Status(StatusCode.ERROR, span.failed) if span.failed else Status(StatusCode.OK),
            start_time=_nanoseconds(span.start),
            end_time=_nanoseconds(span.end),
            instrumentation_scope=InstrumentationScope(SCOPE),
        )


def _nanoseconds(time: datetime) -> int:
    return int(time.timestamp() * 1_000_000) * 1000
