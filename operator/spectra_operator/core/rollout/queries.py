"""Queries of an analysis: what is asked of whom, and what an answer of Prometheus says.

Three things are kept apart: a value, no data (which is inconclusive), and an error of who was
asked, which says nothing of the revision.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

from ...api.rollout import Prometheus

ANY_ADDRESS = "*"
"""Stands for every address in the list of those that may be asked."""
_PLACEHOLDER = re.compile(r"\{\{\s*(revision|stable)\s*\}\}")
_PORTS = {"http": 80, "https": 443}
_MOST_TEXT = 300


class QueryError(Exception):
    """A query could not be answered; the text says why, for people."""


@dataclass(frozen=True, slots=True)
class Question:
    """A query as it is asked: `query` is PromQL with the revisions filled in."""

    name: str
    address: str
    query: str


def questions(prometheus: Prometheus | None, revision: str, stable: str) -> tuple[Question, ...]:
    """Return the queries of an analysis, about a revision and the stable one."""
    if prometheus is None:
        return ()
    names = {"revision": revision, "stable": stable}
    return tuple(
        Question(
            each.name,
            prometheus.address,
            _PLACEHOLDER.sub(lambda found: names[found[1]], each.query),
        )
        for each in prometheus.queries
    )


def address_problem(address: str) -> str:
    """Return why an address can never be asked, or nothing."""
    try:
        parts = urlsplit(address)
        whole = parts.scheme in _PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError as error:
        return f"it is no URL: {error}"
    if not whole or not address.isprintable() or not address.isascii():
        return "it is no URL of a server, such as http://prometheus.monitoring:9090"
    if parts.username is not None or parts.password is not None:
        return "it has a user or password in it; leave them out"
    if parts.query or parts.fragment or "?" in address or "#" in address:
        return "it has a query or fragment; leave that out"
    return ""


def canonical(address: str) -> str:
    """Return an address in the one way of writing by which two of them are compared."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{_host(parts)}:{_port(parts)}{parts.path.rstrip('/')}"


def refusal(address: str, allowed: Collection[str]) -> str:
    """Return why an address may not be asked, or nothing.

    Args:
        address: As the agent's spec has it.
        allowed: Addresses that may be asked; `*` among them stands for all.
    """
    problem = address_problem(address)
    if problem:
        return f"the address cannot be used: {problem}"
    if ANY_ADDRESS in allowed or canonical(address) in {
        canonical(each) for each in allowed if not address_problem(each)
    }:
        return ""
    return (
        f"the operator may not ask {address}: an administrator has to add it to "
        "rollouts.prometheusAddresses of its chart"
    )


def read_answer(status: int, body: bytes) -> float | None:
    """Return the value of an answer to an instant query; None if there is no data.

    NaN is no data: that is what a ratio of nothing gives. Infinity is a value.

    Raises:
        QueryError: it is an error, or is not one number.
    """
    document = _document(body)
    if not 200 <= status < 300 or document.get("status") != "success":
        raise QueryError(_complaint(status, document))
    data = _map(document.get("data"))
    kind, result = data.get("resultType"), data.get("result")
    if kind == "scalar":
        return _number(result)
    if kind != "vector" or not isinstance(result, list):
        raise QueryError(f"it gives a {str(kind)[:20]}; it has to give a scalar or a vector")
    if len(result) > 1:
        text = f"it gives {len(result)} series; aggregate them to one, with sum() or max()"
        raise QueryError(text)
    if not result:
        return None
    return _number(_map(result[0]).get("value"))


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return _map(document)


def _complaint(status: int, document: dict[str, Any]) -> str:
    """Say what is wrong; of an answer that is not in the API's form nothing is repeated."""
    kind, text = document.get("errorType"), document.get("error")
    if document.get("status") == "error" and isinstance(kind, str) and isinstance(text, str):
        shown = "".join(each if each.isprintable() else " " for each in f"{kind}: {text}")
        return f"HTTP {status}, {shown[:_MOST_TEXT]}"
    return f"HTTP {status}, and the answer is not one of Prometheus"


def _number(sample: Any) -> float | None:
    """Return the value of a pair of time and value."""
    if not isinstance(sample, list) or len(sample) != 2 or not isinstance(sample[1], str):
        raise QueryError("it gives no number")
    try:
        value = float(sample[1])
    except ValueError:
        raise QueryError("it gives no number") from None
    return None if math.isnan(value) else value


def _map(found: Any) -> dict[str, Any]:
    return found if isinstance(found, dict) else {}


def _host(parts: SplitResult) -> str:
    host = (parts.hostname or "").rstrip(".")
    return f"[{host}]" if ":" in host else host


def _port(parts: SplitResult) -> int:
    return parts.port or _PORTS[parts.scheme]
