"""What keeps a release from being made."""

from __future__ import annotations


class ReleaseError(Exception):
    """A release cannot be made; the text says why and what to do."""
