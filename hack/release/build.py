"""Making a release: everything into one folder, which appears when it is whole."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from images import engines, steps
from images.builder import Builder, cache_folder
from images.catalog import CATALOG
from release import changelog, chart, contents, lockfile, notes, oci, python, sbom, source, versions
from release.errors import ReleaseError
from release.notes import CHECKSUMS, ImageEntry
from release.source import Source
from release.versions import Version

PUBLISHED = ("operator", "agent")
"""Images that users pull: the operator, and the one that agents are built on. The others are
examples."""
PROJECT = "spectra-operator"
LOCK = "requirements.lock"
OUTPUT = Path("build/release")

Say = Callable[[str], None]


@dataclass(frozen=True)
class Request:
    """What is asked for.

    Attributes:
        root: The repository.
        output: Gets a folder of the version's name.
        registry: Where the images will be, as `registry.example/team`; empty means where the
            chart looks by default.
        tag: The tag that the release is made for; empty if there is none.
        allow_dirty: Whether the tree may differ from its commit.
    """

    root: Path
    output: Path
    registry: str = ""
    tag: str = ""
    allow_dirty: bool = False


@dataclass(frozen=True)
class Plan:
    """What was found to be in order.

    Attributes:
        version: Of the release.
        source: What it is made from.
        registry: Where its images will be.
        changes: Its part of the changelog.
    """

    version: Version
    source: Source
    registry: str
    changes: str


def plan(request: Request) -> Plan:
    """Look whether a release can be made, before anything is built.

    Raises:
        ReleaseError: It cannot: files disagree on the version, the changelog has no such section,
            the tree is dirty, or the tag is another version's.
    """
    root = request.root
    if problems := versions.disagreements(root):
        raise ReleaseError("the files disagree on the version:\n  " + "\n  ".join(problems))
    version = versions.current(root)
    found = source.read(root)
    source.refuse_dirty(found, request.allow_dirty)
    source.refuse_other_tag(request.tag, str(version))
    log = (root / versions.CHANGELOG).read_text()
    changes = changelog.body_of_release(log, str(version), version.released)
    return Plan(version, found, request.registry or chart.default_registry(root), changes)


def make(request: Request, say: Say) -> Path:
    """Make a release; returns its folder. One that was there before is replaced.

    Raises:
        ReleaseError: See :func:`plan`, or a part of it failed.
        ImagesError: An image could not be built.
        CheckError: Helm refused the chart.
        ClusterError: Helm could not be built.
    """
    planned = plan(request)
    target = request.output / str(planned.version)
    request.output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".making-", dir=request.output) as name:
        folder = Path(name) / "files"
        folder.mkdir(mode=0o755)
        _fill(request.root, folder, Path(name), planned, say)
        shutil.rmtree(target, ignore_errors=True)
        folder.rename(target)
    return target


def _fill(root: Path, folder: Path, scratch: Path, planned: Plan, say: Say) -> None:
    say("images")
    entries = _images(root, folder, planned, say)
    say("chart and manifests")
    staged = chart.stage(root, scratch, planned.registry, planned.version)
    chart.package(staged, folder, planned.source.epoch)
    (folder / "install.yaml").write_text(chart.install_yaml(staged))
    job = (root / chart.JOB).read_text()
    released = chart.uninstall_job(job, planned.registry, planned.version)
    (folder / "uninstall-job.yaml").write_text(released)
    say("Python packages")
    python.build(root, folder, planned.source.epoch)
    told = notes.notes(planned.version, planned.source, planned.changes, entries)
    (folder / "notes.md").write_text(told)
    summary = notes.summary(planned.version, planned.source, entries)
    (folder / "release.json").write_text(summary)
    (folder / CHECKSUMS).write_text(notes.checksums(folder))


def _images(root: Path, folder: Path, planned: Plan, say: Say) -> list[ImageEntry]:
    cache = cache_folder(os.environ)
    builder = Builder(root, cache, lambda: engines.choose(root, cache, steps.run), say)
    archives = builder.build([CATALOG[name] for name in PUBLISHED])
    locked = lockfile.read((root / LOCK).read_text())
    return [
        publish(oci.read(archive), f"spectra-{name}", folder, planned, locked)
        for name, archive in zip(PUBLISHED, archives, strict=True)
    ]


def publish(
    layout: oci.Layout, name: str, folder: Path, planned: Plan, locked: lockfile.Locked
) -> ImageEntry:
    """Write an image's archive and its bill of materials into the release's folder.

    Raises:
        ReleaseError: The image has a Python package that the lock file does not.
    """
    version = planned.version.semantic
    made_of = contents.of(layout)
    project = (PROJECT, str(planned.version))
    from_lock = [p for p in made_of.python if p.ours and (p.name, p.version) != project]
    lockfile.refuse_unlocked(from_lock, locked, name)
    packed = oci.pack(layout, _stamp(name, planned))
    subject = sbom.Subject(name, version, packed.digest, PROJECT, planned.source.time)
    stem = f"{name}-image-{version}"
    platform = layout.platform
    archive, bill = f"{stem}-{platform.replace('/', '-')}.tar", f"{stem}.cdx.json"
    (folder / archive).write_bytes(packed.archive)
    (folder / bill).write_text(sbom.document(subject, made_of, locked))
    reference = f"{planned.registry}/{name}:{version}"
    return ImageEntry(name, reference, packed.digest, platform, archive, bill)


def _stamp(name: str, planned: Plan) -> oci.Stamp:
    labels = {
        "org.opencontainers.image.created": planned.source.timestamp,
        "org.opencontainers.image.revision": planned.source.commit,
        "org.opencontainers.image.version": planned.version.semantic,
    }
    reference = f"{planned.registry}/{name}:{planned.version.semantic}"
    return oci.Stamp(reference, planned.source.epoch, planned.source.timestamp, labels)


def listing(folder: Path) -> Sequence[str]:
    """Return a line for each file of a release: size and name."""
    return [f"{p.stat().st_size / 1e6:>8.2f} MB  {p.name}" for p in sorted(folder.iterdir())]
