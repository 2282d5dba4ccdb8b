"""The architect designs: the schema, the storage tiers, the deduplication."""

from __future__ import annotations

import hashlib
import math
import time
from typing import Any

import data
import dedupe

from spectra_agent import Task, task

LOOKED_AT = 500
SQL_TYPES = {int: "INTEGER", str: "TEXT"}
HOT_SHARE, WARM_SHARE = 0.1, 0.3
"""How much of the data is read often, and how much now and then; the rest is cold."""
ALGORITHMS = ("blake2b", "sha256", "sha3_256")
COLLISION_BITS = 40
"""A collision anywhere in the data set may happen once in 2 to this many data sets."""


@task
def schema(task: Task) -> dict[str, Any]:
    """Derive the table from real records: types from values, an index for range queries."""
    plan = task.input["plan"]
    looked_at = data.first(plan["seed"], plan["rows"], LOOKED_AT)
    columns = []
    for number, name in enumerate(data.Record._fields):
        values = [record[number] for record in looked_at]
        [kind] = {type(value) for value in values}
        unique = kind is int and len(set(values)) == len(values)
        rule = "PRIMARY KEY" if unique else "NOT NULL"
        columns.append(f"{name} {SQL_TYPES[kind]} {rule}")
    ddl = (
        f"CREATE TABLE event ({', '.join(columns)});\nCREATE INDEX event_time ON event (recorded);"
    )
    return {"ddl": ddl, "columns": len(columns), "indexes": ddl.count("CREATE INDEX")}


@task
def storage(task: Task) -> dict[str, Any]:
    """Place the data in tiers: hot as it is, warm by the chosen codec, cold by the densest."""
    size, codecs = task.input["plan"]["estimatedBytes"], task.input["codecs"]
    measured = codecs["measured"]
    densest = max(measured, key=lambda name: measured[name]["ratio"])
    shares = {"hot": HOT_SHARE, "warm": WARM_SHARE, "cold": 1 - HOT_SHARE - WARM_SHARE}
    chosen = {"hot": "none", "warm": codecs["chosen"], "cold": densest}
    tiers = [
        {
            "name": name,
            "codec": chosen[name],
            "share": round(share, 3),
            "bytes": round(size * share / measured.get(chosen[name], {"ratio": 1})["ratio"]),
        }
        for name, share in shares.items()
    ]
    stored = sum(int(str(tier["bytes"])) for tier in tiers)
    return {"tiers": tiers, "storedBytes": stored, "savedShare": round(1 - stored / size, 3)}


@task
def design(task: Task) -> dict[str, Any]:
    """Choose the fastest good hash, just long enough, and estimate the share of duplicates."""
    plan = task.input["plan"]
    looked_at = data.first(plan["seed"], plan["rows"], max(LOOKED_AT, plan["rows"] // 5))
    bodies = [record.body.encode() for record in looked_at]
    speeds = {name: _hashes_a_second(name, bodies) for name in ALGORITHMS}
    bits = 2 * math.log2(plan["rows"]) + COLLISION_BITS
    chosen = {
        "algorithm": max(speeds, key=speeds.__getitem__),
        "digestBytes": math.ceil(bits / 8),
    }
    repeated = sum(1 for _ in dedupe.find_duplicates(looked_at, chosen))
    return {
        **chosen,
        "expectedRate": round(repeated / len(looked_at), 4),
        "hashesPerSecond": speeds,
    }


def _hashes_a_second(name: str, bodies: list[bytes]) -> int:
    start = time.perf_counter()
    for body in bodies:
        hashlib.new(name, body).digest()
    return round(len(bodies) / (time.perf_counter() - start))
