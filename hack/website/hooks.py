"""What MkDocs is told beyond mkdocs.yml: folders in navigation and links, links out of docs/.

A link such as `../examples/retry.yaml` is right in the repository and would lead nowhere on the
site. So each file that a page links to outside docs/ becomes a page of its own.
"""

from __future__ import annotations

import os
import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

LINK = re.compile(r"(\]\()([^)\s#]+)((?:#[^)]*)?\))")
SHOWN = "source"
"""Folder of the site with the repository's files."""


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Write out the entries of the navigation that stand for a folder."""
    config.nav = [_written_out(entry, Path(config.docs_dir)) for entry in config.nav or []]
    return config


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add a page for each file of the repository that a page links to."""
    root = Path(config.docs_dir).parent
    linked = {target for file in files.documentation_pages() for target in _outside(file, root)}
    for target in sorted(linked):
        files.append(_page(root, target, config))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, **_: object) -> str:
    """Lead the links to files of the repository to their pages."""
    root = Path(config.docs_dir).parent
    here = page.file.src_uri

    def led(match: re.Match[str]) -> str:
        target = _target(here, match[2], root)
        if target is not None:
            to = f"{SHOWN}/{target}.md"
        elif match[2].endswith("/"):
            to = _first_page(
                Path(config.docs_dir), posixpath.join(posixpath.dirname(here), match[2])
            )
        else:
            return match[0]
        return f"{match[1]}{os.path.relpath(to, posixpath.dirname(here) or '.')}{match[3]}"

    return LINK.sub(led, markdown)


def _written_out(entry: Any, docs: Path) -> Any:
    if not isinstance(entry, dict):
        return entry
    [(title, value)] = entry.items()
    if isinstance(value, list):
        return {title: [_written_out(each, docs) for each in value]}
    if not str(value).endswith("/"):
        return entry
    return {title: _pages(docs, value)}


def _pages(docs: Path, folder: str) -> list[str]:
    """The pages of a folder, its index first."""
    found = sorted((docs / folder).glob("*.md"), key=lambda path: (path.stem != "index", path.stem))
    return [path.relative_to(docs).as_posix() for path in found]


def _first_page(docs: Path, folder: str) -> str:
    """Where a link to a folder leads, since the site lists none."""
    return next(iter(_pages(docs, folder)), folder)


def _outside(file: File, root: Path) -> set[str]:
    found = (_target(file.src_uri, match[2], root) for match in LINK.finditer(file.content_string))
    return {target for target in found if target}


def _target(here: str, link: str, root: Path) -> str | None:
    """The path in the repository that a link leads to, if that is outside docs/."""
    if "://" in link or not link.startswith(".."):
        return None
    path = posixpath.normpath(posixpath.join("docs", posixpath.dirname(here), link))
    return None if path.startswith(("docs/", "..")) or not (root / path).exists() else path


def _page(root: Path, target: str, config: MkDocsConfig) -> File:
    path = root / target
    if path.is_dir():
        names = sorted(each.name for each in path.rglob("*") if each.is_file())
        body = "\n".join(f"- `{name}`" for name in names)
    else:
        body = f"````{path.suffix.removeprefix('.') or 'text'}\n{path.read_text()}\n````"
    page = File.generated(config, f"{SHOWN}/{target}.md", content=f"# {target}\n\n{body}\n")
    page.inclusion = InclusionLevel.NOT_IN_NAV
    return page
