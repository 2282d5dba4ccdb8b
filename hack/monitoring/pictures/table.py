"""Answers as rows: a column for each label, and the value."""

from __future__ import annotations

from collections.abc import Iterator

from monitoring.pictures.answers import Answers, Window
from monitoring.pictures.looks import Body, look
from monitoring.pictures.svg import EDGE, FAINT, INK, Box, element, fitted, text

_ROW = 26
_SIZE = 13


def table(panel: Body, answers: Answers, window: Window, box: Box) -> Iterator[str]:
    """Draw the rows that fit, and say how many do not."""
    del window
    found, answer = look(panel), answers[panel["id"], panel["targets"][0]["refId"]]
    names = {label for each in answer for label in each.labels} | {"Value"}
    columns = _columns(panel, names)
    rows = [
        [
            found.said(each.last) if name == "Value" else each.labels.get(name, "")
            for name in columns
        ]
        for each in answer
    ]
    room = int(box.height // _ROW) - 1
    shown = rows[: room - 1] if len(rows) > room else rows
    wide = box.width / len(columns)
    for line, row in enumerate([list(columns.values()), *shown]):
        y = box.y + line * _ROW
        colour = INK if line else FAINT
        for place, cell in enumerate(row):
            said = fitted(cell, _SIZE, wide - 12)
            yield text(said, box.x + place * wide + 4, y + 17, _SIZE, colour)
        yield element("path", d=f"M{box.x:.1f} {y + _ROW - 2:.1f}h{box.width:.1f}", stroke=EDGE)
    if len(shown) < len(rows):
        said = f"and {len(rows) - len(shown)} more rows"
        yield text(said, box.x + 4, box.y + (len(shown) + 1) * _ROW + 17, _SIZE, FAINT)


def _columns(panel: Body, names: set[str]) -> dict[str, str]:
    """Return the columns in their order, with their titles."""
    order: dict[str, int] = {}
    titles: dict[str, str] = {}
    for each in panel["transformations"]:
        order |= each["options"].get("indexByName", {})
        titles |= each["options"].get("renameByName", {})
    ranked = sorted(names, key=lambda name: (order.get(name, len(order)), name))
    return {name: titles.get(name, name) for name in ranked}
