"""The documentation site: it builds without a warning, and asks no other host of a browser."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

from checks import repository as repo
from website import diagrams

_NO_PROBLEM = ("INFO", "DEBUG")
_ELSEWHERE = re.compile(r"(https?:)?//")
_IN_STYLE = re.compile(r"""(?:@import\s+|url\(\s*)["']?((?:https?:)?//[^"')\s;]+)""")
_NOT_FETCHED = {"canonical", "alternate", "next", "prev", "edit", "author", "license"}
"""What a `link` may be without a browser fetching it."""


def check_site() -> list[str]:
    """Return what is wrong with the site: dead links, forgotten pages, diagrams, other hosts."""
    return [*diagrams.problems(), *problems_of(repo.ROOT)]


def fetched_elsewhere(site: Path) -> list[str]:
    """Return what the browser of who reads a built site would fetch from other hosts."""
    pages = ((page, _Fetched.of(page.read_text())) for page in sorted(site.rglob("*.html")))
    styles = ((f, _IN_STYLE.findall(f.read_text())) for f in sorted(site.rglob("*.css")))
    return [
        f"{file.relative_to(site)}: fetches {address}"
        for files in (pages, styles)
        for file, found in files
        for address in found
    ]


class _Fetched(HTMLParser):
    """Collects what a page has its browser fetch from other hosts."""

    @classmethod
    def of(cls, html: str) -> list[str]:
        parser = cls()
        parser.feed(html)
        return [*parser.found, *_IN_STYLE.findall(html)]

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what a tag fetches."""
        self.found += _addresses(tag, {name: value or "" for name, value in attrs})


def _addresses(tag: str, has: dict[str, str]) -> Iterator[str]:
    """Yield the foreign addresses that a browser fetches for a tag."""
    if "mermaid" in has.get("class", "").split():
        yield "the script of Mermaid"  # the theme has a host for it
    fetched = {"src", "srcset", "poster", "data"}
    if tag == "link" and not _NOT_FETCHED & set(has.get("rel", "").split()):
        fetched.add("href")
    yield from (value for name, value in has.items() if name in fetched and _is_foreign(value))


def _is_foreign(address: str) -> bool:
    return _ELSEWHERE.match(address.strip()) is not None


def problems_of(root: Path) -> list[str]:
    """Return what is wrong with the site that the mkdocs.yml of a folder describes."""
    with tempfile.TemporaryDirectory(prefix="spectra-site-") as target:
        done = subprocess.run(
            [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", target],
            cwd=root,
            # The theme's notice on the future of MkDocs is no warning of ours.
            env={**os.environ, "NO_MKDOCS_2_WARNING": "1", "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        if not done.returncode:
            return fetched_elsewhere(Path(target))
    lines = (done.stdout + done.stderr).splitlines()
    said = [line for line in lines if line.strip() and not line.startswith(_NO_PROBLEM)]
    return said or [f"mkdocs ended with {done.returncode}"]
