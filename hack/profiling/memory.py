"""What a task keeps in memory: the bytes by the line of the operator that allocated them."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from bench.report import table
from profiling.rooms import OPERATOR, OTHER, room_of
from profiling.stacks import Frame

TOP = 25
WIDTH = 70
PLAYED = ("builders/fake_api/", "builders/kubelet.py", "builders/pods.py")
"""What plays the API server and the nodes: no memory of the operator's."""
_PLAYED = "played"


@dataclass(frozen=True, slots=True, order=True)
class Site:
    """A line of the operator's code."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


Moments = Mapping[str, Counter[Site]]
"""Bytes by site, at several moments."""


def held(snapshot: tracemalloc.Snapshot) -> Counter[Site]:
    """Return the bytes that are there now, by the operator's line that they were made for.

    That is the innermost line of the operator's on the stack: what the standard library or a
    library in C allocates, it does for its caller. What nobody of the operator wanted is left out,
    and so is all that was allocated below what plays the cluster.
    """
    found: Counter[Site] = Counter()
    for statistic in snapshot.statistics("traceback"):
        site = site_of((frame.filename, frame.lineno) for frame in statistic.traceback)
        if site is not None:
            found[site] += statistic.size
    return found


def site_of(stack: Iterable[tuple[str, int]]) -> Site | None:
    """Return the site of an allocation; None if it was not for the operator.

    Args:
        stack: Files and lines from the outermost.
    """
    site = None
    for path, line in stack:
        file = _whose(path)
        if file == _PLAYED:
            return None
        if file:
            site = Site(file, line)
    return site


@cache
def _whose(path: str) -> str:
    if any(part in path for part in PLAYED):
        return _PLAYED
    _, within, rest = path.rpartition(f"/{OPERATOR}")
    return OPERATOR + rest if within else ""


@dataclass(frozen=True, slots=True)
class Memory:
    """What a task keeps, in bytes.

    Attributes:
        tasks: By how many tasks the two fan-outs differ.
        moments: The bytes of one task by the site, at each moment.
    """

    tasks: int
    moments: Mapping[str, Mapping[Site, float]]

    @classmethod
    def between(cls, fewer: Moments, more: Moments, tasks: int) -> Memory:
        """Return what is added by a task, from what two fan-outs add."""
        return cls(
            tasks,
            {
                moment: {
                    site: (at[site] - fewer[moment][site]) / tasks
                    for site in at.keys() | fewer[moment].keys()
                }
                for moment, at in more.items()
            },
        )

    def as_json(self) -> dict[str, Any]:
        """Return what `from_json` takes."""
        moments = {
            moment: {str(site): size for site, size in sorted(sizes.items())}
            for moment, sizes in self.moments.items()
        }
        return {"tasks": self.tasks, "moments": moments}


def from_json(told: Mapping[str, Any]) -> Memory:
    """Return the memory that was told.

    Raises:
        ValueError: It is not what `Memory.as_json` returns.
    """
    try:
        moments = {
            moment: {_site(text): float(size) for text, size in sizes.items()}
            for moment, sizes in told["moments"].items()
        }
        return Memory(int(told["tasks"]), moments)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"no bytes by moments and sites: {error!r}") from None


def render(memory: Memory, text_of: Callable[[Site], str]) -> str:
    """Return the memory as tables: by room, by file, by line.

    Args:
        memory: What a task keeps.
        text_of: Returns the text of a line.
    """
    head = f"Bytes that a task of a fan-out keeps, from {memory.tasks:,} tasks more"
    files, sites = _summed(memory, lambda site: (site.file,)), _summed(memory, _place(text_of))
    tables = [
        _table(memory, ["Room"], _summed(memory, _room)),
        _table(memory, ["File"], files[:TOP]),
        _table(memory, ["Line", "Text"], sites[:TOP]),
    ]
    return "\n\n".join([head, *tables]) + "\n"


Row = tuple[tuple[str, ...], list[float]]
"""What is told of, and its bytes at each moment."""


def _summed(memory: Memory, group: Callable[[Site], tuple[str, ...]]) -> list[Row]:
    """Return the sums of groups of sites, those with the most at any moment first."""
    sums: dict[tuple[str, ...], list[float]] = {}
    for place, sizes in enumerate(memory.moments.values()):
        for site, size in sizes.items():
            sums.setdefault(group(site), [0.0] * len(memory.moments))[place] += size
    return sorted(sums.items(), key=lambda row: -max(map(abs, row[1])))


def _table(memory: Memory, head: list[str], rows: list[Row]) -> str:
    whole: Row = (
        ("all", *[""] * (len(head) - 1)),
        [sum(s.values()) for s in memory.moments.values()],
    )
    shown = [[*names, *(f"{size:,.0f}" for size in sizes)] for names, sizes in [*rows, whole]]
    return table([*head, *memory.moments], shown)


def _room(site: Site) -> tuple[str, ...]:
    return (room_of(Frame("loaded", site.file)) or OTHER,)  # of JSON only what is read is kept


def _place(text_of: Callable[[Site], str]) -> Callable[[Site], tuple[str, ...]]:
    def place(site: Site) -> tuple[str, ...]:
        return str(site), text_of(site)[:WIDTH].replace("|", "\\|")

    return place


def _site(text: str) -> Site:
    file, _, line = text.rpartition(":")
    return Site(file, int(line))
