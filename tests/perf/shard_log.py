"""What two replicas say of their shards, and what is made of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

_TURN = re.compile(r"shard (\d+) (taken over|given up)")


@dataclass(frozen=True, slots=True, order=True)
class Turn:
    """A shard that was taken over or given up; `at` is a POSIX time."""

    at: float
    shard: int
    taken: bool


def turns(logs: Iterable[Path]) -> list[Turn]:
    """Return the turns that replicas told of in their logs, in order."""
    return sorted(turn for log in logs for turn in _told(log))


def gaps(found: Iterable[Turn], died: float | None = None) -> list[float]:
    """Return for how long shards were run by nobody, each that was taken over.

    Args:
        found: The turns, in order.
        died: When a replica died, for shards that nobody gave up.
    """
    left: dict[int, float] = {}
    waits: list[float] = []
    for turn in found:
        if not turn.taken:
            left[turn.shard] = turn.at
        elif turn.shard in left or died is not None:
            waits.append(turn.at - left.pop(turn.shard, died or 0.0))
    return waits


def _told(log: Path) -> Iterable[Turn]:
    for line in log.read_text().splitlines():
        try:
            said = json.loads(line)
        except ValueError:
            continue  # the last line of a process that was killed
        if found := _TURN.match(said.get("msg", "")):
            moment = datetime.fromisoformat(said["ts"]).timestamp()
            yield Turn(moment, int(found[1]), found[2] == "taken over")
