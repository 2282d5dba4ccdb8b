"""The cluster of the end-to-end tests has the name that the environment gives it."""

from __future__ import annotations

import subprocess

import pytest

from builders.cluster import NAME_VARIABLE, ROOT, LocalCluster


@pytest.mark.parametrize(("given", "name"), [("mine", "mine"), ("", "spectra-test")])
def test_the_environment_names_the_cluster(
    monkeypatch: pytest.MonkeyPatch, given: str, name: str
) -> None:
    monkeypatch.setenv(NAME_VARIABLE, given)

    assert LocalCluster().name == name
    assert LocalCluster("other").name == "other"


def test_make_prepares_the_cluster_that_the_tests_use() -> None:
    words = ["make", "-s", "-n", "prepare", f"{NAME_VARIABLE}=mine"]
    told = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert "cluster up --name mine" in told
