"""What can go wrong while images are built."""

from __future__ import annotations


class ImagesError(Exception):
    """The base of this tool's errors; the text says what to do."""


class ToolMissingError(ImagesError):
    """A program this needs is not installed, and cannot be installed from here."""


class StepFailedError(ImagesError):
    """A program ended with an error; the text holds the command and its last lines."""
