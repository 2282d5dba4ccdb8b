"""Counts what the operator's own Python does: entries of its functions, and their bytecodes.

Python tells a tracer of every bytecode that it is about to carry out, so a count does not depend on
the machine, on its load or on the clock. What it cannot tell is how long each takes: a call into
a library written in C is one bytecode, whatever it does.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import Any

from profiling.rooms import OPERATOR
from profiling.stacks import Frame

Tracer = Callable[[FrameType, str, Any], Any]


@dataclass(frozen=True, slots=True)
class Count:
    """What a function did: how often it was entered or resumed, and how many bytecodes it took."""

    entries: int
    bytecodes: int

    def __add__(self, other: Count) -> Count:
        return Count(self.entries + other.entries, self.bytecodes + other.bytecodes)


class _Tally:
    """Counts for one function, in what Python calls for each bytecode."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.entries = 0
        self.bytecodes = 0

    def trace(self, frame: FrameType, event: str, argument: Any) -> Tracer:  # noqa: ARG002 - Python's
        if event == "opcode":
            self.bytecodes += 1
        return self.trace


class Tracing:
    """Counts for all functions of a package while it is the process's tracer."""

    def __init__(self, package: str = OPERATOR) -> None:
        """Prepare.

        Args:
            package: The package's folder, with a slash at its end.
        """
        self._package = package
        self._tallies: dict[CodeType, _Tally | None] = {}

    def counts(self) -> dict[Frame, Count]:
        """Return what each function did; those of one name in one file are one."""
        found: dict[Frame, Count] = {}
        for tally in filter(None, self._tallies.values()):
            count = Count(tally.entries, tally.bytecodes)
            found[tally.frame] = found.get(tally.frame, Count(0, 0)) + count
        return found

    def trace(self, frame: FrameType, event: str, argument: Any) -> Tracer | None:  # noqa: ARG002 - Python's
        """Look at a function that is entered; nothing of another package is looked at further."""
        code = frame.f_code
        if code not in self._tallies:
            self._tallies[code] = self._of(code)
        tally = self._tallies[code]
        if tally is None:
            return None
        tally.entries += 1
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return tally.trace

    def _of(self, code: CodeType) -> _Tally | None:
        _, within, file = code.co_filename.rpartition(f"/{self._package}")
        return _Tally(Frame(code.co_qualname, self._package + file)) if within else None


@contextmanager
def counting(package: str = OPERATOR) -> Iterator[Tracing]:
    """Count in this thread until the end of the block; a tracer that was there comes back."""
    tracing, before = Tracing(package), sys.gettrace()
    sys.settrace(tracing.trace)
    try:
        yield tracing
    finally:
        sys.settrace(before)
