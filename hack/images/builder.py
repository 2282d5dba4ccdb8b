"""Builds what has changed, and knows where the archives are."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from images import base
from images.catalog import CATALOG, Image, content_hash
from images.engines import Engine, Job
from images.errors import ImagesError

KEPT_VERSIONS = 3
"""How many contents of each image stay in the cache, for checkouts that share it."""


def cache_folder(env: Mapping[str, str]) -> Path:
    """Where archives, base and build store live: outside the tree, shared by checkouts."""
    home = env.get("XDG_CACHE_HOME") or f"{env.get('HOME', '/root')}/.cache"
    return Path(env.get("SPECTRA_CACHE") or f"{home}/spectra") / "images"


class Builder:
    """Builds images into the cache, each content once."""

    def __init__(
        self,
        root: Path,
        cache: Path,
        engine: Callable[[], Engine],
        say: Callable[[str], None],
    ) -> None:
        """Remember where things are.

        Args:
            root: The repository.
            cache: The folder of :func:`cache_folder`.
            engine: Finds the engine; called only when something must be built.
            say: Takes lines of progress.
        """
        self._root = root
        self._cache = cache
        self._find_engine = engine
        self._engine: Engine | None = None
        self._hashes: dict[str, str] = {}
        self._say = say

    def archive(self, image: Image) -> Path:
        """Where the archive of the image's present content is, once built."""
        return self._cache / self._hash(image) / f"{image.name}.tar"

    def build(self, images: Sequence[Image]) -> list[Path]:
        """Build the images whose content has no archive yet; all their archives.

        Raises:
            ImagesError: A tool is missing, a step failed, or files changed meanwhile.
        """
        archives = [self.archive(image) for image in images]
        if all(path.exists() for path in archives):
            return archives
        self._cache.mkdir(parents=True, exist_ok=True)
        with only_one(self._cache / "lock", self._say):
            for image, path in zip(images, archives, strict=True):
                if not path.exists():
                    self._build(image, path)
        return archives

    def _build(self, image: Image, archive: Path) -> None:
        if self._engine is None:
            self._engine = self._find_engine()
        parent = self._parent(self._engine, image)
        self._say(f"building {image.reference} with {self._engine.name}")
        archive.parent.mkdir(parents=True, exist_ok=True)
        part = archive.with_suffix(".part")
        part.unlink(missing_ok=True)
        content = self._hash(image)
        self._engine.build(Job(image, content, parent, part))
        if self._fresh_hash(image) != content:
            part.unlink()
            self._engine.forget(image, content)
            raise ImagesError(f"files of image {image.name} changed while it was built; run again")
        part.rename(archive)
        self._forget_old(self._engine, image)

    def _parent(self, engine: Engine, image: Image) -> str | None:
        if image.parent is None:
            return None
        parent = CATALOG[image.parent]
        if engine.has(parent, self._hash(parent)) is None:
            self._build(parent, self.archive(parent))
        return engine.has(parent, self._hash(parent))

    def _hash(self, image: Image) -> str:
        """The hash at first sight, so that one invocation does not mix two contents."""
        if image.name not in self._hashes:
            self._hashes[image.name] = self._fresh_hash(image)
        return self._hashes[image.name]

    def _fresh_hash(self, image: Image) -> str:
        return content_hash(self._root, image, base.base_key())

    def _forget_old(self, engine: Engine, image: Image) -> None:
        found = sorted(
            self._cache.glob(f"*/{image.name}.tar"), key=lambda path: path.stat().st_mtime
        )
        for old in found[:-KEPT_VERSIONS]:
            engine.forget(image, old.parent.name)
            shutil.rmtree(old.parent)


@contextmanager
def only_one(path: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Hold a lock file for the time of a build; waits for another process that holds it."""
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            say(f"waiting for process {file.read()}, which is building images")
            fcntl.flock(file, fcntl.LOCK_EX)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
