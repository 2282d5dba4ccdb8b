"""What Helm says after an installation: what to do next, in the order of the situation."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from checks import generated
from checks import repository as repo

Notes = Callable[..., str]


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> Notes:
    """Renders the notes with options of `helm template`, which leaves notes out by itself."""
    chart = tmp_path_factory.mktemp("notes") / "spectra-operator"
    shutil.copytree(repo.ROOT / repo.CHART, chart, ignore=shutil.ignore_patterns("crds"))
    text = (chart / "templates" / "NOTES.txt").read_text()
    body = 'kind: Notes\ntext: |\n  {{- include "notes" . | nindent 2 }}\n'
    wrapped = f'{{{{ define "notes" }}}}{text}{{{{ end }}}}\n{body}'
    (chart / "templates" / "notes.yaml").write_text(wrapped)

    def rendered(*options: str) -> str:
        only = ("--show-only", "templates/notes.yaml")
        (body,) = generated.loaded(generated.template(Path(chart), *only, *options))
        return str(body["text"])

    return rendered


def test_after_an_installation_come_readiness_a_first_run_and_the_way_out(notes: Notes) -> None:
    said = notes()
    order = ["rollout status", "helm test", "kubectl apply -f", "kubectl logs", "helm uninstall"]

    assert "is installed in namespace spectra-system and serves all namespaces" in said
    found = [said.index(each) for each in order]
    assert found == sorted(found)


def test_after_an_upgrade_the_way_back_stands_in_place_of_the_first_run(notes: Notes) -> None:
    said = notes("--is-upgrade")

    assert "was upgraded" in said
    assert "helm rollback spectra -n spectra-system --wait" in said
    assert "kubectl apply -f examples" not in said


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("replicas=0", "It has no replicas"),
        ("crds.enabled=false", "kubectl apply --server-side -f crds/"),
        ("watchNamespaces={a,b}", "serves a, b."),
        ("watchNamespaces={a,b}", "Agents in a, b reach DNS and the operator alone"),
        ("uninstall.release=false", "uninstall.release is off"),
    ],
)
def test_what_is_special_is_said(notes: Notes, option: str, words: str) -> None:
    said = notes(f"--set={option}")

    assert words in said
    assert said != notes()


def test_agents_that_nothing_confines_are_told_of(notes: Notes) -> None:
    assert "kubectl apply -n NAMESPACE -f manifests/agents/networkpolicy.yaml" in notes()
    assert "networkpolicy.yaml" not in notes("--set=networkPolicy.enabled=false")


def test_files_that_are_named_exist(notes: Notes) -> None:
    said = notes("--set=crds.enabled=false")
    named = re.findall(r"(?:examples|manifests|docs|crds)/[\w./-]*", said)

    assert len(named) >= 4
    for name in named:
        assert (repo.ROOT / name.rstrip(".")).exists(), name
