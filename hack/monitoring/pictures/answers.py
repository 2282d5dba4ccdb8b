"""What a Prometheus answers to the queries of a dashboard."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

Body = dict[str, Any]


@dataclass(frozen=True)
class Window:
    """From when to when, in seconds since 1970, and how many seconds lie between points.

    The last point is at the end.
    """

    start: float
    end: float
    step: float

    def times(self) -> tuple[float, ...]:
        """Return the times of all points."""
        count = round((self.end - self.start) / self.step) + 1
        return tuple(self.start + place * self.step for place in range(count))


@dataclass(frozen=True)
class Series:
    """One series of an answer.

    Attributes:
        labels: Without the name of the metric.
        points: Values by time; times without a number are missing.
    """

    labels: Mapping[str, str]
    points: Mapping[float, float]

    @property
    def last(self) -> float:
        """The newest value; not a number where there is none."""
        return self.points[max(self.points)] if self.points else math.nan


Answers = Mapping[tuple[int, str], tuple[Series, ...]]
"""The answer to each query, by the id of its panel and its own letter."""


async def asked(
    client: httpx.AsyncClient, address: str, board: Body, window: Window, names: Mapping[str, str]
) -> Answers:
    """Ask all that a dashboard asks.

    Args:
        client: Makes the calls.
        address: The base URL of the Prometheus.
        board: The dashboard, as Grafana's JSON.
        window: The time that is shown.
        names: Values of the variables in queries, by name with its dollar.

    Raises:
        ValueError: A query was refused.
    """
    found = {}
    for panel in board["panels"]:
        for target in panel.get("targets", ()):
            query = target["expr"]
            for name, value in names.items():
                query = query.replace(name, value)
            answer = await _ask(client, address, query, window, is_range=target["range"])
            found[panel["id"], target["refId"]] = answer
    return found


async def _ask(
    client: httpx.AsyncClient, address: str, query: str, window: Window, *, is_range: bool
) -> tuple[Series, ...]:
    if is_range:
        path, times = "query_range", {"start": window.start, "end": window.end, "step": window.step}
    else:
        path, times = "query", {"time": window.end}
    answer = await client.post(f"{address}/api/v1/{path}", data={"query": query, **times})
    body = answer.json()
    if body["status"] != "success":
        raise ValueError(f"query {query}: {body.get('error')}; mend it in hack/monitoring")
    return tuple(_series(each, window) for each in body["data"]["result"])


def _series(found: Body, window: Window) -> Series:
    """Read a series; its times become those of the window, which Prometheus rounds."""
    labels = {name: value for name, value in found["metric"].items() if name != "__name__"}
    given = found.get("values") or [found["value"]]
    times = window.times()
    numbered = ((round((at - window.start) / window.step), float(value)) for at, value in given)
    points = {times[place]: value for place, value in numbered if not math.isnan(value)}
    return Series(labels, points)
