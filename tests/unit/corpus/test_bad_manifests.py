"""Wrong manifests, and hostile ones: the linter names field, line and fix of each."""

from __future__ import annotations

import resource
from collections import Counter

import pytest

from builders.corpus import FOLDER, OFFLINE, WANTS, Bad, committed, hostile
from kubectl_spectra.manifests import load
from spectra_operator.api.crds import KINDS
from spectra_operator.core.lint.findings import Finding
from spectra_operator.core.lint.lint import lint

CORPUS = committed()
NAMES = [bad.name for bad in CORPUS]
CPU_SECONDS = 20
"""What one manifest may cost at most, in time of the processor."""


def findings(bad: Bad) -> list[Finding]:
    loaded = load(f"{bad.name}.yaml", bad.content)
    return [*loaded.findings, *lint(loaded.manifests)]


def fits(finding: Finding, bad: Bad) -> bool:
    right = finding.field == bad.field and bad.says in finding.message
    return right and finding.severity == "error"


@pytest.mark.parametrize("bad", CORPUS, ids=NAMES)
def test_a_wrong_manifest_is_found_with_its_field_and_the_fix(bad: Bad) -> None:
    found = findings(bad)

    assert any(fits(finding, bad) for finding in found), "\n".join(map(str, found))


@pytest.mark.parametrize("bad", CORPUS, ids=NAMES)
def test_every_finding_stands_in_a_line_of_the_file(bad: Bad) -> None:
    lines = bad.content.decode().count("\n") + 1

    for finding in findings(bad):
        assert 1 < finding.line <= lines
        assert finding.column >= 1


HOSTILE = list(hostile())


@pytest.mark.parametrize("bad", HOSTILE, ids=[bad.name for bad in HOSTILE])
def test_a_hostile_manifest_is_found_at_a_bounded_cost(bad: Bad) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF)

    found = findings(bad)

    after = resource.getrusage(resource.RUSAGE_SELF)
    assert any(fits(finding, bad) for finding in found), "\n".join(map(str, found))[:2_000]
    assert after.ru_utime - before.ru_utime < CPU_SECONDS
    assert len(found) <= 100
    assert max(len(finding.message) for finding in found) < 1_000


def test_there_are_wrong_manifests_of_every_kind() -> None:
    text = "\n".join(bad.content.decode() for bad in CORPUS)
    kinds = {kind.kind for kind in KINDS}

    counts = Counter(line.removeprefix("kind: ") for line in text.splitlines())
    assert {kind for kind in kinds if counts[kind] >= 5} == kinds


def test_every_file_says_what_it_wants() -> None:
    assert len(CORPUS) >= 200
    for path in FOLDER.iterdir():
        first = path.read_text().splitlines()[0]
        assert first.startswith(WANTS), path.name
        assert first.partition(" | ")[2], path.name


def test_few_are_for_the_linter_alone() -> None:
    assert [bad.name for bad in CORPUS if bad.offline] == [
        "yaml-duplicate-key",
        "yaml-python-tag",
    ]
    assert OFFLINE.startswith("#")
