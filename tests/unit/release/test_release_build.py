"""What keeps a release from being made, and what is written beside its files."""

from __future__ import annotations

import hashlib
import json
import tarfile
from pathlib import Path

import pytest

from builders.releases import CHANGELOG, a_layer, a_layout, a_repository, commit, metadata, site
from release import build, changelog, notes, source, versions
from release.build import Plan, Request, plan, publish
from release.errors import ReleaseError
from release.notes import ImageEntry
from release.source import Source

RELEASED = changelog.cut(CHANGELOG, "1.2.0", "2026-02-03")
SOURCE = Source("c" * 40, 1_772_600_767, dirty=False)
IMAGE = ImageEntry(
    "spectra-operator",
    "registry.example/spectra-operator:1.2.0",
    f"sha256:{'d' * 64}",
    "linux/amd64",
    "spectra-operator-image-1.2.0-linux-amd64.tar",
    "spectra-operator-image-1.2.0.cdx.json",
)


def request(root: Path, **more: object) -> Request:
    given = {"root": root, "output": root / "out", **more}
    return Request(**given)  # type: ignore[arg-type]


def a_release(root: Path) -> Path:
    a_repository(root, "1.2.0", "1.2.0", RELEASED)
    commit(root)
    return root


def test_a_committed_release_can_be_made(tmp_path: Path) -> None:
    root = a_repository(tmp_path, "1.2.0", "1.2.0", RELEASED)
    found = commit(root, "2026-03-04T05:06:07Z")

    planned = plan(request(root, tag="v1.2.0", registry="registry.example"))

    assert planned == Plan(
        versions.parse("1.2.0"),
        Source(found, SOURCE.epoch, False),
        "registry.example",
        "- A feature.",
    )
    assert planned.source.timestamp == "2026-03-04T05:06:07Z"


def test_a_snapshot_tells_of_what_is_unreleased(tmp_path: Path) -> None:
    commit(a_repository(tmp_path))

    planned = plan(request(tmp_path))

    assert (planned.version.released, planned.changes) == (False, "- A feature.")
    assert planned.registry == "docker.io/local"


def test_files_that_disagree_are_all_named(tmp_path: Path) -> None:
    commit(a_repository(tmp_path, chart="1.1.0"))

    with pytest.raises(ReleaseError, match=r"disagree on the version:\n.*Chart[\s\S]*appVersion"):
        plan(request(tmp_path))


def test_a_dirty_tree_is_refused(tmp_path: Path) -> None:
    root = a_release(tmp_path)
    (root / "new.txt").write_text("not committed")

    with pytest.raises(ReleaseError, match=r"changes that are not committed .* --allow-dirty"):
        plan(request(root))


def test_a_dirty_tree_may_be_tried_and_is_marked(tmp_path: Path) -> None:
    root = a_release(tmp_path)
    (root / "docs/cli.md").write_text((root / "docs/cli.md").read_text() + "more\n")

    assert plan(request(root, allow_dirty=True)).source.dirty


def test_a_tag_of_another_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match=r"the tag is v1\.3\.0, .* whose tag is v1\.2\.0"):
        plan(request(a_release(tmp_path), tag="v1.3.0"))


def test_no_tag_is_a_snapshots(tmp_path: Path) -> None:
    commit(a_repository(tmp_path))

    with pytest.raises(ReleaseError, match=r"the tag is v1\.2\.0"):
        plan(request(tmp_path, tag="v1.2.0"))


def test_a_folder_that_is_no_checkout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="release from a Git checkout"):
        source.read(a_repository(tmp_path))


def test_nothing_is_built_when_something_is_wrong(tmp_path: Path) -> None:
    root = a_release(tmp_path)

    with pytest.raises(ReleaseError, match="the tag is"):
        build.make(request(root, tag="v9.9.9"), lambda line: pytest.fail(f"began: {line}"))

    assert not (root / "out").exists()


def test_the_notes_tell_what_changed_and_which_images_there_are() -> None:
    text = notes.notes(versions.parse("1.2.0"), SOURCE, "- A feature.", [IMAGE])

    assert text.startswith("# Spectra 1.2.0\n\nMade from commit `ccc")
    assert "of 2026-03-04." in text
    assert "\n\n- A feature.\n\n" in text
    assert f"| `{IMAGE.reference}` | linux/amd64 | `{IMAGE.digest}` |" in text


def test_the_notes_of_a_snapshot_and_of_a_dirty_tree_say_so() -> None:
    dirty = Source(SOURCE.commit, SOURCE.epoch, dirty=True)

    text = notes.notes(versions.parse("1.2.0.dev0"), dirty, "- A feature.", [])

    assert text.startswith("# Spectra 1.2.0.dev0: a snapshot, no release\n")
    assert "for trying only" in text


