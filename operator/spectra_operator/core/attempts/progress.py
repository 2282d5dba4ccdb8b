"""How far an attempt is, as its worker says."""

from __future__ import annotations

import json
from dataclasses import dataclass

MAX_MESSAGE = 256


@dataclass(frozen=True, slots=True)
class Progress:
    """How far something is: `percent` from 0 to 100, `message` in a few words."""

    percent: int | None = None
    message: str = ""


def progress_of(text: str) -> Progress | None:
    """Return what JSON says in `percent` and `message`; None for nothing.

    Percents are rounded down, so that what goes on is never done.
    """
    try:
        said = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    message = said.get("message")
    progress = Progress(
        _share(said.get("percent")),
        message[:MAX_MESSAGE] if isinstance(message, str) else "",
    )
    return None if progress == Progress() else progress


def _share(percent: object) -> int | None:
    if isinstance(percent, bool) or not isinstance(percent, int | float):
        return None
    return int(percent) if 0 <= percent <= 100 else None
