"""The database agent moves the data in."""

from __future__ import annotations

from typing import Any

import data
import store

from spectra_agent import Task, task


class MigrationError(Exception):
    """What is in the database is not what was put in."""


@task
def migration(task: Task) -> dict[str, Any]:
    """Load every record with the architect's schema, and count what arrived."""
    plan = task.input["plan"]
    records = data.records(plan["seed"], plan["rows"])
    with store.scratch_database(task.input["settings"]) as connection:
        _, seconds = store.load(connection, task.input["ddl"], records, plan["batchRows"])
        [rows, size] = connection.execute(
            "SELECT count(*), sum(length(body)) FROM event"
        ).fetchone()
        [integrity] = connection.execute("PRAGMA integrity_check").fetchone()
    if rows != plan["rows"] or integrity != "ok":
        raise MigrationError(f"{rows} of {plan['rows']} rows arrived, integrity check: {integrity}")
    return {
        "rows": rows,
        "bodyBytes": size,
        "integrity": integrity,
        "seconds": round(seconds, 4),
        "rowsPerSecond": round(rows / seconds, 1),
    }
