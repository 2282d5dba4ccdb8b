"""Every manifest in a document, and every list of tasks, is accepted by the linter."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubectl_spectra import manifests
from spectra_operator.api.constants import API_VERSION
from spectra_operator.core.lint.findings import Finding
from spectra_operator.core.lint.lint import lint

ROOT = Path(__file__).parents[3]
README = ROOT / "README.md"
DOCUMENTS = [README, *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```yaml\n(.*?)^```$", re.DOTALL | re.MULTILINE)
CUT_SHORT = "{...}"


def blocks(path: Path) -> list[str]:
    """The manifests of a document; what is cut short and what is only a part is left out."""
    found = BLOCK.findall(path.read_text())
    return [text for text in found if "apiVersion: spectra.dev" in text and CUT_SHORT not in text]


def wrong(path: Path) -> list[Finding]:
    """What the linter has against the manifests of a document, taken as one set."""
    return found([manifests.load(path.name, text.encode()) for text in blocks(path)])


def found(loaded: list[manifests.Loaded]) -> list[Finding]:
    """What the linter has against manifests, but for what only another file could have."""
    findings = [finding for one in loaded for finding in one.findings]
    said = lint([manifest for one in loaded for manifest in one.manifests])
    return findings + [finding for finding in said if finding.reason not in NOT_SHOWN]


NOT_SHOWN = {"AgentNotSeen", "CapabilityNotSeen", "TemplateNotSeen"}
"""A document shows the part of a set that it is about."""


@pytest.mark.parametrize("path", [p for p in DOCUMENTS if blocks(p)], ids=lambda path: path.stem)
def test_the_linter_finds_nothing_wrong_or_odd_in_a_document(path: Path) -> None:
    assert wrong(path) == []


def test_what_the_first_page_adds_to_its_workflow_fits_into_it() -> None:
    whole, more = BLOCK.findall(README.read_text())
    agent, flow = yaml.safe_load_all(whole)
    fields = yaml.safe_load(more)
    phases = [*flow["spec"]["phases"], *fields.pop("phases")]
    flow["spec"] |= {**fields, "phases": phases}

    text = yaml.safe_dump_all([agent, flow])

    assert found([manifests.load("README.md", text.encode())]) == []


def test_a_list_of_tasks_in_a_document_can_stand_in_a_phase() -> None:
    # The pieces of patterns.md are single tasks of a phase that a pattern has written out.
    others = [path for path in DOCUMENTS if path.stem != "patterns"]
    pieces = [(path, piece) for path in others for piece in task_pieces(path)]
    assert {path.stem for path, _ in pieces} >= {"expressions", "tasks", "planner"}

    for path, tasks in pieces:
        names = sorted(set(re.findall(r"parameters\.(\w+)", yaml.safe_dump(tasks))))
        spec = {"tasks": [*before(tasks), *tasks], "parameters": dict.fromkeys(names, 1)}
        body = {"apiVersion": API_VERSION, "kind": "Phase", "metadata": {"name": "p"}, "spec": spec}
        said = found([manifests.load(path.name, yaml.safe_dump(body).encode())])
        assert [str(finding) for finding in said if finding.severity == "error"] == [], tasks


def before(tasks: list[Any]) -> list[Any]:
    """The tasks that those of a piece depend on and that stand elsewhere."""
    parents = {parent for task in tasks for parent in task.get("dependsOn", ())}
    return [{"name": n, "agent": "any"} for n in sorted(parents - {t["name"] for t in tasks})]


def task_pieces(path: Path) -> list[Any]:
    """The pieces of a document that are lists of tasks, and no whole manifests."""
    texts = [text for text in BLOCK.findall(path.read_text()) if CUT_SHORT not in text]
    pieces = [yaml.safe_load(text) for text in texts if "apiVersion:" not in text]
    lists = [piece.get("tasks", []) if isinstance(piece, dict) else piece for piece in pieces]
    return [tasks for tasks in lists if tasks and all("agent" in task for task in tasks)]


@pytest.mark.parametrize("name", ["actions", "failure", "patterns", "templates", "workspace"])
def test_the_documents_of_workflows_show_whole_manifests(name: str) -> None:
    [path] = [path for path in DOCUMENTS if path.stem == name]
    assert blocks(path)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_what_a_document_points_to_is_there(path: Path) -> None:
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text())
    assert [target for target in targets if not (path.parent / target).exists()] == []
