"""Every complete manifest in a document is accepted by the linter."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kubectl_spectra import manifests
from spectra_operator.core.lint.findings import Finding
from spectra_operator.core.lint.lint import lint

DOCUMENTS = sorted((Path(__file__).parents[3] / "docs").glob("*.md"))
BLOCK = re.compile(r"^```yaml\n(.*?)^```$", re.DOTALL | re.MULTILINE)
CUT_SHORT = "{...}"


def blocks(path: Path) -> list[str]:
    """The manifests of a document; what is cut short and what is only a part is left out."""
    found = BLOCK.findall(path.read_text())
    return [text for text in found if "apiVersion: spectra.dev" in text and CUT_SHORT not in text]


def wrong(path: Path) -> list[Finding]:
    """What the linter has against the manifests of a document, taken as one set."""
    loaded = [manifests.load(path.name, text.encode()) for text in blocks(path)]
    findings = [finding for one in loaded for finding in one.findings]
    said = lint([manifest for one in loaded for manifest in one.manifests])
    return findings + [finding for finding in said if finding.reason not in NOT_SHOWN]


NOT_SHOWN = {"AgentNotSeen", "TemplateNotSeen"}
"""A document shows the part of a set that it is about."""


@pytest.mark.parametrize("path", [p for p in DOCUMENTS if blocks(p)], ids=lambda path: path.stem)
def test_the_linter_finds_nothing_wrong_or_odd_in_a_document(path: Path) -> None:
    assert wrong(path) == []


@pytest.mark.parametrize("name", ["actions", "failure", "patterns", "templates", "workspace"])
def test_the_documents_of_workflows_show_whole_manifests(name: str) -> None:
    [path] = [path for path in DOCUMENTS if path.stem == name]
    assert blocks(path)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_what_a_document_points_to_is_there(path: Path) -> None:
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text())
    assert [target for target in targets if not (path.parent / target).exists()] == []
