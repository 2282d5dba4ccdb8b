"""How a metric is defined: its name, kind, labels, and what it means."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """Kinds of metrics, as Prometheus calls them."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


QUICK = (0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds of what should take milliseconds."""
PASS = (0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0)
"""Seconds of a pass."""
LONG = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0)
"""Seconds of work, and of the wait for it."""
RECOVERY = (1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 60.0, 300.0)
"""Seconds without a leader."""


@dataclass(frozen=True, slots=True)
class Definition:
    """One metric.

    Attributes:
        name: As it stands in a scrape; of a histogram without `_bucket`, `_sum`, `_count`.
        kind: Counter, gauge or histogram.
        text: What is counted or measured, in one sentence; also the HELP of a scrape.
        labels: Names of its labels.
        buckets: Upper bounds of a histogram's buckets.
        at_scrape: Read from the engine at each scrape, and kept nowhere.
    """

    name: str
    kind: Kind
    text: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    at_scrape: bool = False


def counter(name: str, text: str, *labels: str) -> Definition:
    """Define a counter."""
    return Definition(name, Kind.COUNTER, text, labels)


def gauge(name: str, text: str, *labels: str) -> Definition:
    """Define a gauge that is set."""
    return Definition(name, Kind.GAUGE, text, labels)


def histogram(name: str, text: str, buckets: tuple[float, ...], *labels: str) -> Definition:
    """Define a histogram."""
    return Definition(name, Kind.HISTOGRAM, text, labels, buckets)


def shown(name: str, text: str, *labels: str) -> Definition:
    """Define a gauge that is read at each scrape."""
    return Definition(name, Kind.GAUGE, text, labels, at_scrape=True)


def told(name: str, text: str, *labels: str) -> Definition:
    """Define a counter that is read at each scrape."""
    return Definition(name, Kind.COUNTER, text, labels, at_scrape=True)
