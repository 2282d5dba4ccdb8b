"""A flame graph: each function a box as wide as its share of the samples, its callers below it."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape

from profiling import rooms
from profiling.stacks import Frame, Stack

WIDTH, ROW = 1200.0, 16
MARGIN = 24
NARROWEST = 0.5
"""Points; what would be narrower is not drawn."""
LETTER = 6.2
"""Points that a letter takes."""


@dataclass(slots=True)
class Node:
    """A function below the same callers, with the samples in it and in what it called."""

    count: int = 0
    children: dict[Frame, Node] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Box:
    """A function's place: left edge and width as shares of the whole, and its row from below."""

    frame: Frame
    left: float
    width: float
    depth: int
    count: int


def tree(stacks: Counter[Stack]) -> Node:
    """Return the stacks as one tree, whose root is no function."""
    root = Node()
    for stack, count in stacks.items():
        node = root
        node.count += count
        for frame in stack:
            node = node.children.setdefault(frame, Node())
            node.count += count
    return root


def boxes(root: Node) -> Iterator[Box]:
    """Yield the boxes of a tree, callers first; siblings stand in the order of their names."""
    waiting = [(root, 0.0, 0)]
    while waiting:
        node, left, depth = waiting.pop()
        for frame, child in sorted(node.children.items(), key=lambda item: str(item[0])):
            width = child.count / root.count
            if width * WIDTH >= NARROWEST:
                yield Box(frame, left, width, depth, child.count)
                waiting.append((child, left, depth + 1))
            left += width


def render(title: str, stacks: Counter[Stack]) -> str:
    """Return the flame graph as SVG; hovering over a box tells its function and its share."""
    root = tree(stacks)
    found = list(boxes(root))
    height = (max((box.depth for box in found), default=0) + 1) * ROW + 2 * MARGIN
    begin = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:.0f} {height}"'
        f' font-family="monospace" font-size="10">\n'
        f'<rect width="100%" height="100%" fill="#ffffff"/>\n'
        f'<text x="4" y="16" font-size="13">{escape(title)}: {root.count:,} samples</text>\n'
    )
    return begin + "".join(_drawn(box, height) for box in found) + "</svg>\n"


def _drawn(box: Box, height: int) -> str:
    left, width = box.left * WIDTH, box.width * WIDTH
    top = height - MARGIN - (box.depth + 1) * ROW
    letters = int((width - 4) / LETTER)
    label = box.frame.name if len(box.frame.name) <= letters else box.frame.name[:letters]
    said = escape(f"{box.frame}: {100 * box.width:.1f} %, {box.count:,} samples")
    shown = f'<text x="{left + 2:.1f}" y="{top + 11}">{escape(label)}</text>' if letters > 2 else ""
    rect = f'x="{left:.1f}" y="{top}" width="{width:.1f}" height="{ROW - 1}"'
    return f'<g><title>{said}</title><rect {rect} fill="{_colour(box.frame)}"/>{shown}</g>\n'


def _colour(frame: Frame) -> str:
    """Return a colour that a room always has; grey where there is none."""
    room = rooms.room_of(frame)
    hue = zlib.crc32(room.encode()) % 360
    return f"hsl({hue}, 60%, 72%)" if room else "#d5d5d5"
