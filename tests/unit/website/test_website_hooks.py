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
theme: {{name: mkdocs, locale: en}}
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


@pytest.fixture(autouse=True)
def quiet() -> None:
    logging.getLogger("mkdocs").setLevel(logging.WARNING)
