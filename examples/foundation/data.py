"""The data set of the example: event records with known duplicates.

A pure function of the seed, so that every task makes its own copy and nothing has to be
carried between pods. Some duplicates are exact, some are dressed up (case, spacing), some are
edited; and some records only look like another. So a detector can miss and can be wrong.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

SOURCES = ("gateway", "ledger", "mailer", "search", "session", "shipping", "stock", "tracing")
VERBS = ("accepted", "closed", "delayed", "moved", "opened", "refused", "retried", "stored")
THINGS = ("batch", "cart", "invoice", "order", "parcel", "payment", "report", "token")
WINDOW = 2000
FIRST_SECOND = 1_700_000_000


class Record(NamedTuple):
    """One event.

    Attributes:
        key: Its number, from 0.
        source: The system it came from.
        recorded: When, in seconds of the epoch.
        body: What happened, as text.
    """

    key: int
    source: str
    recorded: int
    body: str


def records(seed: int, rows: int) -> Iterator[Record]:
    """The records, in order; which ones are duplicates is not told."""
    return (record for record, _ in _generate(seed, rows))


def duplicates(seed: int, rows: int) -> set[int]:
    """The truth: the keys of the records that repeat an earlier one."""
    return {record.key for record, is_duplicate in _generate(seed, rows) if is_duplicate}


def sample(seed: int, rows: int, limit_bytes: int) -> bytes:
    """Bodies from the start of the data set, one a line, up to a number of bytes."""
    lines: list[bytes] = []
    size = 0
    for record in records(seed, rows):
        line = record.body.encode() + b"\n"
        size += len(line)
        if size > limit_bytes and lines:
            break
        lines.append(line)
    return b"".join(lines)


def first(seed: int, rows: int, count: int) -> list[Record]:
    """The first records, at most that many."""
    return list(islice(records(seed, rows), count))


def _generate(seed: int, rows: int) -> Iterator[tuple[Record, bool]]:
    rng = random.Random(seed)
    rate = rng.uniform(0.08, 0.2)
    recent: list[str] = []
    recorded = FIRST_SECOND
    for key in range(rows):
        recorded += int(rng.random() * 5)
        body, is_duplicate = _body(rng, key, rate, recent)
        if not is_duplicate:
            _remember(rng, recent, body)
        source = SOURCES[int(rng.random() * len(SOURCES))]
        yield Record(key, source, recorded, body), is_duplicate


def _body(rng: random.Random, key: int, rate: float, recent: list[str]) -> tuple[str, bool]:
    kind = rng.random()
    if recent and kind < rate:
        return _repeat(rng, recent[int(rng.random() * len(recent))]), True
    if recent and kind < rate * 1.02:
        return recent[int(rng.random() * len(recent))].upper(), False  # only looks like another
    verb = VERBS[int(rng.random() * len(VERBS))]
    thing = THINGS[int(rng.random() * len(THINGS))]
    amount = int(rng.random() * 90_000)
    code = f"{rng.getrandbits(48):012x}"
    return f"{thing} {key:07d} {verb}: amount={amount} customer=C{amount % 997} code={code}", False


def _repeat(rng: random.Random, body: str) -> str:
    kind = rng.random()
    if kind < 0.7:
        return body
    if kind < 0.85:
        return body.title()
    if kind < 0.95:
        return body.replace(" ", "  ")
    return body.replace("amount", "amounts", 1)  # edited: the same event, in other words


def _remember(rng: random.Random, recent: list[str], body: str) -> None:
    if len(recent) < WINDOW:
        recent.append(body)
    else:
        recent[int(rng.random() * WINDOW)] = body
