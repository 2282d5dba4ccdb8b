"""Chart and manifests of a release name the image of the release."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
import yaml

from builders.releases import a_repository
from checks import repository as repo
from release import chart, versions
from release.errors import ReleaseError

VERSION = versions.parse("1.2.3")
JOB = (repo.ROOT / chart.JOB).read_text()
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


def test_only_the_image_of_the_uninstall_job_changes() -> None:
    text = chart.uninstall_job(JOB, "registry.example/team", VERSION)

    before, after = (each.splitlines() for each in (JOB, text))
    changed = [pair for pair in zip(before, after, strict=True) if pair[0] != pair[1]]
    assert [new.strip() for _, new in changed] == [
        "image: registry.example/team/spectra-operator:1.2.3"
    ]


def test_the_uninstall_job_of_a_snapshot_has_the_tag_of_its_image() -> None:
    text = chart.uninstall_job(JOB, "localhost:5000", versions.parse("1.2.3.dev0"))

    assert "image: localhost:5000/spectra-operator:1.2.3-dev\n" in text


def test_an_uninstall_job_without_its_image_is_an_error_that_names_the_file() -> None:
    twice = JOB + "      - name: more\n        image: other\n"

    for text, found in ((JOB.replace("image: ", "picture: "), 0), (twice, 2)):
        with pytest.raises(ReleaseError, match=rf"manifests/release/job\.yaml: .* found {found}"):
            chart.uninstall_job(text, "registry.example", VERSION)


def test_a_registry_may_have_a_port_and_folders() -> None:
    text = chart.released_values(VALUES, "localhost:5000/a/b", VERSION)

    assert yaml.safe_load(text)["image"]["repository"] == "localhost:5000/a/b/spectra-operator"


def test_a_chart_whose_image_stands_twice_is_an_error() -> None:
    for line in ("  repository: other\n", "  tag: other\n"):
        with pytest.raises(ReleaseError, match=r"values\.yaml: expected one line like .* found 2"):
            chart.released_values(f"{VALUES}\nmore:\n{line}", "registry.example", VERSION)


def test_a_repository_without_an_image_has_no_default_registry(tmp_path: Path) -> None:
    root = a_repository(tmp_path)
    (root / repo.CHART / "values.yaml").write_text("replicas: 2\n")

    with pytest.raises(ReleaseError, match=r"values\.yaml: .* found 0"):
        chart.default_registry(root)


def test_the_packaged_chart_has_the_version_and_its_bytes_depend_on_nothing_else(
    tmp_path: Path,
) -> None:
    packages = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        staged = chart.stage(repo.ROOT, tmp_path / name, "registry.example", VERSION)
        packages.append(chart.package(staged, tmp_path / name, 1_700_000_000))

    assert [path.name for path in packages] == ["spectra-operator-1.2.3.tgz"] * 2
    assert packages[0].read_bytes() == packages[1].read_bytes()


def test_a_packaged_chart_brings_what_it_renders_and_no_values_of_tests(tmp_path: Path) -> None:
    staged = chart.stage(repo.ROOT, tmp_path, "registry.example", VERSION)

    with tarfile.open(chart.package(staged, tmp_path, 0)) as archive:
        names = {name.removeprefix("spectra-operator/") for name in archive.getnames()}

    assert {"Chart.yaml", "values.yaml", "values.schema.json", "templates/NOTES.txt"} <= names
    assert {name.partition("/")[0] for name in names if "/" in name} == {"files", "templates"}
