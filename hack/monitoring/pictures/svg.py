"""Elements of SVG, and how much room text takes."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

FONT = "Helvetica, Arial, 'Liberation Sans', sans-serif"
INK, FAINT, GRID, EDGE, PAPER, SHEET = (
    "#24292e",
    "#656d78",
    "#e8eaee",
    "#dcdfe4",
    "#ffffff",
    "#f4f5f7",
)
_NARROW, _SLIM, _WIDE = "ijlI.,:;'| ", 'frt()[]{}/-"', "mwMW%@"


@dataclass(frozen=True)
class Box:
    """A rectangle, in pixels from the upper left corner of the picture."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """The x of its right edge."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """The y of its lower edge."""
        return self.y + self.height

    def inside(self, left: float, top: float, right: float, bottom: float) -> Box:
        """Return what is left of it without so much at each edge."""
        return Box(
            self.x + left, self.y + top, self.width - left - right, self.height - top - bottom
        )


def element(name: str, content: str = "", **attributes: Any) -> str:
    """Return an element; an underscore in an attribute's name becomes a hyphen."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_value(value)}"'
        for key, value in attributes.items()
        if value != ""
    )
    return f"<{name}{given}>{content}</{name}>" if content else f"<{name}{given}/>"


def text(said: str, x: float, y: float, size: int = 12, fill: str = INK, **attributes: Any) -> str:
    """Return a line of text that stands on y."""
    where: dict[str, Any] = {"x": x, "y": y, "font_size": size, "fill": fill}
    return element("text", escape(said, quote=False), **(where | attributes))


def rectangle(box: Box, fill: str, **attributes: Any) -> str:
    """Return a filled rectangle."""
    place: dict[str, Any] = {
        "x": box.x,
        "y": box.y,
        "width": box.width,
        "height": box.height,
        "fill": fill,
    }
    return element("rect", **(place | attributes))


def width(said: str, size: int) -> float:
    """Return about how wide text is, in Helvetica and what is as wide."""
    return size * sum(_share(letter) for letter in said)


def fitted(said: str, size: int, room: float) -> str:
    """Return text that fits, with an ellipsis where it was cut."""
    if width(said, size) <= room:
        return said
    while said and width(f"{said}…", size) > room:
        said = said[:-1]
    return f"{said}…"


def _share(letter: str) -> float:
    if letter in _NARROW:
        return 0.27
    if letter in _SLIM:
        return 0.34
    if letter in _WIDE:
        return 0.86
    return 0.69 if letter.isupper() else 0.55


def _value(value: float | str) -> str:
    return escape(value) if isinstance(value, str) else f"{value:.1f}".removesuffix(".0")
