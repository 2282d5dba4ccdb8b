"""Other versions for tests of upgrades: the sources of a commit, and an image under another tag."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
from pathlib import Path

import pytest

from builders.cluster import ROOT
from e2e.harness import versions
from e2e.harness.versions import (
    CUT_0_1_0,
    CommitMissing,
    Version,
    archive,
    exported,
    tagged,
    this_version,
    version_of,
)

REF = "org.opencontainers.image.ref.name"


def an_archive(path: Path, annotations: dict[str, str]) -> Path:
    index = json.dumps({"manifests": [{"digest": "sha256:1", "annotations": annotations}]})
    with tarfile.open(path, "w") as tar:
        for name, text in (("blobs/sha256/1", "layer"), ("index.json", index)):
            member = tarfile.TarInfo(name)
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    return path


def read(path: Path, name: str) -> str:
    with tarfile.open(path) as tar:
        file = tar.extractfile(name)
        assert file is not None
        return file.read().decode()


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.invalid"]
    command = ["git", "-c", f"safe.directory={folder}", *who, *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_an_image_gets_another_tag_and_keeps_its_content(tmp_path: Path) -> None:
    old = an_archive(tmp_path / "old.tar", {REF: "docker.io/local/spectra-operator:dev", "a": "b"})

    new = tagged(old, "docker.io/local/spectra-operator:commit-1", tmp_path / "new.tar")

    (manifest,) = json.loads(read(new, "index.json"))["manifests"]
    assert manifest["annotations"] == {
        REF: "docker.io/local/spectra-operator:commit-1",
        "a": "b",
    }
    assert manifest["digest"] == "sha256:1"
    assert read(new, "blobs/sha256/1") == "layer"


def test_an_image_without_a_name_gets_one(tmp_path: Path) -> None:
    new = tagged(an_archive(tmp_path / "old.tar", {}), "local/it:x", tmp_path / "new.tar")

    (manifest,) = json.loads(read(new, "index.json"))["manifests"]
    assert manifest["annotations"][REF].endswith(":x")


def test_the_sources_of_a_commit_are_those_that_it_holds(tmp_path: Path) -> None:
    head = git(ROOT, "rev-parse", "HEAD")

    checkout = exported(head, tmp_path)

    shown = git(ROOT, "show", f"{head}:helm/spectra-operator/Chart.yaml")
    assert (checkout / "helm" / "spectra-operator" / "Chart.yaml").read_text().strip() == shown
    assert not (checkout / ".git").exists()


def test_a_clone_without_the_commit_is_told_what_to_fetch(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    whole.mkdir()
    git(whole, "init", "--quiet")
    for text in ("first", "second"):
        git(whole, "commit", "--quiet", "--allow-empty", "-m", text)
    first = git(whole, "rev-parse", "HEAD~1")
    git(whole, "clone", "--quiet", "--depth=1", f"file://{whole}", str(tmp_path / "shallow"))

    with pytest.raises(CommitMissing, match=f"{first} is not in this clone.*git fetch --unshallow"):
        exported(first, tmp_path, tmp_path / "shallow")


def test_upgrades_come_from_the_commit_whose_chart_is_0_1_0(tmp_path: Path) -> None:
    older = version_of(CUT_0_1_0, tmp_path)

    assert older.chart == "spectra-operator-0.1.0"
    assert older.reference("operator") == "docker.io/local/spectra-operator:commit-fbe2d0dd29fd"
    assert this_version().chart != older.chart


def test_the_image_of_a_commit_is_built_once_and_kept_outside_the_tree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = {REF: "docker.io/local/spectra-operator:dev"}
    asked: list[str] = []

    def build(_checkout: Path, image: str) -> Path:
        asked.append(image)
        return an_archive(tmp_path / "built.tar", name)

    monkeypatch.setenv("SPECTRA_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(versions, "built", build)
    version = Version(tmp_path, "commit-1", "spectra-operator-0.0.1")

    first, second = archive(version, "operator"), archive(version, "operator")

    assert asked == ["operator"]
    assert first == second == tmp_path / "cache" / "versions" / "commit-1" / "operator.tar"
    (manifest,) = json.loads(read(first, "index.json"))["manifests"]
    assert manifest["annotations"][REF] == "docker.io/local/spectra-operator:commit-1"
