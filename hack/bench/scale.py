"""`python -m bench.scale`: does the arithmetic of docs/scale.md again, from its first table.

Put newer costs into the table that begins with "For each", and run it: the table between the marks
follows. What the text beside it says of limits is written by hand.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import floor, log10

from bench.errors import BenchError
from bench.programs import ROOT

PAGE = ROOT / "docs" / "scale.md"
BEGIN, END = "<!-- begin: python -m bench.scale -->", "<!-- end -->"
HEAD = "| For each |"
MILLIONS = (1, 10, 100)
DAY = 86_400
PEAK = 5
"""How many times the mean the peak is."""
HISTORY = 600
"""Seconds of versions that etcd holds, with a compaction each five minutes."""
LIFE = 60
"""Seconds that a task takes."""

OPERATOR, API = "operator, ms of processor time", "API server, ms"
ETCD, SCHEDULER, CONTROLLERS = "etcd, ms", "scheduler, ms", "controller manager, ms"
VERSIONS = "etcd, kB of versions until they are compacted"
MEMORY = "operator, KiB of memory while it runs"

Costs = Mapping[str, Sequence[float | None]]
"""The rows of the first table by their first cell; None where a cell is empty or has no number."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the arithmetic: what a second's tasks come to.

    Attributes:
        what: Its first cell.
        column: Whose costs, counted from 0.
        rows: The rows of the first table that are added up; none for tasks alone.
        factor: What a task a second is multiplied with, beside its costs.
    """

    what: str
    column: int
    rows: tuple[str, ...]
    factor: float


def _cores(what: str, column: int, *rows: str) -> Line:
    return Line(f"{what}, cores", column, rows, 1 / 1000)


def _history(column: int) -> Line:
    return Line("etcd's history, GB", column, (VERSIONS,), HISTORY / 1e6)


LINES: tuple[Line | str, ...] = (
    "Pods of wide phases",
    _cores("operator", 0, OPERATOR),
    _cores("API server", 0, API),
    _cores("etcd, scheduler and controller manager", 0, ETCD, SCHEDULER, CONTROLLERS),
    _history(0),
    Line("pods alive, if a task takes a minute", 0, (), LIFE),
    Line("operator's memory for them, GiB", 0, (MEMORY,), LIFE / 1024**2),
    "Workflows of one task",
    _cores("operator", 1, OPERATOR),
    _cores("API server", 1, API),
    _history(1),
    "Claims of warm workers, paced costs",
    _cores("operator", 2, OPERATOR),
    _cores("API server", 2, API),
    _history(2),
)
"""Lines, and the headings between them."""


def costs(page: str) -> Costs:
    """Return the costs that stand in a page.

    Raises:
        BenchError: The table is not there.
    """
    _, head, rest = page.partition(HEAD)
    if not head:
        raise BenchError(f"{PAGE}: the table that begins with {HEAD} is missing")
    lines = rest.partition("\n\n")[0].splitlines()[2:]
    rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    return {row[0]: [_number(cell) for cell in row[1:]] for row in rows}


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def table(found: Costs) -> str:
    """Return the arithmetic for each number of tasks a day, mean and peak.

    Raises:
        BenchError: A cost that is needed has no number.
    """
    days = " | ".join(f"{millions} million" for millions in MILLIONS)
    rows = [f"| Mean, peak | {days} |", f"|---|{'---|' * len(MILLIONS)}"]
    for line in LINES:
        if isinstance(line, str):
            rows.append(f"| **{line}** |{' |' * len(MILLIONS)}")
            continue
        each = _each(line, found)
        rates = (millions * 1e6 / DAY for millions in MILLIONS)
        cells = (f"{short(rate * each)}, {short(rate * PEAK * each)}" for rate in rates)
        rows.append(f"| {line.what} | {' | '.join(cells)} |")
    return "\n".join(rows)


def _each(line: Line, found: Costs) -> float:
    """Return what a task a second comes to."""
    if not line.rows:
        return line.factor
    values = [found[row][line.column] if row in found else None for row in line.rows]
    numbers = [value for value in values if value is not None]
    if len(numbers) < len(values):
        missing = line.rows[values.index(None)]
        raise BenchError(f"{PAGE}: {missing!r} has no number in column {line.column + 1}")
    return line.factor * sum(numbers)


def short(value: float) -> str:
    """Return a number with two digits that mean something."""
    if not value:
        return "0"
    rounded = float(f"{value:.2g}")
    return f"{rounded:,.{max(1 - floor(log10(abs(rounded))), 0)}f}"


def worked_out(page: str) -> str:
    """Return the page with its arithmetic done again.

    Raises:
        BenchError: The costs or the marks are not there.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise BenchError(f"{PAGE}: the marks {BEGIN} and {END} are missing")
    return f"{before}{BEGIN}\n\n{table(costs(page))}\n\n{END}{after}"


def main() -> int:
    """Do the arithmetic of the page again; returns the exit code."""
    try:
        PAGE.write_text(worked_out(PAGE.read_text()))
    except BenchError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
