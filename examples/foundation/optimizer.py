"""The optimizer measures and chooses: queries, codecs, duplicates."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

import codec
import data
import dedupe
import store

from spectra_agent import Task, task

QUERIES = 200
INDEXES: dict[str, Callable[[sqlite3.Connection], dedupe.Index]] = {
    "memory": lambda _connection: dedupe.memory_index(),
    "sqlite": dedupe.sqlite_index,
}


@task
def baseline(task: Task) -> dict[str, Any]:
    """Measure queries on the full table, for later phases to compare with."""
    plan = task.input["plan"]
    records = data.records(plan["seed"], plan["rows"])
    with store.scratch_database(task.input["settings"]) as connection:
        store.load(connection, task.input["ddl"], records, plan["batchRows"])
        return {"queries": QUERIES, **store.time_queries(connection, QUERIES)}


@task
def codecs(task: Task) -> dict[str, Any]:
    """Measure each codec, and choose the densest that keeps up with loading on all cores."""
    plan, hardware = task.input["plan"], task.input["hardware"]
    sample = data.sample(plan["seed"], plan["rows"], plan["sampleBytes"])
    measured = {name: codec.measure(name, sample) for name in hardware["codecs"]}
    loading = task.input["loadRowsPerSecond"] * plan["rowBytes"] / 1e6
    needed = round(loading / hardware["cores"], 2)
    chosen = choose(measured, needed)
    return {
        "chosen": chosen,
        "ratio": measured[chosen]["ratio"],
        "neededMBps": needed,
        "keepsUp": measured[chosen]["compressMBps"] >= needed,
        "measured": measured,
    }


def choose(measured: dict[str, dict[str, float]], needed: float) -> str:
    """The densest codec that is fast enough; the fastest when none is."""
    enough = [name for name, values in measured.items() if values["compressMBps"] >= needed]
    if enough:
        return max(enough, key=lambda name: measured[name]["ratio"])
    return max(measured, key=lambda name: measured[name]["compressMBps"])


@task
def deduplicate(task: Task) -> dict[str, Any]:
    """Find the records that repeat another; the decisions on some are kept for the audit."""
    plan, design = task.input["plan"], task.input["design"]
    records = data.records(plan["seed"], plan["rows"])
    with store.scratch_database(store.FASTEST) as connection:
        connection.execute("BEGIN")
        add = INDEXES[task.input["backend"]](connection)
        found = {
            record.key: len(record.body.encode())
            for record in dedupe.find_duplicates(records, design, add)
        }
        connection.execute("COMMIT")
    return {
        "duplicates": len(found),
        "unique": plan["rows"] - len(found),
        "savedBytes": sum(found.values()),
        "rate": round(len(found) / plan["rows"], 4),
        "audit": dedupe.pack(set(found), plan["rows"]),
    }
