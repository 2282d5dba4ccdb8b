"""A clean copy of this checkout is released, twice: real images, chart, packages."""

from __future__ import annotations

import fcntl
import hashlib
import json
import re
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from builders.checkout import Checkout, copy_to
from builders.documents import DOCS, Command, blocks, commands
from builders.shell import a_shell
from checks import repository as repo
from release import source, versions
from release.versions import Version

# The first run on a machine builds images and helm; with both cached it is under a minute.
pytestmark = pytest.mark.timeout(1200)

REGISTRY = "registry.example/team"
EXEMPT = "not executed: "


@dataclass(frozen=True)
class Made:
    """A release that was made twice of one commit, once for all workers of this run.

    Attributes:
        checkout: What it was made from.
        first: Its folder after the first time.
        folder: Its folder after the second.
    """

    checkout: Checkout
    first: Path
    folder: Path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, worker_id: str, version: Version) -> Made:
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent
    root = shared / "release-checkout"
    output = root / "build/release"
    found = Made(Checkout(root), output / "first", output / str(version))
    with (shared / "release.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not found.first.exists():
            copy_to(root)
            make_twice(found)
    return found


def make_twice(wanted: Made) -> None:
    words = ("release", f"REGISTRY={REGISTRY}")
    assert wanted.checkout.make(*words) == str(wanted.folder)
    kept = wanted.folder.with_name("kept")
    wanted.folder.rename(kept)
    wanted.checkout.make(*words)
    kept.rename(wanted.first)


@pytest.fixture
def folder(made: Made) -> Path:
    return made.folder


@pytest.fixture(scope="module")
def version() -> Version:
    return versions.current(repo.ROOT)


def summary(folder: Path) -> dict[str, Any]:
    body: dict[str, Any] = json.loads((folder / "release.json").read_text())
    return body


def text_of(archive: Path, name: str) -> str:
    with tarfile.open(archive) as opened:
        file = opened.extractfile(name)
        assert file
        return file.read().decode()


def test_two_runs_of_one_commit_give_the_same_bytes(made: Made) -> None:
    first, again = (
        {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
        for folder in (made.first, made.folder)
    )

    assert first == again


def test_the_release_has_what_the_page_says(folder: Path, version: Version) -> None:
    page = (DOCS / "release.md").read_text().replace("1.2.3", version.semantic)

    for name in (path.name for path in folder.iterdir()):
        shown = name.replace(str(version), version.semantic).replace(
            "spectra-agent-image-" + version.semantic, "spectra-agent-image-..."
        )
        assert shown.partition("...")[0] in page, f"{name} is not in docs/release.md"


def test_the_release_knows_its_commit_and_its_images(made: Made, version: Version) -> None:
    told = summary(made.folder)

    assert (told["commit"], told["dirty"]) == (source.read(made.checkout.root).commit, False)
    assert [image["reference"] for image in told["images"]] == [
        f"{REGISTRY}/spectra-{name}:{version.semantic}" for name in ("operator", "agent")
    ]


def test_chart_and_manifests_are_the_versions_and_name_its_image(
    folder: Path, version: Version
) -> None:
    package = folder / f"spectra-operator-{version.semantic}.tgz"
    chart = yaml.safe_load(text_of(package, "spectra-operator/Chart.yaml"))
    image = f"{REGISTRY}/spectra-operator"

    assert (chart["version"], chart["appVersion"]) == (version.semantic,) * 2
    values = yaml.safe_load(text_of(package, "spectra-operator/values.yaml"))
    assert (values["image"]["repository"], values["image"]["tag"]) == (image, version.semantic)
    for name in ("install.yaml", "uninstall-job.yaml"):
        images = set(re.findall(r"image: (\S+)", (folder / name).read_text()))
        assert images == {f"{image}:{version.semantic}"}, name


def test_helm_takes_the_packaged_chart(folder: Path, version: Version) -> None:
    package = folder / f"spectra-operator-{version.semantic}.tgz"

    code, rendered, said = repo.attempt([repo.binary("helm"), "template", "spectra", str(package)])

    assert code == 0, said
    assert f"image: {REGISTRY}/spectra-operator:{version.semantic}\n" in rendered


def test_the_image_runs_what_it_says_and_its_bill_lists_it(folder: Path, version: Version) -> None:
    [operator, _] = summary(folder)["images"]
    bill = json.loads((folder / operator["sbom"]).read_text())
    manifest = json.loads(text_of(folder / operator["file"], _blob(operator["digest"])))
    config = json.loads(text_of(folder / operator["file"], _blob(manifest["config"]["digest"])))

    assert config["config"]["Entrypoint"] == ["spectra-operator"]
    assert config["config"]["Labels"]["org.opencontainers.image.version"] == version.semantic
    names = {part["purl"].partition("?")[0] for part in bill["components"] if "purl" in part}
    assert f"pkg:pypi/spectra-operator@{version}" in names
    assert {"kopf", "pydantic", "uvloop"} <= {name.split("/")[1].split("@")[0] for name in names}
    assert any(name.startswith("pkg:deb/debian/") for name in names)
    assert operator["digest"] in bill["metadata"]["component"]["purl"]


def test_every_locked_package_of_the_bill_has_sums_and_a_licence(folder: Path) -> None:
    for path in folder.glob("spectra-operator-image-*.cdx.json"):
        parts = json.loads(path.read_text())["components"]
        python = [part for part in parts if part["bom-ref"].startswith("pkg:pypi/")]
        locked = [part for part in python if part["name"] != "spectra-operator"]

        assert len(locked) > 20
        assert [part["name"] for part in locked if "externalReferences" not in part] == []
        assert [part["name"] for part in python if "licenses" not in part] == []


def test_the_wheel_brings_the_operator_and_the_plugin(folder: Path, version: Version) -> None:
    with zipfile.ZipFile(folder / f"spectra_operator-{version}-py3-none-any.whl") as wheel:
        scripts = wheel.read(f"spectra_operator-{version}.dist-info/entry_points.txt").decode()

    assert "spectra-operator = " in scripts
    assert "kubectl-spectra = " in scripts


async def test_the_commands_of_the_page_verify_the_release(
    made: Made,
) -> None:
    page = [block for block in blocks(DOCS / "release.md") if not block.note.startswith(EXEMPT)]
    steps: dict[str, list[Command]] = {}
    for block in page:
        steps.setdefault(block.heading, []).extend(commands(block))

    async with a_shell({"PYTHONPATH": made.checkout.env["PYTHONPATH"]}) as shell:
        await shell.run(f"cd {made.folder}")
        await shell.follow(steps["Verify"])
        await shell.run(f"cd {made.checkout.root}")
        # The release itself was made by `make release` before; its words are the same.
        await shell.follow([step for step in steps["Make one"] if step.text != "make release"])
    assert set(steps) == {"Verify", "Make one"}


def _blob(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"
