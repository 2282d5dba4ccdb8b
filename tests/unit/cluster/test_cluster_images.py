"""Image archives, read back as a container runtime would."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from cluster.images import ImageSpec, oci_blobs, write_oci_archive


@pytest.fixture
def spec(tmp_path: Path) -> ImageSpec:
    program = tmp_path / "program"
    program.write_bytes(b"\x7fELF")
    name = "docker.io/local/one:dev"
    return ImageSpec(name, {"/bin/one": program}, ["/bin/one"], {"/bin/sh": "one"})


def blob(files: dict[str, bytes], digest: str) -> bytes:
    return files[f"blobs/sha256/{digest.removeprefix('sha256:')}"]


def parts(files: dict[str, bytes]) -> tuple[dict[str, Any], dict[str, Any], bytes]:
    index = json.loads(files["index.json"])
    manifest = json.loads(blob(files, index["manifests"][0]["digest"]))
    image_config = json.loads(blob(files, manifest["config"]["digest"]))
    return index, image_config, gzip.decompress(blob(files, manifest["layers"][0]["digest"]))


def test_every_blob_has_the_digest_and_size_that_name_it(spec: ImageSpec) -> None:
    files = oci_blobs(spec, "x86_64")
    blobs = {name: content for name, content in files.items() if name.startswith("blobs/")}

    assert len(blobs) == 3
    for name, content in blobs.items():
        assert name == f"blobs/sha256/{hashlib.sha256(content).hexdigest()}"


def test_the_unpacked_layer_has_the_digest_in_the_configuration(spec: ImageSpec) -> None:
    _, image_config, layer = parts(oci_blobs(spec, "x86_64"))

    digest = hashlib.sha256(layer).hexdigest()
    assert image_config["rootfs"]["diff_ids"] == [f"sha256:{digest}"]


def test_the_image_has_the_full_name_that_pods_write(spec: ImageSpec) -> None:
    index, _, _ = parts(oci_blobs(spec, "x86_64"))

    names = index["manifests"][0]["annotations"]
    assert names["io.containerd.image.name"] == "docker.io/local/one:dev"


@pytest.mark.parametrize(
    ("machine", "name"), [("x86_64", "amd64"), ("aarch64", "arm64"), ("riscv64", "riscv64")]
)
def test_the_architecture_has_the_name_that_images_use(
    spec: ImageSpec, machine: str, name: str
) -> None:
    assert parts(oci_blobs(spec, machine))[1]["architecture"] == name


def test_programs_are_executable_and_links_point_to_them(spec: ImageSpec) -> None:
    _, _, layer = parts(oci_blobs(spec, "x86_64"))

    with tarfile.open(fileobj=io.BytesIO(layer)) as archive:
        assert archive.getmember("bin/one").mode == 0o755
        assert archive.getmember("bin/sh").linkname == "one"


def test_the_same_programs_make_the_same_image(spec: ImageSpec) -> None:
    assert oci_blobs(spec, "x86_64") == oci_blobs(spec, "x86_64")


def test_the_archive_holds_all_files_of_the_layout(spec: ImageSpec, tmp_path: Path) -> None:
    target = tmp_path / "one.tar"

    write_oci_archive(spec, "x86_64", target)

    with tarfile.open(target) as archive:
        assert set(archive.getnames()) == set(oci_blobs(spec, "x86_64"))
