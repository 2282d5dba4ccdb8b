"""The testbed tests what the others built, on the data itself."""

from __future__ import annotations

import time
from typing import Any

import codec
import data
import dedupe
import store

from spectra_agent import Task, task

BLOCK_ROWS = 250


class InvariantError(Exception):
    """Something that must always hold does not."""


@task
def performance(task: Task) -> dict[str, Any]:
    """Store a part of the data in each tier, read it back, and compare every block."""
    plan = task.input["plan"]
    tested = data.first(plan["seed"], plan["rows"], max(BLOCK_ROWS, plan["rows"] // 4))
    raw = stored = corrupt = 0
    seconds = {"store": 0.0, "restore": 0.0}
    for block, name in _blocks(tested, task.input["tiers"]):
        chosen = codec.CODECS[name]
        start = time.perf_counter()
        packed = chosen.compress(block)
        middle = time.perf_counter()
        corrupt += chosen.decompress(packed) != block
        seconds["store"] += middle - start
        seconds["restore"] += time.perf_counter() - middle
        raw, stored = raw + len(block), stored + len(packed)
    return {
        "rows": len(tested),
        "corrupt": corrupt,
        "ratio": round(raw / stored, 3),
        "storeMBps": codec.megabytes_a_second(raw, seconds["store"]),
        "restoreMBps": codec.megabytes_a_second(raw, seconds["restore"]),
    }


@task
def accuracy(task: Task) -> dict[str, Any]:
    """Compare the detector's own decisions with the truth, which it was never shown."""
    plan = task.input["plan"]
    rows = plan["rows"]
    found = dedupe.unpack(task.input["audit"], rows)
    audited = set(range(0, rows, dedupe.audit_stride(rows)))
    real = data.duplicates(plan["seed"], rows) & audited
    right = len(found & real)
    return {
        "audited": len(audited),
        "precision": round(right / len(found), 4) if found else 1.0,
        "recall": round(right / len(real), 4) if real else 1.0,
        "falsePositives": len(found - real),
        "falseNegatives": len(real - found),
    }


@task
def integration(task: Task) -> dict[str, Any]:
    """Load, deduplicate and compress in one go, and check what must hold."""
    plan, design, tiers = task.input["plan"], task.input["design"], task.input["tiers"]
    rows = list(data.records(plan["seed"], plan["rows"]))
    repeated = {record.key for record in dedupe.find_duplicates(rows, design)}
    unique = [record for record in rows if record.key not in repeated]
    raw = sum(len(record.body.encode()) + 1 for record in rows)
    with store.scratch_database(task.input["settings"]) as connection:
        loaded, _ = store.load(connection, task.input["ddl"], unique, plan["batchRows"])
        [kept] = connection.execute("SELECT count(*) FROM event").fetchone()
    stored = sum(len(codec.CODECS[name].compress(block)) for block, name in _blocks(unique, tiers))
    checks = {
        "every record is kept or a duplicate": kept + len(repeated) == plan["rows"],
        "the database kept what was loaded": kept == loaded,
        "the duplicates are those reported": len(repeated) == task.input["duplicates"],
        "no kept record repeats another": not list(dedupe.find_duplicates(unique, design)),
        "stored data is smaller than raw data": stored < raw,
    }
    broken = [name for name, holds in checks.items() if not holds]
    if broken:
        raise InvariantError(f"{len(broken)} of {len(checks)} checks failed: {'; '.join(broken)}")
    return {"checks": len(checks), "kept": kept, "rawBytes": raw, "storedBytes": stored}


def _blocks(records: list[data.Record], tiers: list[dict[str, Any]]) -> list[tuple[bytes, str]]:
    """Blocks of bodies, newest first into the hot tier, each with its tier's codec."""
    newest_first = records[::-1]
    blocks = []
    start, share = 0, 0.0
    for tier in tiers:
        share += tier["share"]
        end = len(records) if tier is tiers[-1] else round(len(records) * share)
        for place in range(start, end, BLOCK_ROWS):
            part = newest_first[place : min(place + BLOCK_ROWS, end)]
            blocks.append(("\n".join(record.body for record in part).encode(), tier["codec"]))
        start = end
    return blocks
