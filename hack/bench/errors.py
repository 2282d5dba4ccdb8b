"""What can go wrong in the benchmark."""

from __future__ import annotations


class BenchError(Exception):
    """The benchmark cannot go on; the text says what failed, where the logs are, what to do."""
