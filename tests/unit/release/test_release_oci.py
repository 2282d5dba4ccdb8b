"""An image is written anew under the release's name, and depends on its content alone."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from builders.releases import a_layer, a_layout, saved_by_buildah, saved_by_docker
from release import oci
from release.errors import ReleaseError

EPOCH = 1_700_000_000
TIME = "2023-11-14T22:13:20Z"
REFERENCE = "registry.example/team/spectra-operator:1.2.3"
STAMP = oci.Stamp(REFERENCE, EPOCH, TIME, {"org.opencontainers.image.version": "1.2.3"})

Save = Callable[[Path, oci.Layout], Path]


def files_of(packed: oci.Packed) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(packed.archive)) as archive:
        files = {entry.name: archive.extractfile(entry) for entry in archive}
        return {name: file.read() for name, file in files.items() if file}


def blob(files: dict[str, bytes], digest: str) -> bytes:
    return files[f"blobs/{digest.replace(':', '/')}"]


def parsed(files: dict[str, bytes], digest: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(blob(files, digest))
    return body


@pytest.mark.parametrize("save", [saved_by_buildah, saved_by_docker])
def test_an_image_is_read_as_either_engine_saves_it(tmp_path: Path, save: Save) -> None:
    layout = a_layout(a_layer({"a": "1"}), a_layer({"b": "2"}))

    assert oci.read(save(tmp_path / "image.tar", layout)) == layout


def test_both_engines_lead_to_the_same_release(tmp_path: Path) -> None:
    layout = a_layout(a_layer({"a": "1"}))
    paths = (saved_by_buildah(tmp_path / "b", layout), saved_by_docker(tmp_path / "d", layout))

    one, other = (oci.pack(oci.read(path), STAMP) for path in paths)

    assert one == other


def test_what_was_built_at_another_time_is_the_same_release() -> None:
    early = a_layout(a_layer({"opt/a.py": "1"}, mtime=1.5))
    late = oci.Layout(
        early.config | {"created": "2027-01-01T00:00:00Z"}, (a_layer({"opt/a.py": "1"}, mtime=99),)
    )

    assert oci.pack(early, STAMP) == oci.pack(late, STAMP)


def test_other_content_is_another_image() -> None:
    digests = {oci.pack(a_layout(a_layer({"a": text})), STAMP).digest for text in ("1", "2")}

    assert len(digests) == 2


def test_the_archive_is_an_oci_layout_in_which_every_digest_holds() -> None:
    packed = oci.pack(a_layout(a_layer({"a": "1"}), a_layer({"b": "2"})), STAMP)
    files = files_of(packed)

    [entry] = json.loads(files["index.json"])["manifests"]
    manifest = parsed(files, packed.digest)
    config = parsed(files, manifest["config"]["digest"])

    assert json.loads(files["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    assert entry["digest"] == packed.digest
    assert entry["annotations"] == {"org.opencontainers.image.ref.name": REFERENCE}
    for name, content in files.items():
        if name.startswith("blobs/"):
            assert name == f"blobs/sha256/{hashlib.sha256(content).hexdigest()}"
    for described in (entry, manifest["config"], *manifest["layers"]):
        assert described["size"] == len(blob(files, described["digest"]))
    plain = [oci._plain(blob(files, layer["digest"])) for layer in manifest["layers"]]
    assert config["rootfs"]["diff_ids"] == [
        f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in plain
    ]


def test_docker_finds_what_it_loads() -> None:
    packed = oci.pack(a_layout(a_layer({"a": "1"})), STAMP)
    files = files_of(packed)

    [image] = json.loads(files["manifest.json"])

    assert image["RepoTags"] == [REFERENCE]
    assert {image["Config"], *image["Layers"]} <= set(files)


def test_an_image_says_what_it_is_and_keeps_how_it_runs() -> None:
    packed = oci.pack(a_layout(a_layer({"a": "1"})), STAMP)
    files = files_of(packed)
    manifest = parsed(files, packed.digest)

    config = parsed(files, manifest["config"]["digest"])

    assert config["config"]["User"] == "65532"
    assert config["config"]["Labels"] == {
        "a": "kept",
        "org.opencontainers.image.version": "1.2.3",
    }
    assert config["created"] == TIME
    assert config["history"] == [{"created": TIME, "created_by": "COPY"}]


def test_the_distributions_python_keeps_the_times_that_its_byte_code_notes() -> None:
    sources = {"usr/lib/python3.11/os.py": "1", "etc/hosts": "2", "usr/local/lib/spectra/a.py": "3"}
    layer = a_layer(sources, mtime=1_600_000_000)
    newer = a_layer({"usr/lib/python3/x.py": "1"}, mtime=EPOCH + 5)

    packed = oci.pack(a_layout(layer, newer), STAMP)
    files = files_of(packed)
    times: dict[str, float] = {}
    for each in parsed(files, packed.digest)["layers"]:
        with oci.open_layer(oci._plain(blob(files, each["digest"]))) as archive:
            times |= {entry.name: entry.mtime for entry in archive}

    assert times == {
        "usr/lib/python3.11/os.py": 1_600_000_000,
        "etc/hosts": EPOCH,
        "usr/local/lib/spectra/a.py": EPOCH,
        "usr/lib/python3/x.py": EPOCH,
    }


def test_an_archive_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "old.tar"
    path.write_bytes(a_layer({"manifest.json": "[]"}))

    with pytest.raises(ReleaseError, match="build it with buildah or Docker 25"):
        oci.read(path)


def test_an_archive_of_two_images_is_refused(tmp_path: Path) -> None:
    index = {"manifests": [{"digest": "sha256:1"}, {"digest": "sha256:2"}]}
    path = tmp_path / "two.tar"
    path.write_bytes(a_layer({"index.json": json.dumps(index)}))

    with pytest.raises(ReleaseError, match="one image, found 2"):
        oci.read(path)


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    good = saved_by_buildah(tmp_path / "good.tar", a_layout(a_layer({"a": "1"})))
    with tarfile.open(good) as archive:
        index = archive.extractfile("index.json")
        assert index
        text = index.read().decode()
    path = tmp_path / "bad.tar"
    path.write_bytes(a_layer({"index.json": text}))

    with pytest.raises(ReleaseError, match="missing or damaged: build it again"):
        oci.read(path)


def test_the_platform_is_the_images() -> None:
    assert a_layout().platform == "linux/amd64"


def test_a_blob_that_is_not_what_its_digest_says_is_refused(tmp_path: Path) -> None:
    good = saved_by_buildah(tmp_path / "good.tar", a_layout(a_layer({"a": "1"})))
    with tarfile.open(good) as archive:
        files = {entry.name: archive.extractfile(entry) for entry in archive}
        texts = {name: file.read().decode("latin-1") for name, file in files.items() if file}
    [layer] = [name for name, text in texts.items() if text.startswith("\x1f\x8b")]
    path = tmp_path / "bad.tar"
    path.write_bytes(a_layer(texts | {layer: "changed"}))

    with pytest.raises(ReleaseError, match=f"{layer.rpartition('/')[2]} is missing or damaged"):
        oci.read(path)


def test_an_archive_of_nothing_but_how_it_was_built_is_refused(tmp_path: Path) -> None:
    entry = {"digest": "sha256:1", "platform": {"architecture": "unknown", "os": "unknown"}}
    path = tmp_path / "none.tar"
    path.write_bytes(a_layer({"index.json": json.dumps({"manifests": [entry]})}))

    with pytest.raises(ReleaseError, match="one image, found 0"):
        oci.read(path)


def test_an_image_that_says_nothing_of_itself_gets_the_labels_of_the_release() -> None:
    bare = oci.Layout({"os": "linux", "architecture": "arm64"}, (a_layer({"a": "1"}),))

    packed = oci.pack(bare, STAMP)
    files = files_of(packed)
    config = parsed(files, parsed(files, packed.digest)["config"]["digest"])

    assert bare.platform == "linux/arm64"
    assert config["config"] == {"Labels": dict(STAMP.labels)}
    assert config["history"] == []


def test_a_label_of_the_release_replaces_one_of_the_build() -> None:
    stamp = oci.Stamp(REFERENCE, EPOCH, TIME, {"a": "replaced"})

    packed = oci.pack(a_layout(a_layer({"a": "1"})), stamp)
    files = files_of(packed)
    manifest = parsed(files, packed.digest)

    assert parsed(files, manifest["config"]["digest"])["config"]["Labels"] == {"a": "replaced"}
    assert manifest["annotations"] == {"a": "replaced"}


def test_the_name_of_an_image_is_no_part_of_its_digest() -> None:
    layout = a_layout(a_layer({"a": "1"}))
    elsewhere = oci.Stamp("registry.example/other:1.2.3", EPOCH, TIME, STAMP.labels)

    assert oci.pack(layout, STAMP).digest == oci.pack(layout, elsewhere).digest
    assert oci.pack(layout, STAMP) != oci.pack(layout, elsewhere)


def test_a_layer_that_an_image_has_twice_is_kept_once() -> None:
    layer = a_layer({"a": "1"})

    packed = oci.pack(a_layout(layer, layer), STAMP)
    files = files_of(packed)

    assert len(parsed(files, packed.digest)["layers"]) == 2
    assert len([name for name in files if name.startswith("blobs/")]) == 3
