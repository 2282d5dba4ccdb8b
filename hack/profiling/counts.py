"""The counts of a workload: what is kept of them, what is shown, and how two of them differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench.report import table
from profiling.counting import Count
from profiling.rooms import OTHER, room_of
from profiling.stacks import Frame, parse_frame

TOP = 25
NONE = "-"


@dataclass(frozen=True, slots=True)
class Counts:
    """What the operator's functions did in a workload of so many tasks."""

    workload: str
    tasks: int
    functions: Mapping[Frame, Count]

    def total(self) -> Count:
        """Return the sum over all functions."""
        return sum(self.functions.values(), Count(0, 0))

    def rooms(self) -> dict[str, Count]:
        """Return the sum over the functions of each room."""
        found: dict[str, Count] = {}
        for frame, count in self.functions.items():
            room = room_of(frame) or OTHER
            found[room] = found.get(room, Count(0, 0)) + count
        return found

    def as_json(self) -> dict[str, Any]:
        """Return what `from_json` takes."""
        functions = {str(f): [c.entries, c.bytecodes] for f, c in self.functions.items()}
        return {"workload": self.workload, "tasks": self.tasks, "functions": functions}


def from_json(told: Mapping[str, Any]) -> Counts:
    """Return the counts that were told.

    Raises:
        ValueError: They are not what `Counts.as_json` returns.
    """
    try:
        functions = {
            parse_frame(text): Count(int(entries), int(bytecodes))
            for text, (entries, bytecodes) in told["functions"].items()
        }
        workload, tasks = str(told["workload"]), int(told["tasks"])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"no counts of functions by workload and tasks: {error!r}") from None
    if tasks < 1:
        raise ValueError(f"counts of {tasks} tasks")
    return Counts(workload, tasks, functions)


def render(now: Counts, before: Counts | None = None) -> str:
    """Return the counts as tables, with how they differ from others of the same workload.

    A change is that for each task, so the number of tasks may have changed, too.
    """
    total = now.total()
    head = f"{now.workload}: {total.bytecodes / now.tasks:,.0f} bytecodes a task of {now.tasks}"
    if before is not None:
        head += f", {_change(now, total, _a_task(before, before.total()))} to those before"
    return "\n\n".join([head, _rooms(now, before), _functions(now, before)]) + "\n"


def _rooms(now: Counts, before: Counts | None) -> str:
    then = (
        {room: _a_task(before, count) for room, count in before.rooms().items()} if before else {}
    )
    found = sorted(now.rooms().items(), key=lambda item: -item[1].bytecodes)
    return table(["Room", *_HEAD], [[room, *_row(now, c, then.get(room))] for room, c in found])


def _functions(now: Counts, before: Counts | None) -> str:
    then = {f: _a_task(before, count) for f, count in before.functions.items()} if before else {}
    most = sorted(now.functions.items(), key=lambda item: -item[1].bytecodes)[:TOP]
    rows = [[f.name, f.file, *_row(now, count, then.get(f))] for f, count in most]
    return table(["Function", "File", *_HEAD], rows)


_HEAD = ("Bytecodes/task", "Share", "Entries/task", "Change")


def _row(now: Counts, count: Count, before: float | None) -> list[str]:
    share = 100 * count.bytecodes / (now.total().bytecodes or 1)
    return [
        f"{_a_task(now, count):,.0f}",
        f"{share:.1f} %",
        f"{count.entries / now.tasks:.1f}",
        _change(now, count, before),
    ]


def _a_task(counts: Counts, count: Count) -> float:
    return count.bytecodes / counts.tasks


def _change(now: Counts, count: Count, before: float | None) -> str:
    return f"{100 * (_a_task(now, count) / before - 1):+.1f} %" if before else NONE
