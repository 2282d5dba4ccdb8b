"""What Helm says after an installation: what to do next, in the order of the situation."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from builders.charts import Body, of_kind
from builders.command_lines import check
from builders.documents import Command
from checks import generated
from checks import repository as repo
from spectra_operator.api.crds import KINDS

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
    order = ["rollout status", "helm test", "kubectl explain", "kubectl logs", "helm uninstall"]

    assert "is installed in namespace spectra-system and serves all namespaces" in said
    found = [said.index(each) for each in order]
    assert found == sorted(found)


def test_after_an_upgrade_the_way_back_stands_in_place_of_the_first_run(notes: Notes) -> None:
    said = notes("--is-upgrade")

    assert "was upgraded" in said
    assert "helm rollback spectra -n spectra-system --wait" in said
    assert "kubectl explain" not in said


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("replicas=0", "It has no replicas"),
        ("crds.enabled=false", "The release holds no CustomResourceDefinitions"),
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
    assert "Agents are not confined" in notes()
    assert "not confined" not in notes("--set=networkPolicy.enabled=false")


SITUATIONS = (
    "networkPolicy.enabled=true",
    "crds.enabled=false",
    "uninstall.release=false",
    "watchNamespaces={a,b}",
)


@pytest.mark.parametrize("option", SITUATIONS)
def test_no_file_is_named_since_a_packaged_chart_brings_none(notes: Notes, option: str) -> None:
    in_the_chart = "'templates/crds/*.yaml'"
    said = notes(f"--set={option}").replace(in_the_chart, "")

    assert not re.search(r"\.(?:md|ya?ml)\b|\b(?:crds|docs|examples|manifests)/", said)


@pytest.mark.parametrize("option", SITUATIONS)
def test_every_command_is_one_that_its_program_takes(notes: Notes, option: str) -> None:
    lines = [line.strip() for line in notes(f"--set={option}").splitlines() if line[:2] == "  "]

    assert len(lines) >= 6
    for line in lines:
        check(Command(line, (), "NOTES.txt"))


def test_the_definitions_that_somebody_else_installs_come_out_of_the_chart(notes: Notes) -> None:
    said = notes("--set=crds.enabled=false")
    (line,) = [each for each in said.splitlines() if "helm template" in each]
    helm, *words = shlex.split(line.partition("|")[0].replace("CHART", str(repo.CHART)))

    bodies = generated.loaded(repo.run([repo.binary(helm), *words]))

    assert {body["metadata"]["name"] for body in bodies} == {kind.name for kind in KINDS}


def test_the_definitions_are_deleted_by_a_label_that_they_have(
    notes: Notes, defaults: list[Body]
) -> None:
    (label,) = re.findall(r"kubectl delete crd -l (\S+)", notes())
    name, _, value = label.partition("=")

    for crd in of_kind(defaults, "CustomResourceDefinition"):
        assert crd["metadata"]["labels"][name] == value
    assert "kubectl delete crd" not in notes("--set=crds.enabled=false")
