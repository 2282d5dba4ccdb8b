"""The diagrams of the site: written as Mermaid in the pages, drawn as pictures beside them.

Mermaid is what a repository's own pages show as they are. The site would need its script, which no
language registry that we use for building has; so the site shows pictures, drawn by Graphviz
whenever a diagram changes and committed. A picture is found by the digest of what it was drawn
from, so none can be out of date. `python -m website` draws.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[2] / "docs"
FOLDER = "diagrams"
_FENCE = re.compile(r"^```mermaid\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NODE = re.compile(r"(\w+|\[\*\])(?:\[(\(?)([^\])]*)\)?\])?")
_EDGE = re.compile(rf"({_NODE.pattern}) --(?: (.*?) --)?> ({_NODE.pattern})(?:: (.*))?")
_SUBGRAPH = re.compile(r"subgraph (\w+)")
_LETTERS = 26
"""Characters of a line in a label."""
_STYLE = """\
  graph [bgcolor=transparent, labeljust=l, fontname="sans-serif", fontsize=12, nodesep=0.4]
  node [shape=box, style=rounded, fontname="sans-serif", fontsize=13, height=0.4]
  edge [fontname="sans-serif", fontsize=11, arrowsize=0.7]"""


_OF_PAGE = 'role="img" fill="currentColor" style="max-width:100%;height:auto"'
"""What makes a picture take its colour and its width from the page."""


class DiagramError(Exception):
    """A diagram cannot be drawn; the message says which line, or what is missing."""


def sources(docs: Path = DOCS) -> dict[str, Path]:
    """Return what all diagrams of the pages are written as, with the page of each."""
    return {
        source: page
        for page in sorted(docs.rglob("*.md"))
        for source in _FENCE.findall(page.read_text())
    }


def picture_name(source: str, page: Path) -> str:
    """Return the file name of a diagram's picture."""
    return f"{page.stem}-{_digest(source)}.svg"


def picture(source: str, *_: Any, **__: Any) -> str:
    """Return what stands for a diagram in a page of the site: its picture, or else its text."""
    found = next((DOCS / FOLDER).glob(f"*-{_digest(source)}.svg"), None)
    if found is None:
        return f"<pre>{source.replace('&', '&amp;').replace('<', '&lt;')}</pre>"
    return f"<figure>{found.read_text()}</figure>"


def problems(docs: Path = DOCS) -> list[str]:
    """Return the diagrams without a picture, and the pictures without a diagram."""
    wanted = {picture_name(source, page): page for source, page in sources(docs).items()}
    there = {path.name for path in (docs / FOLDER).glob("*.svg")}
    undrawn = sorted({str(wanted[name].relative_to(docs)) for name in wanted.keys() - there})
    return [
        *(f"docs/{page}: a diagram is not drawn; run python -m website" for page in undrawn),
        *(f"docs/{FOLDER}/{name}: of no diagram; delete it" for name in sorted(there - {*wanted})),
    ]


def draw(docs: Path = DOCS) -> list[str]:
    """Draw what is not drawn yet and delete what is not wanted; return the names of both.

    Raises:
        DiagramError: Graphviz is not installed, or a line is not understood.
    """
    wanted = {picture_name(source, page): source for source, page in sources(docs).items()}
    folder = docs / FOLDER
    folder.mkdir(exist_ok=True)
    left = [path for path in folder.glob("*.svg") if path.name not in wanted]
    fresh = [name for name in wanted if not (folder / name).exists()]
    for name in fresh:
        (folder / name).write_text(drawn(wanted[name]))
    for path in left:
        path.unlink()
    return sorted([*fresh, *(path.name for path in left)])


def drawn(source: str) -> str:
    """Return a diagram as SVG that takes its colour from the page.

    Raises:
        DiagramError: Graphviz is not installed, or a line is not understood.
    """
    program = shutil.which("dot")
    if program is None:
        raise DiagramError("dot is missing; install Graphviz, such as by apt-get install graphviz")
    done = subprocess.run(
        [program, "-Tsvg"], input=graph(source), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise DiagramError(f"dot: {done.stderr.strip()}")
    svg = re.sub(r"<!--.*?-->\n", "", done.stdout[done.stdout.index("<svg") :], flags=re.DOTALL)
    svg = re.sub(r'="(black|#000000)"', '="currentColor"', svg)
    return svg.replace("<svg", f"<svg {_OF_PAGE}", 1)


def graph(source: str) -> str:
    """Return a diagram in Graphviz' language.

    Raises:
        DiagramError: A line is not of the part of Mermaid that is understood here.
    """
    kind, *lines = source.strip().splitlines()
    if kind.split()[0] not in ("stateDiagram-v2", "flowchart"):
        raise DiagramError(f"{kind!r}: only stateDiagram-v2 and flowchart are drawn")
    body = [part for line in lines for part in _line(line.strip())]
    return "\n".join(("digraph {", _STYLE, *body, "}"))


def _line(line: str) -> Iterator[str]:
    if line == "end":
        yield "}"
    elif found := _SUBGRAPH.fullmatch(line):
        yield f'subgraph cluster_{found[1]} {{ label="{found[1]}"; style="rounded,dashed"'
    elif found := _EDGE.fullmatch(line):
        one, other = found[1], found[6]
        yield from _node(one)
        yield from _node(other)
        label = "\\n".join(textwrap.wrap(found[5] or found[10] or "", _LETTERS))
        yield f'"{_name(one)}" -> "{_name(other)}" [label="{label}"]'
    elif _NODE.fullmatch(line):
        yield from _node(line)
    else:
        raise DiagramError(f"{line!r}: is neither a node nor an edge of the kinds that are drawn")


def _node(text: str) -> Iterator[str]:
    found = _NODE.fullmatch(text)
    assert found is not None
    if found[1] == "[*]":
        yield '"[*]" [shape=circle, style=filled, fillcolor=black, label="", height=0.15]'
    elif found[3]:
        label = "\\n".join(textwrap.wrap(found[3], _LETTERS))
        shape = ", shape=cylinder, style=solid" if found[2] else ""
        yield f'"{found[1]}" [label="{label}"{shape}]'


def _name(text: str) -> str:
    found = _NODE.fullmatch(text)
    assert found is not None
    return found[1]


def _digest(source: str) -> str:
    return hashlib.sha256(source.strip().encode()).hexdigest()[:8]
