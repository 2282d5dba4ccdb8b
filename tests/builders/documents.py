"""What stands in the documents: blocks of code, and the commands in them with their output."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
_BLOCK = re.compile(
    r"^(?:<!-- (?P<note>[^\n]*?) -->\n)?"
    r"(?P<indent> *)(?P<fence>`{3,})(?P<language>[\w-]*)\n(?P<text>.*?)^(?P=indent)(?P=fence)$",
    re.DOTALL | re.MULTILINE,
)
_PROMPT = "$ "
ANYTHING = "..."
"""In a line of output: what differs from run to run. Alone in a line: any lines."""

_SAFE = "bcdfghjklmnpqrstvwxz2456789"
"""The letters that Kubernetes makes up names of."""
_VARYING = (
    (re.compile(r"\b\d\d:\d\d:\d\d\b"), "TIME"),
    (re.compile(rf"\b[{_SAFE}]{{10}}\b"), "REVISION"),
    (re.compile(rf"-[{_SAFE}]{{5}}\b"), "-XXXXX"),
    (re.compile(r"\b(?:\d+(?:\.\d+)?(?:ms|[smhd]))+\b"), "AGE"),
    (re.compile(r"\s+"), " "),
)


@dataclass(frozen=True)
class Block:
    """A block of code in a document.

    Attributes:
        path: The document.
        line: The line of its first fence, from 1.
        language: What stands behind the fence; empty if nothing does.
        text: What is in it.
        note: The comment in the line before it, without its marks; empty if there is none.
        heading: The heading that it stands under.
    """

    path: Path
    line: int
    language: str
    text: str
    note: str
    heading: str

    @property
    def place(self) -> str:
        """Where it is, such as docs/install.md:7."""
        return f"{self.path.relative_to(ROOT)}:{self.line}"


@dataclass(frozen=True)
class Command:
    """A command line of a document, and what the document says comes of it.

    Attributes:
        text: The command, with its continuation lines.
        output: The lines that are shown below it.
        place: Where it is.
    """

    text: str
    output: tuple[str, ...]
    place: str

    def differences(self, actual: str) -> list[str]:
        """Return the lines that are shown and did not come; their order does not matter."""
        came = [steady(line) for line in actual.splitlines()]
        wanted = [steady(line) for line in self.output if line.strip() not in ("", ANYTHING)]
        return [line for line in wanted if not any(_fits(line, other) for other in came)]


def documents() -> list[Path]:
    """Return all pages that people write, the first page of the repository among them."""
    pages = [path for path in DOCS.rglob("*.md") if path.parent.name != "reference"]
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(pages)]


def blocks(path: Path) -> list[Block]:
    """Return the blocks of a document, in order."""
    text = path.read_text()
    found = []
    for match in _BLOCK.finditer(text):
        before = text[: match.start("indent")]
        heading = next(iter(reversed(re.findall(r"^#+ (.+)$", before, re.MULTILINE))), "")
        inner = re.sub(rf"^{match['indent']}", "", match["text"], flags=re.MULTILINE)
        note = match["note"] or ""
        line = before.count("\n") + 1
        found.append(Block(path, line, match["language"], inner, note, heading))
    return found


def commands(block: Block) -> Iterator[Command]:
    """Yield the commands of a block: lines with a prompt, each with the output below it."""
    lines = block.text.splitlines()
    number = 0
    while number < len(lines):
        if not lines[number].startswith(_PROMPT):
            number += 1
            continue
        place = f"{block.path.relative_to(ROOT)}:{block.line + number + 1}"
        text, number = _whole(lines, number)
        output = []
        while number < len(lines) and not lines[number].startswith(_PROMPT):
            output.append(lines[number])
            number += 1
        yield Command(text, tuple(output), place)


def _whole(lines: list[str], number: int) -> tuple[str, int]:
    """Return a command with its continuation lines, and the number of the line after it."""
    text = lines[number].removeprefix(_PROMPT)
    number += 1
    while _goes_on(text) and number < len(lines):
        text = f"{text}\n{lines[number]}"
        number += 1
    return text, number


def _goes_on(text: str) -> bool:
    """Whether a command is not over: it ends with a backslash, or within quotes."""
    return text.endswith("\\") or text.partition(" # ")[0].count("'") % 2 == 1


def steady(line: str) -> str:
    """Return a line of output without what differs from run to run: times, ages, made-up names."""
    for pattern, word in _VARYING:
        line = pattern.sub(word, line)
    return line.strip()


def _fits(wanted: str, line: str) -> bool:
    pattern = ".*".join(re.escape(part) for part in wanted.split(ANYTHING))
    return re.fullmatch(pattern, line) is not None
