"""Results for machines, and the tables of `get`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

import click
import yaml
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from .cluster import Body
from .tree import styled
from .words import age, one_line

Cell = Callable[[Body, datetime], Any]


def machine_option(*more: str) -> Callable[[Any], Any]:
    """Return the option -o for json and yaml, and what a command has beside them."""
    return click.option(
        "-o", "--output", type=click.Choice(["json", "yaml", *more]), help="Output format."
    )


def machine(value: Any, form: str) -> str:
    """Return a value as JSON or YAML text, without the fields that only servers read."""
    clean = _clean(value)
    if form == "json":
        return json.dumps(clean, indent=2, ensure_ascii=False)
    return str(yaml.safe_dump(clean, sort_keys=False, allow_unicode=True, width=100)).rstrip()


def _clean(value: Any) -> Any:
    if isinstance(value, dict) and "metadata" in value:
        meta = {k: v for k, v in value["metadata"].items() if k != "managedFields"}
        value = {**value, "metadata": meta}
    if isinstance(value, dict) and isinstance(value.get("items"), list):
        return {**value, "items": [_clean(item) for item in value["items"]]}
    return value


def workflow_table(bodies: Iterable[Body], now: datetime, *, wide: bool, everywhere: bool) -> Table:
    """Return workflows as a table with the columns that kubectl shows."""
    columns = [("NAMESPACE", _namespace)] * everywhere + _COLUMNS[:-1] + _WIDE * wide
    table = plain_table([title for title, _ in [*columns, _COLUMNS[-1]]])
    for body in bodies:
        cells = [cell(body, now) for _, cell in [*columns, _COLUMNS[-1]]]
        table.add_row(*(cell if isinstance(cell, Text) else Text(str(cell)) for cell in cells))
    return table


def plain_table(titles: Sequence[str]) -> Table:
    """Return an empty table as kubectl draws them."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for title in titles:
        table.add_column(title, no_wrap=True)
    return table


def print_table(console: Console, table: RenderableType) -> None:
    """Print a table, and what may stand around it: cut at the edge of a terminal only.

    Elsewhere lines have no trailing blanks.
    """
    if console.is_terminal:
        console.print(table, crop=True)
        return
    with console.capture() as captured:
        console.print(table, crop=False)
    for line in captured.get().splitlines():
        console.print(line.rstrip(), markup=False)


def _status(field: str) -> Cell:
    return lambda body, _: (body.get("status") or {}).get(field, "")


def _count(field: str) -> Cell:
    return lambda body, _: ((body.get("status") or {}).get("counts") or {}).get(field, 0)


def _namespace(body: Body, _: datetime) -> str:
    return str(body["metadata"]["namespace"])


def _cost(body: Body, _: datetime) -> str:
    return str(((body.get("status") or {}).get("usage") or {}).get("cost", ""))


def _state(body: Body, _: datetime) -> Text:
    return styled(str((body.get("status") or {}).get("state") or "Pending"))


def _message(body: Body, _: datetime) -> str:
    return one_line(str((body.get("status") or {}).get("message") or ""))


_COLUMNS: list[tuple[str, Cell]] = [
    ("NAME", lambda body, _: body["metadata"]["name"]),
    ("STATE", _state),
    ("PROGRESS", _status("progress")),
    ("CRITICAL PATH", _status("criticalPath")),
    ("ETA", _status("eta")),
    ("DURATION", _status("duration")),
    ("AGE", lambda body, now: age(body["metadata"].get("creationTimestamp"), now)),
]
_WIDE: list[tuple[str, Cell]] = [
    ("SAMPLES", _status("samples")),
    ("REASON", _status("reason")),
    ("RUNNING", _count("running")),
    ("FAILED", _count("failed")),
    ("PRIORITY", lambda body, _: body["spec"].get("priority", 0)),
    ("COST", _cost),
    ("MESSAGE", _message),
]
