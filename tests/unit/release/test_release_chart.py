"""The chart of a release names the image of the release."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from builders.releases import a_repository
from checks import repository as repo
from release import chart, versions
from release.errors import ReleaseError

VERSION = versions.parse("1.2.3")
VALUES = (repo.ROOT / repo.CHART / "values.yaml").read_text()


def test_only_the_image_of_the_values_changes() -> None:
    text = chart.released_values(VALUES, "registry.example/team", VERSION)

    before, after = yaml.safe_load(VALUES), yaml.safe_load(text)
    assert after["image"] == before["image"] | {
        "repository": "registry.example/team/spectra-operator",
        "tag": "1.2.3",
    }
    assert before | {"image": None} == after | {"image": None}
    assert len(text.splitlines()) == len(VALUES.splitlines())


def test_a_snapshot_has_a_tag_of_its_own() -> None:
    text = chart.released_values(VALUES, "docker.io/local", versions.parse("1.2.3.dev0"))

    assert yaml.safe_load(text)["image"]["tag"] == "1.2.3-dev"


def test_values_without_an_image_are_an_error() -> None:
    with pytest.raises(ReleaseError, match=r"values\.yaml: expected one line like .* found 0"):
        chart.released_values("replicas: 2\n", "registry.example", VERSION)


def test_the_default_registry_is_the_charts(tmp_path: Path) -> None:
    assert chart.default_registry(a_repository(tmp_path)) == "docker.io/local"


def test_the_chart_is_staged_and_the_repository_left_alone(tmp_path: Path) -> None:
    root, scratch = a_repository(tmp_path / "root"), tmp_path / "scratch"
    before = (root / repo.CHART / "values.yaml").read_text()

    staged = chart.stage(root, scratch, "registry.example", VERSION)

    assert (
        "repository: registry.example/spectra-operator"
        in (staged.folder / "values.yaml").read_text()
    )
    assert (root / repo.CHART / "values.yaml").read_text() == before
