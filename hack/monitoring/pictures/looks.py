"""Names and colours of what a panel shows, as its JSON says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from monitoring.dashboards.parts import Unit
from monitoring.pictures.answers import Answers, Series
from monitoring.pictures.units import shown

Body = dict[str, Any]

PALETTE = (
    "#3f9a4a",
    "#d9a400",
    "#3a7bd5",
    "#e0752d",
    "#d64560",
    "#8e63ce",
    "#1b9e9e",
    "#a0673a",
    "#6b7785",
    "#c2559d",
)
NAMED = {
    "green": "#2f9e44",
    "orange": "#e8820c",
    "red": "#d6293e",
    "blue": "#2f6fd0",
    "yellow": "#cf9f00",
    "purple": "#8450c0",
    "light-blue": "#86b3ea",
}


@dataclass(frozen=True)
class Look:
    """How all values of a panel look.

    Attributes:
        unit: Their unit.
        decimals: How many are shown; None for as many as it takes.
        top: The upper end of the scale; None for what comes.
        steps: From which value on they have another colour; empty for a colour of each series.
        fixed: Patterns of names of series, and their colours.
    """

    unit: Unit
    decimals: int | None
    top: float | None
    steps: tuple[tuple[float, str], ...]
    fixed: tuple[tuple[str, str], ...]

    def said(self, value: float) -> str:
        """Return a value as it is written."""
        return shown(value, self.unit, self.decimals)

    def colour(self, value: float) -> str:
        """Return the colour of the highest step that a value reaches."""
        return next(colour for least, colour in reversed(self.steps) if not value < least)


@dataclass(frozen=True)
class Named:
    """A series with its name and its colour."""

    name: str
    colour: str
    series: Series


def look(panel: Body) -> Look:
    """Read the look of a panel."""
    given = panel["fieldConfig"]["defaults"]
    is_by_steps = given["color"]["mode"] == "thresholds"
    steps = given["thresholds"]["steps"] if is_by_steps else ()
    return Look(
        Unit(given["unit"]),
        given.get("decimals"),
        given.get("max"),
        tuple((_least(step["value"]), NAMED[step["color"]]) for step in steps),
        tuple(_fixed(panel["fieldConfig"]["overrides"])),
    )


def named(panel: Body, answers: Answers) -> tuple[Named, ...]:
    """Return the series of a panel in the order of its queries, with names and colours."""
    found, seen = look(panel), []
    for target in panel["targets"]:
        for series in answers[panel["id"], target["refId"]]:
            seen.append((_name(target["legendFormat"], series), series))
    return tuple(
        Named(name, _colour(found, name, place, series), series)
        for place, (name, series) in enumerate(seen)
    )


def _colour(found: Look, name: str, place: int, series: Series) -> str:
    if found.steps:
        return found.colour(series.last)
    wanted = (colour for pattern, colour in found.fixed if re.search(pattern, name))
    return next(wanted, PALETTE[place % len(PALETTE)])


def _name(legend: str, series: Series) -> str:
    if legend == "__auto":
        return ", ".join(series.labels.values())
    return re.sub(r"\{\{(\w+)\}\}", lambda m: series.labels.get(m[1], ""), legend).strip()


def _fixed(overrides: list[Body]) -> Iterator[tuple[str, str]]:
    for each in overrides:
        for wanted in each["properties"]:
            if wanted["id"] == "color":
                yield each["matcher"]["options"].strip("/"), NAMED[wanted["value"]["fixedColor"]]


def _least(value: float | None) -> float:
    return float("-inf") if value is None else value
