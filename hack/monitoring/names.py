"""Which metrics a query asks for, and whether there are such."""

from __future__ import annotations

import re
from functools import cache

from monitoring.rules import recorded_names
from spectra_operator.observability.metrics import CATALOGUE, Kind
from spectra_operator.observability.metrics.catalogue import PROCESS

_NAME = re.compile(r"\b(?:spectra|process)[a-z0-9]*[_:][a-zA-Z0-9_:]+")
_PARTS = ("_bucket", "_sum", "_count")
_STRING = re.compile(r'"[^"]*"')


def asked(query: str) -> set[str]:
    """Return the names of the series that a query asks for."""
    return set(_NAME.findall(_STRING.sub('""', query)))


@cache
def known() -> frozenset[str]:
    """Return the names of all series: those that are scraped, and those that are recorded."""
    found = {*PROCESS, *recorded_names()}
    for name, metric in CATALOGUE.items():
        found |= {name + part for part in _PARTS} if metric.kind is Kind.HISTOGRAM else {name}
    return frozenset(found)


def labels_of(name: str) -> set[str]:
    """Return the labels that the operator gives a metric."""
    for part in ("", *_PARTS):
        metric = CATALOGUE.get(name.removesuffix(part)) if name.endswith(part) else None
        if metric is not None:
            return {*metric.labels, *({"le"} if part == "_bucket" else ())}
    return set()
