"""Infrastructure sets up what the others run on: the database's settings and the cache."""

from __future__ import annotations

import sqlite3
import sys
import time
from typing import Any

import data
import dedupe
import store

from spectra_agent import Task, task

CANDIDATES = (("WAL", "NORMAL"), ("TRUNCATE", "FULL"), ("DELETE", "FULL"))
PROBE_ROWS = 1000
PROBE_DDL = "CREATE TABLE event (key INTEGER PRIMARY KEY, source, recorded, body)"
MEMORY_SHARE = 16
"""The cache may take one part in so many of the memory."""


@task
def cluster(task: Task) -> dict[str, Any]:
    """Try the durable settings that this SQLite really has, and choose the fastest."""
    plan = task.input["plan"]
    rows = data.first(plan["seed"], plan["rows"], PROBE_ROWS)
    speeds: dict[str, int] = {}
    for journal_mode, synchronous in CANDIDATES:
        settings = {"journalMode": journal_mode, "synchronous": synchronous}
        with store.scratch_database(settings) as connection:
            [actual] = connection.execute("PRAGMA journal_mode").fetchone()
            loaded, seconds = store.load(connection, PROBE_DDL, rows, plan["batchRows"])
        if actual.upper() == journal_mode:
            speeds[journal_mode] = round(loaded / seconds)
    fastest = max(speeds, key=speeds.__getitem__) if speeds else "MEMORY"
    return {
        "sqliteVersion": sqlite3.sqlite_version,
        "journalMode": fastest,
        "synchronous": dict(CANDIDATES).get(fastest, "OFF"),
        "rowsPerSecond": speeds,
    }


@task
def cache(task: Task) -> dict[str, Any]:
    """Build the fingerprint index both ways, and choose the faster that fits in memory."""
    plan, design = task.input["plan"], task.input["design"]
    half = data.first(plan["seed"], plan["rows"], plan["rows"] // 2)
    marks = [dedupe.fingerprint(record.body, design) for record in half]
    speeds = {"memory": _additions(dedupe.memory_index(), marks)}
    with store.scratch_database(store.FASTEST) as connection:
        connection.execute("BEGIN")
        speeds["sqlite"] = _additions(dedupe.sqlite_index(connection), marks)
        connection.execute("COMMIT")
    entry_bytes = sys.getsizeof(marks[0]) + 32  # and its place in the set's table
    needed = entry_bytes * plan["rows"] / 2**20
    fits = needed <= task.input["hardware"]["memoryMiB"] / MEMORY_SHARE
    return {
        "backend": max(speeds, key=speeds.__getitem__) if fits else "sqlite",
        "neededMiB": round(needed, 2),
        "entries": len(set(marks)),
        "additionsPerSecond": speeds,
    }


def _additions(add: dedupe.Index, marks: list[bytes]) -> int:
    start = time.perf_counter()
    new = sum(add(mark) for mark in marks)
    seconds = time.perf_counter() - start
    if new != len(set(marks)):
        raise ValueError(f"the index holds {new} entries instead of {len(set(marks))}")
    return round(len(marks) / seconds)
