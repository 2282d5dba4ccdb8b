"""The director plans the work and reviews what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import data

from spectra_agent import Result, Task, task

SAMPLE_ROWS = 500
BATCH_BYTES = 256 * 1024
SAMPLE_BYTES = 384 * 1024
GOOD_RECALL = 0.9
GOOD_PRECISION = 0.9
REPORTED = {
    "database": "planning.rows cluster.journalMode migration.rowsPerSecond baseline.rowsPerSecond"
    " baseline.p95Millis",
    "compression": "hardware.cores hardware.memoryMiB codecs.chosen codecs.ratio"
    " storage.savedShare performance.restoreMBps",
    "deduplication": "design.algorithm design.expectedRate cache.backend deduplicate.duplicates"
    " accuracy.precision accuracy.recall",
    "validation": "integration.checks integration.storedBytes performance.ratioToBaseline"
    " security.stopped security.findings",
}
"""The numbers worth a line: phase, then task.measure."""


@task
def planning(task: Task) -> dict[str, Any]:
    """Size the work from a look at the first records."""
    seed, rows = task.input["seed"], task.input["rows"]
    if rows < 100:
        raise ValueError(f"rows must be at least 100 for the numbers to mean something, not {rows}")
    looked_at = data.first(seed, rows, SAMPLE_ROWS)
    row_bytes = sum(len(record.body.encode()) for record in looked_at) / len(looked_at)
    return {
        "seed": seed,
        "rows": rows,
        "rowBytes": round(row_bytes, 1),
        "estimatedBytes": round(row_bytes * rows),
        "batchRows": max(1, int(BATCH_BYTES / row_bytes)),
        "sampleBytes": min(SAMPLE_BYTES, round(row_bytes * rows)),
    }


@task
def review(task: Task) -> Result:
    """Put every number in one table, and say whether the goals are met."""
    goals = _goals(task.input)
    lines = [*_table(task.input), "", "Goals"]
    lines += [f"  {'met   ' if met else 'MISSED'}  {name}" for name, met in goals.items()]
    passed = all(goals.values())
    met = sum(goals.values())
    outputs = {"report": "\n".join(lines), "goals": len(goals), "met": met, "passed": passed}
    return Result(outputs, message=f"{met} of {len(goals)} goals met")


def _goals(got: Mapping[str, Any]) -> dict[str, bool]:
    database, accuracy = got["database"], got["deduplication"]["accuracy"]
    return {
        "every row was loaded": database["migration"]["rows"] == database["planning"]["rows"],
        "no record was corrupted": got["compression"]["performance"]["corrupt"] == 0,
        "stored data is smaller": got["integration"]["storedBytes"]
        < got["integration"]["rawBytes"],
        f"recall is at least {GOOD_RECALL}": accuracy["recall"] >= GOOD_RECALL,
        f"precision is at least {GOOD_PRECISION}": accuracy["precision"] >= GOOD_PRECISION,
        "every attack was stopped": got["security"]["stopped"] == got["security"]["attacks"],
    }


def _table(got: Mapping[str, Any]) -> list[str]:
    lines = [f"{'Phase':<14} {'Task':<12} {'Measure':<18} {'Value':>14}", "-" * 61]
    for phase, tasks in _chosen(got).items():
        for (name, measure), value in tasks.items():
            lines.append(f"{phase:<14} {name:<12} {measure:<18} {_text(value):>14}")
    return lines


def _chosen(got: Mapping[str, Any]) -> dict[str, dict[tuple[str, str], Any]]:
    """What is reported, by phase, then by task and measure."""
    phases = {**got, "validation": got}
    return {
        phase: {_split(path): _at(phases[phase], path) for path in paths.split()}
        for phase, paths in REPORTED.items()
    }


def _split(path: str) -> tuple[str, str]:
    name, _, measure = path.partition(".")
    return name, measure


def _at(outputs: Mapping[str, Any], path: str) -> Any:
    name, measure = _split(path)
    return outputs[name][measure]


def _text(value: Any) -> str:
    if isinstance(value, list):
        return str(len(value))
    if isinstance(value, int | float):
        return f"{value:,}"
    return str(value)
