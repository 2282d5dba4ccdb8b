"""Lines over time, with a scale, the time and a legend."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from monitoring.pictures.answers import Answers, Window
from monitoring.pictures.looks import Body, Look, Named, look, named
from monitoring.pictures.svg import FAINT, GRID, INK, Box, element, fitted, rectangle, text, width
from monitoring.pictures.units import ticks

SMALL = 11
_ROW = 16
_SWATCH = 16
_LEGEND_SHARE = 0.35
_TIME_STEPS = (10, 15, 30, 60, 120, 300, 600, 1800, 3600)
_FLAT = 0.05

Points = Mapping[float, float]


@dataclass(frozen=True)
class Plane:
    """Where times and values lie in a picture."""

    box: Box
    window: Window
    top: float

    def at(self, moment: float, value: float) -> tuple[float, float]:
        """Return the place of a point."""
        across = (moment - self.window.start) / (self.window.end - self.window.start)
        up = min(max(value / self.top, 0), 1)
        return self.box.x + across * self.box.width, self.box.bottom - up * self.box.height


def lines(panel: Body, answers: Answers, window: Window, box: Box) -> Iterator[str]:
    """Draw a panel of lines."""
    found, series = look(panel), named(panel, answers)
    legend = tuple(_legend(series, box))
    custom = panel["fieldConfig"]["defaults"]["custom"]
    is_stacked = "stacking" in custom
    drawn = stacked(series, window) if is_stacked else [each.series.points for each in series]
    highest = max((value for points in drawn for value in points.values()), default=0)
    marks = ticks(found.top or highest or 1, found.unit)
    left = max(width(found.said(mark), SMALL) for mark in marks) + 8
    area = box.inside(left, 4, 4, 18 + _ROW * (1 + max((row for row, _ in legend), default=-1)))
    plane = Plane(area, window, marks[-1])
    yield from _grid(plane, marks, found)
    floors: list[Points] = [{}, *drawn[:-1]] if is_stacked else [{} for _ in drawn]
    opacity = custom["fillOpacity"] / 100
    for each, points, floor in reversed(list(zip(series, drawn, floors, strict=True))):
        for run in runs(points, window):
            yield from _line(plane, each.colour, run, floor, opacity)
    yield from (drawing for _, drawing in legend)


def stacked(series: Sequence[Named], window: Window) -> list[Points]:
    """Return the upper edge of each series when each is laid on those before it.

    A series without a value at a time that another has one for is nothing there.
    """
    found: list[Points] = []
    known = {at for each in series for at in each.series.points}
    below = {at: 0.0 for at in window.times() if at in known}
    for each in series:
        below = {at: base + each.series.points.get(at, 0) for at, base in below.items()}
        found.append(below)
    return found


def runs(points: Points, window: Window) -> Iterator[list[tuple[float, float]]]:
    """Yield the points from each gap to the next."""
    run: list[tuple[float, float]] = []
    for at in (*window.times(), window.end + window.step):
        if at in points:
            run.append((at, points[at]))
        elif run:
            yield run
            run = []


def path(places: Sequence[tuple[float, float]]) -> str:
    """Return the steps of a path through places; those on a level line are left out."""
    kept = [place for i, place in enumerate(places) if not _is_between(places, i)]
    rounded = [(round(x, 1), round(y, 1)) for x, y in kept]
    steps = (f"{x - a:.4g} {y - b:.4g}" for (a, b), (x, y) in pairwise(rounded))
    return f"M{rounded[0][0]:g} {rounded[0][1]:g}l" + " ".join(steps)


def _is_between(places: Sequence[tuple[float, float]], i: int) -> bool:
    if not 0 < i < len(places) - 1:
        return False
    y = places[i][1]
    return abs(places[i - 1][1] - y) < _FLAT and abs(places[i + 1][1] - y) < _FLAT


def _line(
    plane: Plane, colour: str, run: list[tuple[float, float]], floor: Points, opacity: float
) -> Iterator[str]:
    places = [plane.at(at, value) for at, value in run]
    if len(places) == 1:
        (x, y), *_ = places
        yield element("circle", cx=x, cy=y, r=2, fill=colour)
        return
    under = [plane.at(at, floor.get(at, 0)) for at, _ in reversed(run)]
    area = path([*places, *under])
    yield element("path", d=f"{area}z", fill=colour, fill_opacity=f"{opacity:g}")
    yield element("path", d=path(places), fill="none", stroke=colour, stroke_width=1.6)


def _grid(plane: Plane, marks: Sequence[float], found: Look) -> Iterator[str]:
    for mark in marks:
        x, y = plane.at(plane.window.start, mark)
        yield element("path", d=f"M{x:.1f} {y:.1f}h{plane.box.width:.1f}", stroke=GRID)
        yield text(found.said(mark), x - 6, y + 4, SMALL, FAINT, text_anchor="end")
    for moment in _moments(plane):
        x, y = plane.at(moment, 0)
        yield element("path", d=f"M{x:.1f} {y:.1f}v{-plane.box.height:.1f}", stroke=GRID)
        clock = time.strftime("%H:%M" if moment % 60 == 0 else "%H:%M:%S", time.gmtime(moment))
        yield text(clock, x, y + 14, SMALL, FAINT, text_anchor="middle")


def _moments(plane: Plane) -> Iterator[float]:
    """Yield round times that are far enough from each other and from the edges."""
    length, room = plane.window.end - plane.window.start, plane.box.width / 62
    step = next((each for each in _TIME_STEPS if length / each <= room), _TIME_STEPS[-1])
    moment = plane.window.start // step * step + step
    while moment <= plane.window.end - 14 / plane.box.width * length:
        yield moment
        moment += step


def _legend(series: Sequence[Named], box: Box) -> Iterator[tuple[int, str]]:
    """Yield the legend with its rows; what does not fit is counted, where Grafana scrolls."""
    names = [fitted(each.name, SMALL, box.width - 2 * _SWATCH) for each in series]
    rows = _rows([width(name, SMALL) + _SWATCH + 12 for name in names], box.width)
    most = max(1, int(box.height * _LEGEND_SHARE / _ROW))
    count = min(max((row for row, _ in rows), default=0) + 1, most)
    top = box.bottom - _ROW * count + 10
    for each, name, (row, x) in zip(series, names, rows, strict=True):
        if row >= most:
            left, y = sum(1 for other, _ in rows if other >= most), top + _ROW * (most - 1) + 4
            more = text(f"+{left}", box.right, y, SMALL, FAINT, text_anchor="end")
            yield most - 1, more
            return
        y = top + row * _ROW
        mark = rectangle(Box(box.x + x, y - 2, 11, 3), each.colour, rx=1)
        yield row, mark + text(name, box.x + x + _SWATCH, y + 4, SMALL, INK)


def _rows(widths: Sequence[float], room: float) -> list[tuple[int, float]]:
    """Return row and x of things that follow each other from left to right."""
    found, row, x = [], 0, 0.0
    for wide in widths:
        if x and x + wide > room:
            row, x = row + 1, 0.0
        found.append((row, x))
        x += wide
    return found
