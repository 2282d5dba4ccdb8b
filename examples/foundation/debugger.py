"""The debugger compares what is fast now with what was fast before."""

from __future__ import annotations

from typing import Any

import data
import dedupe
import store

from spectra_agent import Task, task


@task
def performance(task: Task) -> dict[str, Any]:
    """Measure the baseline's queries again on the deduplicated table."""
    plan, baseline = task.input["plan"], task.input["baseline"]
    rows = list(data.records(plan["seed"], plan["rows"]))
    repeated = {record.key for record in dedupe.find_duplicates(rows, task.input["design"])}
    unique = (record for record in rows if record.key not in repeated)
    with store.scratch_database(task.input["settings"]) as connection:
        store.load(connection, task.input["ddl"], unique, plan["batchRows"])
        now = store.time_queries(connection, baseline["queries"])
    return {
        **now,
        "ratioToBaseline": round(now["rowsPerSecond"] / baseline["rowsPerSecond"], 3),
        "p95MillisBefore": baseline["p95Millis"],
    }
