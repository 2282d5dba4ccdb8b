"""Other versions for tests of upgrades: the sources of a commit, and an image under another tag."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
from pathlib import Path

from builders.cluster import ROOT
from e2e.harness.versions import exported, tagged

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


def test_an_image_gets_another_tag_and_keeps_its_content(tmp_path: Path) -> None:
    old = an_archive(tmp_path / "old.tar", {REF: "docker.io/local/spectra-operator:dev", "a": "b"})

    new = tagged(old, "commit-1", tmp_path / "new.tar")

    (manifest,) = json.loads(read(new, "index.json"))["manifests"]
    assert manifest["annotations"] == {
        REF: "docker.io/local/spectra-operator:commit-1",
        "a": "b",
    }
    assert manifest["digest"] == "sha256:1"
    assert read(new, "blobs/sha256/1") == "layer"


def test_an_image_without_a_name_gets_one(tmp_path: Path) -> None:
    new = tagged(an_archive(tmp_path / "old.tar", {}), "x", tmp_path / "new.tar")

    (manifest,) = json.loads(read(new, "index.json"))["manifests"]
    assert manifest["annotations"][REF].endswith(":x")


def test_the_sources_of_a_commit_are_those_that_it_holds(tmp_path: Path) -> None:
    git = ["git", "-c", f"safe.directory={ROOT}"]
    head = subprocess.run(
        [*git, "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()

    checkout = exported(head, tmp_path)

    shown = subprocess.run(
        [*git, "show", f"{head}:helm/spectra-operator/Chart.yaml"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert (checkout / "helm" / "spectra-operator" / "Chart.yaml").read_text() == shown
    assert not (checkout / ".git").exists()
