"""The database of the example: SQLite in a folder of its own, measured by the clock."""

from __future__ import annotations

import sqlite3
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from data import Record

INSERT = "INSERT INTO event (key, source, recorded, body) VALUES (?, ?, ?, ?)"

FASTEST = {"journalMode": "MEMORY", "synchronous": "OFF"}
"""For what may be lost when the process ends."""


@contextmanager
def scratch_database(settings: Mapping[str, Any]) -> Iterator[sqlite3.Connection]:
    """A new database that is gone afterwards; in memory where no folder may be written.

    Args:
        settings: ``journalMode`` and ``synchronous``, as SQLite spells them.
    """
    try:
        folder = tempfile.TemporaryDirectory()
    except OSError:
        with _connected(":memory:", settings) as connection:
            yield connection
        return
    with folder as name:
        path = Path(name) / "events.db"
        path.touch(mode=0o600)
        with _connected(str(path), settings) as connection:
            yield connection


@contextmanager
def _connected(path: str, settings: Mapping[str, Any]) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute(f"PRAGMA journal_mode = {_word(settings, 'journalMode', 'DELETE')}")
        connection.execute(f"PRAGMA synchronous = {_word(settings, 'synchronous', 'FULL')}")
        yield connection
    finally:
        connection.close()


def _word(settings: Mapping[str, Any], name: str, default: str) -> str:
    """A setting that is safe in a PRAGMA, which takes no parameters.

    Raises:
        ValueError: It is more than one word.
    """
    value = str(settings.get(name, default))
    if not value.isalnum():
        raise ValueError(f"setting {name} must be one word, not {value!r}")
    return value


def load(
    connection: sqlite3.Connection, ddl: str, records: Iterable[Record], batch_rows: int
) -> tuple[int, float]:
    """Make the tables and insert the records in batches; gives the rows and the seconds."""
    connection.executescript(ddl)
    rows, seconds = 0, 0.0
    iterator = iter(records)
    while batch := list(islice(iterator, batch_rows)):
        start = time.perf_counter()
        connection.execute("BEGIN")
        connection.executemany(INSERT, batch)
        connection.execute("COMMIT")
        seconds += time.perf_counter() - start
        rows += len(batch)
    return rows, seconds


def time_queries(connection: sqlite3.Connection, count: int) -> dict[str, float]:
    """Ask by key and by time range; rows read a second, and milliseconds a query."""
    low, high, keys = connection.execute(
        "SELECT min(recorded), max(recorded), count(*) FROM event"
    ).fetchone()
    span = max(1, (high - low) // 100)
    times: list[float] = []
    read = 0
    for number in range(count):
        start = time.perf_counter()
        begin = low + (high - low) * number // count
        read += len(_by_key(connection, number * 7919 % keys))
        read += len(_by_time(connection, begin, begin + span))
        times.append(time.perf_counter() - start)
    return {
        "rowsPerSecond": round(read / sum(times), 1),
        "p50Millis": round(percentile(times, 50) * 1000, 4),
        "p95Millis": round(percentile(times, 95) * 1000, 4),
    }


def percentile(values: Sequence[float], percent: int) -> float:
    """The value that so many percent do not exceed (nearest rank)."""
    ranked = sorted(values)
    return ranked[max(0, -(-len(ranked) * percent // 100) - 1)]


def _by_key(connection: sqlite3.Connection, key: int) -> list[Any]:
    return connection.execute("SELECT * FROM event WHERE key = ?", (key,)).fetchall()


def _by_time(connection: sqlite3.Connection, begin: int, end: int) -> list[Any]:
    query = "SELECT key, body FROM event WHERE recorded BETWEEN ? AND ?"
    return connection.execute(query, (begin, end)).fetchall()
