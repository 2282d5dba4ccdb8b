"""Shows the run: a table that is redrawn on a terminal, one line a change elsewhere."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol, TextIO

from demo.board import Row

_COLOURS = {"Running": 36, "Starting": 33, "Succeeded": 32, "Failed": 31, "Waiting": 90}
_FORMAT = "{phase:<15}{task:<14}{agent:<17}{state:<11}{took:>7}  {message}"
_HEAD = _FORMAT.format(
    phase="PHASE", task="TASK", agent="AGENT", state="STATE", took="TOOK", message=""
)


class Screen(Protocol):
    """Where changes of a run are shown."""

    def show(self, changed: Sequence[Row], rows: Iterable[Row]) -> None:
        """Show what changed; `rows` is the whole table."""
        ...


class Lines:
    """One line a change, with the time of day, for logs."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def show(self, changed: Sequence[Row], rows: Iterable[Row]) -> None:  # noqa: ARG002
        """Write a line for each change."""
        for row in changed:
            print(line(row, datetime.now().astimezone()), file=self._out, flush=True)


class Table:
    """The whole table, redrawn in place."""

    def __init__(self, out: TextIO, width: int) -> None:
        self._out = out
        self._width = width
        self._drawn = 0

    def show(self, changed: Sequence[Row], rows: Iterable[Row]) -> None:
        """Draw the table over the one before."""
        if self._drawn and not changed:
            return
        lines = [_HEAD.rstrip(), *(self._paint(row) for row in rows)]
        up = f"\x1b[{self._drawn}F" if self._drawn else ""
        self._out.write(up + "".join(f"{text}\x1b[K\n" for text in lines))
        self._out.flush()
        self._drawn = len(lines)

    def _paint(self, row: Row) -> str:
        text = table_line(row)[: self._width - 1]
        return f"\x1b[{_COLOURS.get(row.state, 0)}m{text}\x1b[0m"


def line(row: Row, now: datetime) -> str:
    """Return a change as one line."""
    took = f"  {_took(row)}" if row.ended is not None else ""
    again = f"  attempt {row.attempt}" if row.attempt > 1 else ""
    said = f"  {row.message}" if row.message else ""
    return f"{now:%H:%M:%S}  {row.key.phase:<15}{row.key.task:<14}{row.state}{took}{again}{said}"


def table_line(row: Row) -> str:
    """Return a row of the table."""
    return _FORMAT.format(
        phase=row.key.phase,
        task=row.key.task,
        agent=row.agent,
        state=row.state,
        took=_took(row),
        message=row.message or (f"attempt {row.attempt}" if row.attempt > 1 else ""),
    ).rstrip()


def choose(row_count: int, out: TextIO | None = None) -> Screen:
    """Return a table when the output is a terminal that is large enough, else lines."""
    out = out or sys.stdout
    size = shutil.get_terminal_size()
    if out.isatty() and size.lines > row_count + 1:
        return Table(out, size.columns)
    return Lines(out)


def _took(row: Row) -> str:
    if row.began is None or row.ended is None:
        return ""
    return f"{row.ended - row.began:.1f}s"
