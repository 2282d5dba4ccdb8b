"""The reasons that metrics tell apart are those that somebody gives, and no more."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import spectra_operator
from spectra_operator.engine import reasons

PACKAGE = Path(spectra_operator.__file__).parent


@pytest.fixture(scope="module")
def given() -> set[str]:
    """Every string of the operator's code, but of the list of reasons itself."""
    files = set(PACKAGE.rglob("*.py")) - {Path(reasons.__file__)}
    nodes = (node for file in files for node in ast.walk(ast.parse(file.read_text())))
    constants = (node.value for node in nodes if isinstance(node, ast.Constant))
    return {value for value in constants if isinstance(value, str)}


def test_every_reason_is_given_somewhere_or_is_one_of_kubernetes(given: set[str]) -> None:
    assert sorted(reasons.KNOWN - reasons.OF_KUBERNETES - given) == []


def test_no_reason_is_taken_for_one_of_kubernetes_that_the_code_gives_itself() -> None:
    ours = {"PodVanished", "NodeLost", "Timeout", "Cancelled", "Terminated", "WorkerSilent"}
    assert not ours & reasons.OF_KUBERNETES
    assert ours <= reasons.KNOWN
