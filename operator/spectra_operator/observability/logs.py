"""Log lines for people or machines, on standard error.

A line carries what it concerns in fields of its own, and no value of anybody's object: what an
exception says may quote one, so its words are told only where they are known to be harmless.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import traceback
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

OURS = "spectra_operator"
LEVELS = ("debug", "info", "warning", "error")
QUIET = ("kopf.objects", "aiohttp.access", "httpx", "httpcore")
"""Loggers that tell of every object or request."""
_MOST_CAUSES = 8

Fields = Mapping[str, str]
Concerns = Callable[[object], Fields]
"""Returns the fields of what an argument of a line stands for; none for anything else."""
_Raised = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def harmless(error: BaseException) -> str:
    """Return an exception in words that quote nobody's object.

    One that has a text for the log (`loggable`) is told by it; of others only the type is.
    """
    said = getattr(error, "loggable", None)
    name = type(error).__name__
    return f"{name}: {said}" if isinstance(said, str) else name


class Correlation(logging.Filter):
    """Puts what a line concerns on its record, as `about`, and makes its exceptions harmless.

    What a line concerns is asked of its arguments; `extra={"about": ...}` adds to it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.concerns: Concerns = lambda _: {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Prepare a record; keep every one."""
        about: dict[str, str] = {}
        if isinstance(record.args, tuple):
            for argument in record.args:
                about.update(self.concerns(argument))
            record.args = tuple(map(_told, record.args))
        about.update(getattr(record, "about", {}))
        record.about = about
        return True


class _Formatter(logging.Formatter):
    """Tells exceptions by their types and places."""

    def formatException(self, ei: _Raised) -> str:  # noqa: N802 - logging's own name
        """Return the traceback of an exception and its causes, the first one first."""
        chain: list[str] = []
        error = ei[1]
        while error is not None and len(chain) < _MOST_CAUSES:
            frames = "".join(traceback.format_tb(error.__traceback__))
            chain.append(f"{frames}{harmless(error)}")
            error = error.__cause__ or error.__context__
        return "\nand from this followed\n".join(reversed(chain))


class JsonFormatter(_Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        entry = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "msg": record.getMessage(),
        }
        entry = {**getattr(record, "about", {}), **entry}
        if record.exc_info:
            entry["error"] = self.formatException(record.exc_info)
        return json.dumps(entry)


class ConsoleFormatter(_Formatter):
    """Lines for people, with what they concern at the end."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        """Return the line without an exception's traceback."""
        fields = " ".join(f"{name}={value}" for name, value in getattr(record, "about", {}).items())
        line = super().formatMessage(record)
        return f"{line} [{fields}]" if fields else line


def set_up(level: str, style: str) -> Correlation:
    """Send log lines to standard error; style is `json` or `console`.

    Returns:
        What is to be told how arguments of lines are to be read.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if style == "json" else ConsoleFormatter())
    correlation = Correlation()
    handler.addFilter(correlation)
    logging.getLogger().handlers[:] = [handler]
    set_level(level)
    for noisy in QUIET:
        logging.getLogger(noisy).setLevel(logging.WARNING)
    return correlation


def set_level(level: str) -> None:
    """Tell lines of at least a level. Libraries tell no debug lines: they quote bodies."""
    number = logging.getLevelNamesMapping()[level.upper()]
    logging.getLogger().setLevel(max(number, logging.INFO))
    logging.getLogger(OURS).setLevel(number)


def tell_of_failure(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log what nobody caught; asyncio's own line would quote the exception."""
    error = context.get("exception")
    logging.getLogger("asyncio").error(
        "%s", context.get("message"), exc_info=error if isinstance(error, BaseException) else None
    )


def _told(argument: object) -> object:
    return harmless(argument) if isinstance(argument, BaseException) else argument