def test_programs_read_the_same_from_a_file() -> None:
    body = json.loads(notes.summary(versions.parse("1.2.0.dev0"), SOURCE, [IMAGE]))

    assert body["semanticVersion"] == "1.2.0-dev"
    assert (body["snapshot"], body["dirty"]) == (True, False)
    assert body["images"][0]["digest"] == IMAGE.digest


def test_checksums_are_of_every_file_but_their_own(tmp_path: Path) -> None:
    for name in ("b", "a", "SHA256SUMS"):
        (tmp_path / name).write_text(name)

    sums = {name: hashlib.sha256(name.encode()).hexdigest() for name in "ab"}
    assert notes.checksums(tmp_path) == f"{sums['a']}  a\n{sums['b']}  b\n"


def test_an_image_is_published_with_its_bill_of_materials(tmp_path: Path) -> None:
    planned = Plan(versions.parse("1.2.0"), SOURCE, "registry.example", "")
    own = {site("spectra_operator", "1.2.0"): metadata("spectra-operator", "1.2.0")}
    own["usr/lib/python3/dist-packages/pip-25.3.dist-info/METADATA"] = metadata("pip", "25.3")

    entry = publish(a_layout(a_layer(own)), "spectra-operator", tmp_path, planned, {})

    assert (entry.reference, entry.platform, entry.file, entry.sbom) == (
        IMAGE.reference,
        IMAGE.platform,
        IMAGE.file,
        IMAGE.sbom,
    )
    bill = json.loads((tmp_path / entry.sbom).read_text())
    assert entry.digest in bill["metadata"]["component"]["purl"]
    with tarfile.open(tmp_path / entry.file) as archive:
        assert f"blobs/{entry.digest.replace(':', '/')}" in archive.getnames()


def test_an_image_of_another_version_of_the_project_is_refused(tmp_path: Path) -> None:
    planned = Plan(versions.parse("1.2.0"), SOURCE, "registry.example", "")
    own = {site("spectra_operator", "1.1.0"): metadata("spectra-operator", "1.1.0")}

    with pytest.raises(ReleaseError, match=r"spectra-operator 1\.1\.0, which requirements\.lock"):
        publish(a_layout(a_layer(own)), "spectra-operator", tmp_path, planned, {})


def test_a_release_that_fails_leaves_the_one_before_and_nothing_of_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = a_release(tmp_path / "root")
    kept = tmp_path / "out" / "1.2.0"
    kept.mkdir(parents=True)
    (kept / "notes.md").write_text("made before")

    def fail(_: object, folder: Path, *__: object) -> None:
        (folder / "half.tar").touch()
        raise ReleaseError("a reason")

    monkeypatch.setattr(build, "_images", fail)
    with pytest.raises(ReleaseError, match="a reason"):
        build.make(request(root, output=tmp_path / "out"), lambda _: None)

    assert [path.name for path in (tmp_path / "out").iterdir()] == ["1.2.0"]
    assert (kept / "notes.md").read_text() == "made before"


def test_a_release_takes_the_place_of_the_one_before_when_it_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = a_release(tmp_path / "root")
    old = tmp_path / "out" / "1.2.0" / "old"
    old.mkdir(parents=True)
    monkeypatch.setattr(build, "_fill", lambda _, folder, *__: (folder / "new").touch())

    made = build.make(request(root, output=tmp_path / "out"), lambda _: None)

    assert made == old.parent
    assert [path.name for path in made.iterdir()] == ["new"]
    assert made.stat().st_mode & 0o777 == 0o755


def test_the_files_of_a_release_are_listed_by_name_with_their_sizes(tmp_path: Path) -> None:
    for name, size in (("b", 1_500_000), ("a", 0)):
        (tmp_path / name).write_bytes(b"x" * size)

    assert build.listing(tmp_path) == ["    0.00 MB  a", "    1.50 MB  b"]


def test_a_release_without_images_has_notes_all_the_same() -> None:
    text = notes.notes(versions.parse("1.2.0"), SOURCE, "- A feature.", [])

    assert text.endswith("## Images\n\n| Image | Platform | Digest |\n|---|---|---|\n")
    assert json.loads(notes.summary(versions.parse("1.2.0"), SOURCE, []))["images"] == []


def test_an_image_that_brings_what_is_not_locked_leaves_no_file(tmp_path: Path) -> None:
    planned = Plan(versions.parse("1.2.0"), SOURCE, "registry.example", "")
    strange = {site("left_pad", "1"): metadata("left-pad", "1")}

    with pytest.raises(ReleaseError, match=r"spectra-agent has left-pad 1"):
        publish(a_layout(a_layer(strange)), "spectra-agent", tmp_path, planned, {})

    assert list(tmp_path.iterdir()) == []
