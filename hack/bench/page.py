"""`python -m bench.page FOLDER`: puts the report of a run into docs/performance.md.

Between two marks of the page stands what was measured; the rest is written by hand. Without a
folder the place is left for results: so it stands until somebody measures on a quiet machine.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.errors import BenchError
from bench.pictures import PICTURES
from bench.programs import ROOT
from bench.report import target_table
from bench.targets import verdicts

DOCS = ROOT / "docs"
PAGE = DOCS / "performance.md"
FOLDER = "performance"
"""Folder of the pictures, beside the page."""
BEGIN, END = "<!-- begin: python -m bench.page -->", "<!-- end -->"


def empty() -> str:
    """Return what stands where nothing was measured yet: the targets."""
    return f"Not measured yet.\n\n{target_table(verdicts([]))}"


def filled(report: str, pictures: Sequence[str]) -> str:
    """Return a report with its pictures, by the names of their files."""
    shown = [f"![{Path(name).stem.replace('-', ' ')}]({FOLDER}/{name})" for name in pictures]
    return "\n\n".join([report.rstrip(), *shown])


def placed(page: str, text: str) -> str:
    """Return the page with a text between its marks.

    Raises:
        BenchError: The marks are not there.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise BenchError(f"{PAGE}: the marks {BEGIN} and {END} are missing")
    return f"{before}{BEGIN}\n\n{text}\n\n{END}{after}"


def fill(folder: Path, docs: Path) -> None:
    """Put the report of a folder into the page, and its pictures beside it.

    Raises:
        BenchError: There is no report in the folder.
    """
    report = folder / "report.md"
    if not report.is_file():
        raise BenchError(f"{report} is missing: give the folder that `make bench` named at its end")
    names = [f"{name}.svg" for name in PICTURES if (folder / f"{name}.svg").is_file()]
    (docs / FOLDER).mkdir(exist_ok=True)
    for name in names:
        shutil.copy(folder / name, docs / FOLDER / name)
    page = docs / PAGE.name
    page.write_text(placed(page.read_text(), filled(report.read_text(), names)))


def main(arguments: Sequence[str]) -> int:
    """Fill the page, or empty it; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.page")
    parser.add_argument("folder", nargs="?", type=Path, help="of a run; none: leave the place")
    folder = parser.parse_args(arguments).folder
    try:
        if folder is None:
            PAGE.write_text(placed(PAGE.read_text(), empty()))
        else:
            fill(folder, DOCS)
    except BenchError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
