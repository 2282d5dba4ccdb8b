"""Which images there are, what each is made from, and the hash that names its content."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from images.errors import ImagesError


@dataclass(frozen=True)
class Image:
    """One image of the project.

    Attributes:
        name: What the command line calls it, and its archive's file name.
        dockerfile: Relative to the repository's root, which is the build context.
        inputs: Files and folders, relative to the root, that the Dockerfile copies.
        parent: The name of the image it is built on; None is the base.
        compiles_go: Whether a step of the Dockerfile runs Go, from the image of its argument GO.
    """

    name: str
    dockerfile: str
    inputs: tuple[str, ...]
    parent: str | None = None
    compiles_go: bool = False

    @property
    def reference(self) -> str:
        """The full name it is loaded under."""
        return f"docker.io/local/spectra-{self.name}:dev"


CATALOG = {
    image.name: image
    for image in (
        Image(
            "operator",
            "Dockerfile",
            (
                "LICENSE",
                "README.md",
                "operator/spectra_operator",
                "pyproject.toml",
                "requirements-dev.lock",
                "requirements.lock",
            ),
        ),
        Image("agent", "agent/Dockerfile", ("agent/spectra_agent",)),
        Image("foundation", "examples/foundation/Dockerfile", ("examples/foundation",), "agent"),
        Image(
            "pool-go",
            "examples/pool-go/Dockerfile",
            ("examples/pool-go/worker.go",),
            compiles_go=True,
        ),
    )
}


def select(name: str) -> tuple[Image, ...]:
    """The images that a word on the command line means; ``all`` means every one.

    Raises:
        ImagesError: There is no such image.
    """
    if name == "all":
        return tuple(CATALOG.values())
    if name not in CATALOG:
        raise ImagesError(f"no image {name!r}; there are: all, {', '.join(CATALOG)}")
    return (CATALOG[name],)


def content_hash(root: Path, image: Image, base_key: str) -> str:
    """A hash of everything that decides what the image contains (64 hex digits).

    Args:
        root: The repository.
        image: The image.
        base_key: Names the base's content.

    Raises:
        ImagesError: An input is missing.
    """
    below = content_hash(root, CATALOG[image.parent], base_key) if image.parent else base_key
    digest = hashlib.sha256(f"{image.reference}\0{below}\0".encode())
    for path in _files(root, (image.dockerfile, ".dockerignore", *image.inputs)):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        mode = path.stat().st_mode & 0o777
        digest.update(f"{path.relative_to(root)}\0{mode:o}\0{content}\0".encode())
    return digest.hexdigest()


def _files(root: Path, inputs: Iterable[str]) -> Iterator[Path]:
    for name in inputs:
        path = root / name
        if path.is_file():
            yield path
        elif path.is_dir():
            yield from (p for p in sorted(path.rglob("*")) if p.is_file() and not _is_cache(p))
        else:
            raise ImagesError(f"{name} is missing; an image is built from it")


def _is_cache(path: Path) -> bool:
    return "__pycache__" in path.parts
