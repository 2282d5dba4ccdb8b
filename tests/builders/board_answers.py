"""Dashboards of one panel, and invented answers to what dashboards ask."""

from __future__ import annotations

import math
from typing import Any

from monitoring.dashboards.parts import Dashboard, Panel, Row, Unit, View, ask
from monitoring.dashboards.render import rendered
from monitoring.pictures import Answers, Series, Window

Body = dict[str, Any]

WINDOW = Window(1_800_000_000, 1_800_000_060, 10)


def a_series(*values: float | None, **labels: str) -> Series:
    """Return a series with a value for each time of the window, as far as they go."""
    pairs = zip(WINDOW.times(), values, strict=False)
    return Series(labels, {at: value for at, value in pairs if value is not None})


def a_board(*panels: Panel) -> Body:
    """Return the JSON of a dashboard with one row of these."""
    row = Row("Row", panels)
    return rendered(Dashboard("uid", "file.json", "Title", "For tests", (row,)), ())


def a_panel(view: View = View.LINES, legend: str = "{{state}}", **fields: Any) -> Panel:
    """Return a panel with one query."""
    unit = fields.pop("unit", Unit.COUNT)
    return Panel("Some panel", "For tests.", ask("up", legend), unit, view, **fields)


def answers_to(board: Body, *series: Series) -> Answers:
    """Return the same series as the answer to every query of a dashboard."""
    return {
        (panel["id"], target["refId"]): series
        for panel in board["panels"]
        for target in panel.get("targets", ())
    }


def nothing_but_gaps() -> Series:
    """Return a series without a point."""
    found = a_series()
    assert math.isnan(found.last)
    return found
