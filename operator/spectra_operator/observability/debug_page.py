"""The status page: tables for people (HTML, without a script) and for programs (JSON)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

MOST_ROWS = 50
"""Rows of a table; the page stays small however much the operator has to do."""
MOST_CHARACTERS = 200
"""Characters of a cell."""

Cell = str | int | float | bool | None
"""None is shown as nothing."""

_STYLE = (
    "body{font:14px/1.5 system-ui,sans-serif;margin:1.5rem;color:#222}"
    "table{border-collapse:collapse;margin-bottom:1.5rem}"
    "th,td{border:1px solid #ccc;padding:.15rem .6rem;text-align:left;"
    "font-variant-numeric:tabular-nums}th{background:#f2f2f2}"
)


@dataclass(frozen=True, slots=True)
class Table:
    """A titled table; `left_out` says how many more rows there would be."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    left_out: int = 0


def a_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Table:
    """Return a table of at most 50 rows, with its cells cut to what people read."""
    found = [tuple(map(_short, row)) for row in rows]
    shown = tuple(found[:MOST_ROWS])
    return Table(title, tuple(columns), shown, len(found) - len(shown))


def render_json(tables: Iterable[Table]) -> str:
    """Return the tables as one JSON object: the rows of each by its title, as objects."""
    shown = {
        table.title: {
            "rows": [dict(zip(table.columns, row, strict=True)) for row in table.rows],
            "leftOut": table.left_out,
        }
        for table in tables
    }
    return json.dumps(shown, indent=1)


def render_html(heading: str, tables: Iterable[Table]) -> str:
    """Return the tables as a page."""
    parts = "".join(map(_html, tables))
    title = escape(heading)
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title>"
        f"<style>{_STYLE}</style><h1>{title}</h1>"
        f'<p>Read-only. The same as JSON: <a href="/debug.json">/debug.json</a></p>{parts}</html>\n'
    )


def _html(table: Table) -> str:
    head = "".join(f"<th>{escape(column)}" for column in table.columns)
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(_text(cell))}" for cell in row) for row in table.rows
    )
    more = f"<p>and {table.left_out} more</p>" if table.left_out else ""
    body = f"<table><tr>{head}{rows}</table>" if table.rows else "<p>none</p>"
    return f"<h2>{escape(table.title)}</h2>{body}{more}"


def _text(cell: Cell) -> str:
    return "" if cell is None else str(cell)


def _short(cell: Cell) -> Cell:
    if isinstance(cell, float):
        return round(cell, 4)
    if isinstance(cell, str) and len(cell) > MOST_CHARACTERS:
        return cell[: MOST_CHARACTERS - 1] + "…"
    return cell
