"""Continues the operator's trace in the task, if OpenTelemetry is installed there."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

VARIABLE = "TRACEPARENT"
"""Environment variable of W3C Trace Context: the span that those of the task belong under."""


class Continued:
    """While it is entered, spans that begin belong under the operator's.

    Without a traceparent, or without OpenTelemetry, it does nothing. What is wrong with either
    never fails a task.
    """

    __slots__ = ("_context", "_token", "_traceparent")

    def __init__(self, traceparent: str) -> None:
        self._traceparent = traceparent
        self._context: Any = None
        self._token: Any = None

    def __enter__(self) -> None:
        if not self._traceparent:
            return
        try:
            from opentelemetry import context  # noqa: PLC0415  # perhaps it is not there
            from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415
                TraceContextTextMapPropagator,
            )

            carrier = {"traceparent": self._traceparent}
            self._token = context.attach(TraceContextTextMapPropagator().extract(carrier))
            self._context = context
        except Exception:  # noqa: BLE001, RUF100  # whatever is installed under that name
            self._context = None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._context is not None:
            self._context.detach(self._token)
