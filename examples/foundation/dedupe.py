"""Finding records that repeat an earlier one, by a hash of what matters in them."""

from __future__ import annotations

import base64
import hashlib
import math
import sqlite3
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from data import Record

AUDITED_AT_MOST = 4000

Index = Callable[[bytes], bool]
"""Keeps a fingerprint; says whether it is new."""


def fingerprint(body: str, design: Mapping[str, Any]) -> bytes:
    """A digest that is the same for bodies that differ only in case and spacing.

    Args:
        body: The record's text.
        design: ``algorithm`` and ``digestBytes``, as the design task chose them.
    """
    plain = " ".join(body.casefold().split()).encode()
    return hashlib.new(design["algorithm"], plain).digest()[: design["digestBytes"]]


def memory_index() -> Index:
    """An index of fingerprints in this process's memory."""
    seen: set[bytes] = set()

    def add(mark: bytes) -> bool:
        size = len(seen)
        seen.add(mark)
        return len(seen) > size

    return add


def sqlite_index(connection: sqlite3.Connection) -> Index:
    """An index of fingerprints in a table of the connection's database."""
    connection.execute("CREATE TABLE seen (mark BLOB PRIMARY KEY) WITHOUT ROWID")
    insert = "INSERT OR IGNORE INTO seen VALUES (?)"
    return lambda mark: connection.execute(insert, (mark,)).rowcount == 1


def find_duplicates(
    records: Iterable[Record], design: Mapping[str, Any], add: Index | None = None
) -> Iterator[Record]:
    """The records whose fingerprint was seen before, in order.

    Args:
        records: What to look through.
        design: See :func:`fingerprint`.
        add: Where fingerprints are kept; None is a fresh index in memory.
    """
    add = add or memory_index()
    return (record for record in records if not add(fingerprint(record.body, design)))


def audit_stride(rows: int) -> int:
    """Every how many records one is audited, so that the audit stays small."""
    return max(1, math.ceil(rows / AUDITED_AT_MOST))


def pack(found: set[int], rows: int) -> str:
    """The decisions on the audited records as short text: one bit each, compressed."""
    stride = audit_stride(rows)
    bits = sum(1 << place for place, key in enumerate(range(0, rows, stride)) if key in found)
    return base64.b85encode(zlib.compress(bits.to_bytes(AUDITED_AT_MOST // 8 + 1, "big"))).decode()


def unpack(text: str, rows: int) -> set[int]:
    """The keys of the audited records that were called duplicates (see :func:`pack`)."""
    bits = int.from_bytes(zlib.decompress(base64.b85decode(text)), "big")
    return {
        key for place, key in enumerate(range(0, rows, audit_stride(rows))) if bits >> place & 1
    }
