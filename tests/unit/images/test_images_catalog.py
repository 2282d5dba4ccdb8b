"""Which content an image has, and what changes it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from images.catalog import CATALOG, content_hash, select
from images.errors import ImagesError

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with one small file for every input of every image."""
    (tmp_path / ".dockerignore").write_text("*\n")
    for image in CATALOG.values():
        for name in (image.dockerfile, *image.inputs):
            path = tmp_path / name
            real = REPOSITORY / name
            file = path / "code.py" if real.is_dir() else path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"content of {name}\n")
    return tmp_path


def hashes(root: Path, base: str = "base") -> dict[str, str]:
    return {name: content_hash(root, image, base) for name, image in CATALOG.items()}


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {name for name in before if before[name] != after[name]}


def test_the_same_files_give_the_same_hash(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    copy = tmp_path_factory.mktemp("other") / "checkout"
    shutil.copytree(root, copy)
    assert hashes(root) == hashes(copy)


@pytest.mark.parametrize(
    ("path", "images"),
    [
        ("requirements.lock", {"operator"}),
        ("Dockerfile", {"operator"}),
        ("operator/spectra_operator/new.py", {"operator"}),
        ("agent/Dockerfile", {"agent", "foundation"}),
        ("agent/spectra_agent/code.py", {"agent", "foundation"}),
        ("examples/foundation/code.py", {"foundation"}),
        ("examples/pool-go/worker.go", {"pool-go"}),
        ("examples/pool-go/pool-go.yaml", set()),
        (".dockerignore", set(CATALOG)),
        ("docs/agents.md", set()),
        ("agent/spectra_agent/__pycache__/code.cpython-311.pyc", set()),
    ],
)
def test_a_change_touches_the_images_made_from_it(root: Path, path: str, images: set[str]) -> None:
    before = hashes(root)
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text("changed")
    assert changed(before, hashes(root)) == images


def test_a_renamed_file_and_a_new_mode_are_changes(root: Path) -> None:
    before = hashes(root)
    file = root / "agent/spectra_agent/code.py"
    file.rename(file.with_name("renamed.py"))
    renamed = hashes(root)
    file.with_name("renamed.py").chmod(0o755)
    assert changed(before, renamed) == changed(renamed, hashes(root)) == {"agent", "foundation"}


def test_another_base_changes_every_image(root: Path) -> None:
    assert changed(hashes(root), hashes(root, "newer")) == set(CATALOG)


def test_a_missing_input_is_named(root: Path) -> None:
    (root / "requirements.lock").unlink()
    with pytest.raises(ImagesError, match=r"requirements\.lock is missing"):
        hashes(root)


def test_all_means_every_image_with_parents_first() -> None:
    assert [image.name for image in select("all")] == ["operator", "agent", "foundation", "pool-go"]
    assert [image.name for image in select("agent")] == ["agent"]


def test_an_unknown_image_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ImagesError, match="no image 'cli'; there are: all, operator, agent"):
        select("cli")


@pytest.mark.parametrize("image", CATALOG.values(), ids=CATALOG)
def test_every_file_a_dockerfile_copies_is_an_input_of_its_image(image: object) -> None:
    assert image in CATALOG.values()
    for line in (REPOSITORY / image.dockerfile).read_text().splitlines():  # type: ignore[attr-defined]
        if line.startswith("COPY ") and "--from" not in line:
            for source in line.split()[1:-1]:
                folder = source.removesuffix("/*.py")
                assert any(
                    name == folder or name.startswith(f"{folder}/")
                    for name in image.inputs  # type: ignore[attr-defined]
                ), source


def test_the_pinned_build_backend_is_all_in_the_lock() -> None:
    text = (REPOSITORY / "Dockerfile").read_text()
    names = text.split("keep = /^(")[1].split(")")[0].split("|")
    lock = (REPOSITORY / "requirements-dev.lock").read_text()
    assert "hatchling" in names
    assert [name for name in names if f"\n{name}==" not in lock] == []
