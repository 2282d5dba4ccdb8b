"""Collapsed stacks: a line for each, its frames from the outermost, and how often it was seen.

As in `main (app/__main__.py:3);work (app/work.py:10) 25`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_FRAME = re.compile(r"(?P<name>.*) \((?P<file>.+?)(?::(?P<line>\d+))?\)")


@dataclass(frozen=True, slots=True)
class Frame:
    """A function on a stack: its name, and its file below the folder that Python found it in."""

    name: str
    file: str = ""

    def __str__(self) -> str:
        return f"{self.name} ({self.file})" if self.file else self.name


Stack = tuple[Frame, ...]
"""From the outermost function to the one that ran."""


@dataclass(frozen=True, slots=True)
class Profile:
    """Stacks with how often each was seen, and what they were seen in.

    Attributes:
        stacks: How often each stack was seen running.
        rate: Looks a second.
        seconds: For how long was looked.
        cpu: Seconds of processor time that the process had in it; None if that is not known.
        waited: Seconds that its main thread could have run and others did; samples count them.
    """

    stacks: Counter[Stack]
    rate: int
    seconds: float
    cpu: float | None = None
    waited: float = 0.0

    @property
    def samples(self) -> int:
        """How often anything was seen running."""
        return self.stacks.total()

    @property
    def busy(self) -> float:
        """The share of looks at which something ran: 0 to 1, with one thread."""
        looks = self.rate * self.seconds
        return min(self.samples / looks, 1.0) if looks else 0.0


def parse_frame(text: str) -> Frame:
    """Return a frame, without its line: a function is one, wherever in it the time goes."""
    found = _FRAME.fullmatch(text)
    return Frame(found["name"], found["file"]) if found else Frame(text)


def parse(lines: Iterable[str]) -> Counter[Stack]:
    """Return the stacks of collapsed lines; those that differ in lines alone are one.

    Raises:
        ValueError: A line has no number at its end.
    """
    stacks: Counter[Stack] = Counter()
    frames: dict[str, Frame] = {}
    for line in filter(str.strip, lines):
        names, _, count = line.rstrip("\n").rpartition(" ")
        if not names or not count.isdecimal():
            raise ValueError(f"not a collapsed stack, which ends in a number: {line.strip()[:80]}")
        stack = tuple(frames.setdefault(text, parse_frame(text)) for text in names.split(";"))
        stacks[stack] += int(count)
    return stacks


def own(stacks: Counter[Stack]) -> Counter[Frame]:
    """Return how often each function was the one that ran."""
    found: Counter[Frame] = Counter()
    for stack, count in stacks.items():
        found[stack[-1]] += count
    return found


def whole(stacks: Counter[Stack]) -> Counter[Frame]:
    """Return how often each function was on the stack, those that it calls included."""
    found: Counter[Frame] = Counter()
    for stack, count in stacks.items():
        for frame in set(stack):
            found[frame] += count
    return found


def below(stacks: Counter[Stack], roots: Sequence[str]) -> Counter[Stack]:
    """Return the stacks without what stands above the first frame of one of these names.

    A stack without such a frame stays whole.
    """
    found: Counter[Stack] = Counter()
    for stack, count in stacks.items():
        start = next((at for at, frame in enumerate(stack) if frame.name in roots), 0)
        found[stack[start:]] += count
    return found
