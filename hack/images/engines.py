"""The two ways to build: a Docker engine when one answers, else buildah."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from images import base, steps
from images.catalog import Image
from images.errors import ToolMissingError

HOST_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


@dataclass(frozen=True)
class Job:
    """One image to build.

    Attributes:
        image: What to build.
        content: Its content hash.
        parent: The parent's local name in the engine's store; None for an image on the base.
        archive: Where the archive goes.
    """

    image: Image
    content: str
    parent: str | None
    archive: Path


class Engine(Protocol):
    """Builds images and keeps them in a store of its own."""

    @property
    def name(self) -> str:
        """What it is called in messages."""

    def has(self, image: Image, content: str) -> str | None:
        """The local name of exactly this image, or None when the store lacks it."""

    def build(self, job: Job) -> None:
        """Build the image and write its archive.

        Raises:
            StepFailedError: A step of the build failed.
        """

    def forget(self, image: Image, content: str) -> None:
        """Remove this image from the store, if it is there."""


def local_name(image: Image, content: str) -> str:
    """The name that tells this content of an image from any other."""
    return f"docker.io/local/spectra-{image.name}:{content[:16]}"


@dataclass(frozen=True)
class Docker:
    """Builds with a running Docker engine; bases are pulled as the Dockerfiles say."""

    root: Path
    run: steps.Run
    name: str = "docker"

    def has(self, image: Image, content: str) -> str | None:
        """See :meth:`Engine.has`."""
        name = local_name(image, content)
        return name if steps.succeeds(["docker", "image", "inspect", name], self.run) else None

    def build(self, job: Job) -> None:
        """See :meth:`Engine.build`."""
        own = local_name(job.image, job.content)
        parent = ["--build-arg", f"AGENT={job.parent}"] if job.parent else []
        file = str(self.root / job.image.dockerfile)
        tags = ["-t", own, "-t", job.image.reference]
        self.run(["docker", "build", "--quiet", "-f", file, *tags, *parent, str(self.root)])
        self.run(["docker", "save", "-o", str(job.archive), job.image.reference])

    def forget(self, image: Image, content: str) -> None:
        """See :meth:`Engine.forget`."""
        steps.succeeds(["docker", "image", "rm", local_name(image, content)], self.run)


@dataclass(frozen=True)
class Buildah:
    """Builds without a daemon, on a Debian base made here; nothing is pulled.

    Attributes:
        root: The repository.
        cache: Where the base and buildah's store are kept.
        run: Runs a command.
    """

    root: Path
    cache: Path
    run: steps.Run
    name: str = "buildah"

    def has(self, image: Image, content: str) -> str | None:
        """See :meth:`Engine.has`."""
        return self._stored(local_name(image, content))

    def build(self, job: Job) -> None:
        """See :meth:`Engine.build`."""
        own = local_name(job.image, job.content)
        arguments = {"AGENT": job.parent} if job.parent else self._bases()
        go = self._go() if job.image.compiles_go else []
        bud = [*self._bud(arguments), *go]
        self.run([*bud, "-f", job.image.dockerfile, "-t", own, str(self.root)])
        self.run([*self._buildah("tag"), own, job.image.reference])
        target = f"oci-archive:{job.archive}:{job.image.reference}"
        self.run([*self._buildah("push"), "--quiet", job.image.reference, target])

    def forget(self, image: Image, content: str) -> None:
        """See :meth:`Engine.forget`."""
        steps.succeeds([*self._buildah("rmi"), local_name(image, content)], self.run)

    def _go(self) -> list[str]:
        """Lend the builder this machine's Go with its cache; without it the library is compiled."""
        go = shutil.which("go") or "/usr/local/go/bin/go"
        try:
            root, cache = self.run([go, "env", "GOROOT", "GOCACHE"]).split()
        except OSError as error:
            text = "Go is not installed, and an image is compiled with it: install Go 1.26 or later"
            raise ToolMissingError(text) from error
        volumes = (f"{root}:/usr/local/go:ro", f"{cache}:/gocache:rw")
        mounts = [word for volume in volumes for word in ("--volume", volume)]
        return [*mounts, "--build-arg", f"GO={self._bases()['BUILDER']}"]

    def _bases(self) -> dict[str, str]:
        key = base.base_key()
        names = {
            "BASE": f"docker.io/local/spectra-base:{key}",
            "BUILDER": f"docker.io/local/spectra-builder:{key}",
        }
        if all(self._stored(name) for name in names.values()):
            return names
        steps.ensure_debian_packages(["mmdebstrap"], self.run)
        builder, slim = base.make_base(self.cache / "base" / key, self.run)
        self._import(slim, names["BASE"])
        self._import(builder, names["BUILDER"])
        return names

    def _import(self, archive: Path, name: str) -> None:
        container = self.run([*self._buildah("from"), "scratch"]).strip()
        try:
            self.run([*self._buildah("add"), "--quiet", container, str(archive), "/"])
            path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
            self.run([*self._buildah("config"), "--env", path, container])
            self.run([*self._buildah("commit"), "--quiet", container, name])
        finally:
            self.run([*self._buildah("rm"), container])

    def _stored(self, name: str) -> str | None:
        command = [*self._buildah("inspect"), "--type", "image", "--format", "{{.FromImage}}", name]
        return name if steps.succeeds(command, self.run) else None

    def _bud(self, arguments: dict[str, str]) -> list[str]:
        given = dict(arguments)
        options = [
            "--quiet",
            "--force-rm",
            "--layers",
            "--isolation",
            "chroot",
            "--network",
            "host",
        ]
        if HOST_CERTIFICATES.exists():
            given["PIP_CERT"] = str(HOST_CERTIFICATES)
            folder = HOST_CERTIFICATES.parent
            options += ["--volume", f"{folder}:{folder}:ro"]
        for key, value in given.items():
            options += ["--build-arg", f"{key}={value}"]
        return [*self._buildah("bud"), *options]

    def _buildah(self, verb: str) -> list[str]:
        store = self.cache / "store"
        return ["buildah", "--root", str(store), "--runroot", str(self.cache / "run"), verb]


def choose(root: Path, cache: Path, run: steps.Run) -> Engine:
    """Docker when an engine answers, else buildah, installed if that is possible.

    Raises:
        ToolMissingError: Neither is there, nor can be installed.
    """
    if steps.succeeds(["docker", "info"], run):
        return Docker(root, run)
    steps.ensure_debian_packages(["buildah"], run)
    return Buildah(root, cache, run)
