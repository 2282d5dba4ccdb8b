"""The log level in a file, such as a mounted ConfigMap: changed while the operator runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

from .logs import LEVELS, set_level

logger = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
"""How often the file is read. Kubernetes takes up to a minute to bring a change into it."""
_MOST_BYTES = 64


class LevelFile:
    """Follows a file whose content is a level."""

    def __init__(self, path: Path, first: str, sleep: Callable[[float], Awaitable[None]]) -> None:
        """Prepare; `first` is the level while the file does not name one."""
        self._path = path
        self._first = first
        self._sleep = sleep
        self._seen = ""

    async def run(self) -> None:
        """Follow the file until cancelled."""
        while True:
            self.look(await asyncio.to_thread(self._read))
            await self._sleep(LOOK_SECONDS)

    def look(self, text: str) -> None:
        """Take in what the file holds now."""
        if text == self._seen:
            return
        self._seen = text
        if text and text not in LEVELS:
            told = ", ".join(LEVELS)
            logger.warning("%s names no log level; write one of %s", self._path, told)
            return
        set_level(text or self._first)
        logger.info("the log level is %s", text or self._first)

    def _read(self) -> str:
        try:
            with self._path.open("rb") as file:
                return file.read(_MOST_BYTES).decode(errors="replace").strip().lower()
        except OSError:
            return ""
