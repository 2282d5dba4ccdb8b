"""A small site, built with the hooks: folders in the navigation, links out of docs/."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.exceptions import Abort

from checks import site

HOOKS = Path(__file__).parents[3] / "hack" / "website" / "hooks.py"
CONFIG = """\
site_name: test
hooks: [{hooks}]
theme: {{name: mkdocs, locale: en, highlightjs: false}}
plugins: []
validation: {{nav: {{omitted_files: warn}}, links: {{anchors: warn}}}}
nav:
- Home: index.md
- Decisions: adr/
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "mkdocs.yml").write_text(CONFIG.format(hooks=HOOKS))
    for name, text in {
        "docs/index.md": "# Home\n\n[all](../examples) and [one](../examples/one.yaml)\n",
        "docs/adr/0002-b.md": "# B\n\n[one](../../examples/one.yaml) [home](../index.md)\n",
        "docs/adr/0001-a.md": "# A\n",
        "examples/one.yaml": "kind: Agent\n",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def built(root: Path) -> Path:
    """Build the site strictly; return its folder."""
    target = root / "site"
    build(load_config(str(root / "mkdocs.yml"), strict=True, site_dir=str(target)))
    return target


def test_a_folder_in_the_navigation_stands_for_its_pages_in_order(root: Path) -> None:
    text = (built(root) / "index.html").read_text()

    assert text.index("adr/0001-a/") < text.index("adr/0002-b/")


def test_a_link_to_a_folder_of_docs_leads_to_its_first_page(root: Path) -> None:
    (root / "docs/index.md").write_text("# Home\n\n[decisions](adr/)\n")

    assert 'href="adr/0001-a/"' in (built(root) / "index.html").read_text()


def test_a_file_outside_docs_becomes_a_page_that_shows_it(root: Path) -> None:
    folder = built(root)

    assert "kind" in (folder / "source/examples/one.yaml/index.html").read_text()
    assert 'href="source/examples/one.yaml/"' in (folder / "index.html").read_text()
    assert "../../source/examples/one.yaml/" in (folder / "adr/0002-b/index.html").read_text()


def test_a_folder_outside_docs_becomes_a_page_that_lists_it(root: Path) -> None:
    assert "one.yaml" in (built(root) / "source/examples/index.html").read_text()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("docs/index.md", "# Home\n\n[gone](gone.md)\n"),
        ("docs/index.md", "# Home\n\n[gone](../examples/gone.yaml)\n"),
        ("docs/index.md", "# Home\n\n[a](adr/0001-a.md#no-such-heading)\n"),
        ("docs/forgotten.md", "# Not in the navigation\n"),
    ],
)
def test_a_dead_link_or_a_forgotten_page_ends_the_build(root: Path, name: str, text: str) -> None:
    (root / name).write_text(text)

    with pytest.raises(Abort):
        built(root)


def test_the_check_has_nothing_against_a_site_that_builds(root: Path) -> None:
    assert site.problems_of(root) == []


def test_the_check_says_what_is_dead_and_what_is_forgotten(root: Path) -> None:
    (root / "docs/forgotten.md").write_text("# Not in the navigation\n\n[gone](gone.md)\n")

    said = "\n".join(site.problems_of(root))

    assert "forgotten.md" in said
    assert "'gone.md'" in said


@pytest.mark.parametrize(
    ("html", "fetched"),
    [
        ('<script src="https://cdn.example/x.js"></script>', "https://cdn.example/x.js"),
        ('<script src="//cdn.example/x.js"></script>', "//cdn.example/x.js"),
        (
            '<link rel="stylesheet" href="https://fonts.example/a.css">',
            "https://fonts.example/a.css",
        ),
        ('<link rel="preconnect" href="https://fonts.example">', "https://fonts.example"),
        ('<img src="https://shields.example/badge.svg">', "https://shields.example/badge.svg"),
        ("<style>@import 'https://a.example/x.css';</style>", "https://a.example/x.css"),
        ('<p style="background: url(//a.example/x.png)">', "//a.example/x.png"),
        ('<pre class="mermaid">flowchart</pre>', "the script of Mermaid"),
    ],
)
def test_what_a_browser_would_fetch_elsewhere_is_found(
    tmp_path: Path, html: str, fetched: str
) -> None:
    (tmp_path / "index.html").write_text(f"<html><body>{html}</body></html>")

    assert site.fetched_elsewhere(tmp_path) == [f"index.html: fetches {fetched}"]


@pytest.mark.parametrize(
    "html",
    [
        '<a href="https://kubernetes.io">out</a>',
        '<link rel="canonical" href="https://docs.example/">',
        '<script src="../assets/x.js"></script><link rel="stylesheet" href="assets/x.css">',
        '<img src="data:image/png;base64,AA//BB==">',
        "<code>curl https://cdn.example/x.js</code>",
    ],
)
def test_what_a_reader_may_follow_is_not_what_a_browser_fetches(tmp_path: Path, html: str) -> None:
    (tmp_path / "index.html").write_text(f"<html><body>{html}</body></html>")

    assert site.fetched_elsewhere(tmp_path) == []


def test_a_style_sheet_is_read_too(tmp_path: Path) -> None:
    (tmp_path / "x.css").write_text("@font-face{src:url(https://fonts.example/a.woff2)}")

    assert site.fetched_elsewhere(tmp_path) == ["x.css: fetches https://fonts.example/a.woff2"]


def test_the_check_says_what_the_site_fetches_elsewhere(root: Path) -> None:
    (root / "docs/index.md").write_text("# Home\n\n<img src='https://a.example/x.png'>\n")

    assert site.problems_of(root) == ["index.html: fetches https://a.example/x.png"]


@pytest.fixture(autouse=True)
def quiet() -> None:
    logging.getLogger("mkdocs").setLevel(logging.WARNING)
