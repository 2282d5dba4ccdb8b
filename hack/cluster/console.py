"""Progress lines for people, on standard error, so that standard output stays for results."""

from __future__ import annotations

import sys
import time


class Console:
    """Writes progress lines with the seconds since it was made."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since this console was made."""
        return time.monotonic() - self._start

    def say(self, text: str) -> None:
        """Write one progress line."""
        print(f"[{self.seconds:6.1f}s] {text}", file=sys.stderr, flush=True)
