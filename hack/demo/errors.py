"""What can go wrong in the demo."""

from __future__ import annotations


class DemoError(Exception):
    """The demo cannot go on; the text says what failed and where the logs are."""
