"""A dashboard as one picture: its panels where they lie on Grafana's grid."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from monitoring.dashboards.render import COLUMNS
from monitoring.pictures.answers import Answers, Window
from monitoring.pictures.lines import lines
from monitoring.pictures.looks import Body
from monitoring.pictures.numbers import bars, gauge, stat
from monitoring.pictures.svg import (
    EDGE,
    FAINT,
    FONT,
    INK,
    PAPER,
    SHEET,
    Box,
    element,
    fitted,
    rectangle,
    text,
)
from monitoring.pictures.table import table

WIDTH = 1280
_MARGIN, _GAP, _LINE, _HEAD = 12, 8, 38, 64
_TITLE = 14
NOTE = "Drawn from the answers of a Prometheus to the panels' queries; not a picture of Grafana."

View = Callable[[Body, Answers, Window, Box], Iterator[str]]
VIEWS: dict[str, View] = {
    "timeseries": lines,
    "stat": stat,
    "gauge": gauge,
    "bargauge": bars,
    "table": table,
}


def draw(board: Body, answers: Answers, window: Window) -> str:
    """Return the picture of a dashboard, as SVG.

    Args:
        board: The dashboard, as Grafana's JSON.
        answers: To all of its queries.
        window: The time that is shown.

    Raises:
        ValueError: A panel is of a type that cannot be drawn.
    """
    lowest = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in board["panels"])
    size = Box(0, 0, WIDTH, _HEAD + lowest * _LINE + _MARGIN)
    parts = [rectangle(size, SHEET), *_head(board, window)]
    for panel in board["panels"]:
        parts += _panel(panel, answers, window)
    content = "\n".join(parts)
    return f"{_svg(size, content)}\n"


def _svg(size: Box, content: str) -> str:
    view = f"0 0 {size.width:g} {size.height:g}"
    space = "http://www.w3.org/2000/svg"
    return element("svg", content, xmlns=space, viewBox=view, width=size.width, font_family=FONT)


def _head(board: Body, window: Window) -> Iterator[str]:
    yield text(board["title"], _MARGIN, 28, 20, font_weight="bold")
    yield text(board["description"], _MARGIN, 50, 13, FAINT)
    begin, end = (time.strftime("%H:%M:%S", time.gmtime(at)) for at in (window.start, window.end))
    right = WIDTH - _MARGIN
    yield text(f"{begin} to {end} UTC", right, 28, 13, INK, text_anchor="end")
    yield text(NOTE, right, 50, 13, FAINT, text_anchor="end")


def _panel(panel: Body, answers: Answers, window: Window) -> Iterator[str]:
    box = _place(panel["gridPos"])
    if panel["type"] == "row":
        yield text(f"▾ {panel['title']}", box.x, box.y + 22, 15, font_weight="bold")
        return
    if panel["type"] not in VIEWS:
        said = f"panel {panel['title']!r}: type {panel['type']!r} cannot be drawn"
        raise ValueError(f"{said}; add it to VIEWS of monitoring/pictures/page.py")
    yield rectangle(box, PAPER, stroke=EDGE, rx=3)
    title = fitted(panel["title"], _TITLE, box.width - 20)
    yield text(title, box.x + 10, box.y + 20, _TITLE, font_weight="bold")
    inner = box.inside(10, 30, 10, 8)
    if any(answers[panel["id"], target["refId"]] for target in panel["targets"]):
        yield from VIEWS[panel["type"]](panel, answers, window, inner)
        return
    middle = (inner.x + inner.width / 2, inner.y + inner.height / 2)
    yield text("No data", *middle, 14, FAINT, text_anchor="middle")


def _place(at: Body) -> Box:
    """Return where a panel lies, with a gap to its neighbours."""
    column = (WIDTH - 2 * _MARGIN + _GAP) / COLUMNS
    x, y = _MARGIN + at["x"] * column, _HEAD + at["y"] * _LINE
    return Box(x, y, at["w"] * column - _GAP, at["h"] * _LINE - _GAP)
