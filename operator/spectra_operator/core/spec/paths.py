"""Paths into objects, and how messages write them: entries of lists by their names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Step = str | int
Path = tuple[Step, ...]
"""Keys and indexes from the top of an object, such as ("spec", "phases", 0, "name")."""


def shown(path: Path, body: Any) -> str:
    """Return a path as messages have it: entries of lists by their names, where they have one."""
    text, value = "", body
    for step in path:
        value = below(value, step)
        if isinstance(step, int):
            name = value.get("name") if isinstance(value, Mapping) else None
            text += f"[{name if isinstance(name, str) and name else step}]"
        else:
            text += f".{step}" if text else step
    return text


def below(value: Any, step: Step) -> Any:
    """Return what a step leads to; None where there is nothing."""
    if isinstance(value, Mapping):
        return value.get(step)
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        return value[step]
    return None
