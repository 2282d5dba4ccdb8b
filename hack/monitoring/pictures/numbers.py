"""Numbers: large with their course, on a dial, and as bars beside each other."""

from __future__ import annotations

import math
from collections.abc import Iterator

from monitoring.pictures.answers import Answers, Window
from monitoring.pictures.lines import Plane, path, runs
from monitoring.pictures.looks import Body, Look, Named, look, named
from monitoring.pictures.svg import GRID, INK, Box, element, fitted, rectangle, text, width

_LARGE = 38
_BAR = 30


def stat(panel: Body, answers: Answers, window: Window, box: Box) -> Iterator[str]:
    """Draw the last value of each series, and how it came to be below it."""
    found, series = look(panel), named(panel, answers)
    has_names = panel["options"]["textMode"] == "value_and_name" or len(series) > 1
    wide = box.width / max(len(series), 1)
    for place, each in enumerate(series):
        part = Box(box.x + place * wide, box.y, wide, box.height)
        yield from _course(each, window, part.inside(0, box.height * 0.68, 0, 0))
        middle = part.x + wide / 2
        said, size = found.said(each.series.last), _LARGE
        while width(said, size) > wide - 8:
            size -= 1
        y = part.y + part.height * 0.55
        if has_names:
            name = fitted(each.name, 14, wide - 8)
            yield text(name, middle, part.y + 18, 14, INK, text_anchor="middle")
            y += 10
        yield text(said, middle, y, size, each.colour, text_anchor="middle", font_weight="bold")


def gauge(panel: Body, answers: Answers, window: Window, box: Box) -> Iterator[str]:
    """Draw the last value of the first series on a half circle."""
    del window
    found, series = look(panel), named(panel, answers)
    radius = min(box.width / 2 - 14, box.height - 8)
    x, y = box.x + box.width / 2, box.bottom - 4
    top = found.top or 1
    yield _arc(x, y, radius, (0, 1), GRID, 18)
    for (least, colour), (most, _) in zip(found.steps, (*found.steps[1:], (top, "")), strict=True):
        yield _arc(x, y, radius + 12, (max(least, 0) / top, most / top), colour, 3)
    for each in series[:1]:
        value = each.series.last
        yield _arc(x, y, radius, (0, min(max(value / top, 0), 1)), each.colour, 18)
        yield text(
            found.said(value), x, y - 4, 26, each.colour, text_anchor="middle", font_weight="bold"
        )


def bars(panel: Body, answers: Answers, window: Window, box: Box) -> Iterator[str]:
    """Draw a bar from left to right for each series."""
    del window
    found, series = look(panel), named(panel, answers)
    top = found.top or max((each.series.last for each in series), default=1) or 1
    left = max((width(each.name, 13) for each in series), default=0) + 14
    right = max((width(found.said(each.series.last), 16) for each in series), default=0) + 14
    high = min(_BAR + 16, box.height / max(len(series), 1))
    start = box.y + (box.height - high * len(series)) / 2
    for place, each in enumerate(series):
        lane = Box(box.x + left, start + place * high + 5, box.width - left - right, high - 10)
        yield from _bar(each, found, top, lane)


def _bar(each: Named, found: Look, top: float, lane: Box) -> Iterator[str]:
    value, middle = each.series.last, lane.y + lane.height / 2 + 5
    share = min(max(value / top, 0), 1)
    yield text(each.name, lane.x - 10, middle, 13, INK, text_anchor="end")
    yield rectangle(lane, GRID, rx=2)
    yield rectangle(Box(lane.x, lane.y, lane.width * share, lane.height), each.colour, rx=2)
    said = found.said(value)
    yield text(said, lane.right + 10, middle, 16, each.colour, font_weight="bold")


def _course(each: Named, window: Window, box: Box) -> Iterator[str]:
    top = max(each.series.points.values(), default=0)
    if top <= 0:
        return
    plane = Plane(box, window, top)
    for run in runs(each.series.points, window):
        if len(run) > 1:
            places = [plane.at(at, value) for at, value in run]
            ends = [plane.at(run[-1][0], 0), plane.at(run[0][0], 0)]
            area = f"{path([*places, *ends])}z"
            yield element("path", d=area, fill=each.colour, fill_opacity="0.18")
            yield element("path", d=path(places), fill="none", stroke=each.colour)


def _arc(
    x: float, y: float, radius: float, shares: tuple[float, float], colour: str, thick: float
) -> str:
    """Return a part of the upper half of a circle, from one share of it to another."""
    ends = [
        (x - radius * math.cos(share * math.pi), y - radius * math.sin(share * math.pi))
        for share in shares
    ]
    (a, b), (c, d) = ends
    course = f"M{a:.1f} {b:.1f}A{radius:.1f} {radius:.1f} 0 0 1 {c:.1f} {d:.1f}"
    return element("path", d=course, fill="none", stroke=colour, stroke_width=thick)
