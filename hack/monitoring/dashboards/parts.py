"""What a dashboard is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class View(StrEnum):
    """How a panel shows its answer, by Grafana's names."""

    NUMBER = "stat"
    GAUGE = "gauge"
    LINES = "timeseries"
    TABLE = "table"
    BARS = "bargauge"


class Unit(StrEnum):
    """Units, by Grafana's names."""

    COUNT = "short"
    RATE = "ops"
    SECONDS = "s"
    SHARE = "percentunit"
    BYTES = "bytes"
    BYTES_RATE = "Bps"
    PLAIN = "none"


RED, AMBER, GREEN = "red", "orange", "green"


@dataclass(frozen=True)
class Steps:
    """From which value on a number has another colour; the first colour is below all of them."""

    first: str
    rest: tuple[tuple[float, str], ...]


@dataclass(frozen=True)
class Query:
    """One query. `legend` names its series, with labels as `{{label}}`."""

    text: str
    legend: str = ""


@dataclass(frozen=True)
class Panel:
    """One panel.

    Attributes:
        title: What is seen.
        description: What it means and what to look at next, in a sentence or two.
        queries: At least one.
        unit: Of all its values.
        view: How it is shown.
        width: Of 24 columns.
        steps: Colours of a number; None for one colour.
        stacked: Whether lines are laid on each other.
        most: The upper end of the scale; None for what comes.
        alert: The alert that is about it; the panel then leads to its runbook.
    """

    title: str
    description: str
    queries: tuple[Query, ...]
    unit: Unit = Unit.COUNT
    view: View = View.LINES
    width: int = 8
    steps: Steps | None = None
    stacked: bool = False
    most: float | None = None
    alert: str = ""


@dataclass(frozen=True)
class Row:
    """Panels under a heading."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class Dashboard:
    """A dashboard. `by_agent`: it has the variables `namespace` and `agent`.

    Attributes:
        uid: By which others link to it.
        file: Name of its file.
        title: For people.
        description: Whom it serves.
        rows: From top to bottom.
        by_agent: Whether namespace and agent can be chosen.
    """

    uid: str
    file: str
    title: str
    description: str
    rows: tuple[Row, ...] = field(default=())
    by_agent: bool = False


def ask(text: str, legend: str = "") -> tuple[Query, ...]:
    """Return the queries of a panel that has one."""
    return (Query(text, legend),)


def quantiles(metric: str, by: str = "") -> tuple[Query, ...]:
    """Return the median and the worst of a hundred of a histogram, one pair for each `by`."""
    keep = f"le, {by}" if by else "le"
    name = f"{{{{{by}}}}} " if by else ""
    rate = f"sum by ({keep}) (rate({metric}_bucket[$__rate_interval]))"
    return tuple(
        Query(f"histogram_quantile({share}, {rate})", f"{name}{words}")
        for share, words in ((0.5, "half"), (0.99, "99 of 100"))
    )
