"""Builds the pinned binaries from their Go modules, once per machine.

A binary lies at ``CACHE/bin/MODULE-VERSION-KEY/NAME``. Builders of one module wait for each
other; a binary appears under its name only when it is complete.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from cluster import catalog
from cluster.catalog import Module
from cluster.commands import attempt
from cluster.console import Console
from cluster.errors import BuildFailed, MissingProgram
from cluster.lock import locked

PROGRESS_SECONDS = 10.0
LOG_TAIL_LINES = 15
SCRATCH = ".build-"


def go_environment(environ: dict[str, str]) -> dict[str, str]:
    """Return the environment of a build: static binaries, and no workspace from outside."""
    return {**environ, "CGO_ENABLED": "0", "GOWORK": "off", "GOFLAGS": "-buildvcs=false"}


def build_command(go: str, module: Module, names: Sequence[str], output: Path) -> list[str]:
    """Return the command line that builds ``names`` into the folder ``output``."""
    packages = [module.binaries[name] for name in names]
    flags = ["-mod=readonly", "-trimpath", "-v", "-ldflags", catalog.linker_flags(module)]
    return [go, "build", *flags, "-o", f"{output}/", *packages]


def built_name(package: str) -> str:
    """Return the file name that ``go build`` gives a package: its last part but a version."""
    parts = PurePosixPath(package).parts
    is_version = len(parts) > 1 and parts[-1][:1] == "v" and parts[-1][1:].isdigit()
    return parts[-2] if is_version else parts[-1]


def progress(log: str) -> str:
    """Return how far a build is, from what ``go build -v`` has written so far."""
    lines = log.splitlines()
    fetched = sum(line.startswith("go: downloading ") for line in lines)
    compiled = sum(not line.startswith("go: ") for line in lines)
    return f"{fetched} modules downloaded, {compiled} packages compiled"


def find_go() -> str:
    """Return the Go compiler's path.

    Raises:
        MissingProgram: Go is not installed.
    """
    found = shutil.which("go") or shutil.which("/usr/local/go/bin/go")
    if found is None:
        raise MissingProgram(
            "Go is not installed, and the cluster's binaries are built with it: "
            "install Go 1.26 or later and put it on PATH"
        )
    return found


def module_source(module: Module) -> Path:
    """Return the folder of a module's pinned source, downloading it if need be.

    Raises:
        BuildFailed: It can't be downloaded.
    """
    wanted = f"{module.source}@{catalog.version(module)}"
    done = attempt(
        [find_go(), "-C", str(module.folder), "mod", "download", "-json", wanted],
        go_environment({}),
    )
    if done.code != 0:
        raise BuildFailed(f"the Go module {wanted} can't be downloaded: {done.output}{done.errors}")
    return Path(json.loads(done.output)["Dir"])


def platform() -> str:
    """Return the platform part of the cache key, such as ``linux-x86_64``."""
    uname = os.uname()
    return f"{uname.sysname.lower()}-{uname.machine}"


@dataclass(frozen=True)
class Builder:
    """Builds binaries into a cache.

    Attributes:
        cache: The cache's root folder.
        console: Where progress goes.
    """

    cache: Path
    console: Console

    def folder(self, module: Module) -> Path:
        """Return the folder of a module's binaries."""
        return self.cache / "bin" / catalog.cache_folder(module, platform())

    def path(self, binary: str) -> Path:
        """Return where ``binary`` is, or will be when it is built."""
        return self.folder(catalog.module_of(binary)) / binary

    def ensure(self, binaries: Iterable[str]) -> dict[str, Path]:
        """Build what is missing of ``binaries`` and return the path of each.

        Raises:
            BuildFailed: The compiler reported an error.
            MissingProgram: Go is needed and not installed.
        """
        wanted = {name: self.path(name) for name in binaries}
        for module in catalog.MODULES:
            names = [name for name in module.binaries if name in wanted]
            if any(not wanted[name].exists() for name in names):
                self._ensure_module(module, names)
        return wanted

    def _ensure_module(self, module: Module, names: Sequence[str]) -> None:
        folder = self.folder(module)
        folder.mkdir(parents=True, exist_ok=True)
        holder = f"pid {os.getpid()} (builds {module.name})"

        def waiting(who: str) -> None:
            self.console.say(f"waiting for {who}")

        with locked(folder / ".lock", holder, waiting):
            missing = [name for name in names if not (folder / name).exists()]
            if missing:
                self._build(module, missing, folder)

    def _build(self, module: Module, names: Sequence[str], folder: Path) -> None:
        go = find_go()
        self.console.say(
            f"building {', '.join(names)} {catalog.version(module)} (once per machine)"
        )
        began = time.monotonic()
        for stale in folder.glob(f"{SCRATCH}*"):
            # Left by a builder that was killed: whoever builds holds the lock, as we do now.
            shutil.rmtree(stale, ignore_errors=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=SCRATCH) as scratch:
            output = Path(scratch)
            log = folder / "build.log"
            self._run(build_command(go, module, names, output), module, log)
            for name in names:
                built = output / _output_name(module, name)
                built.chmod(0o755)
                built.replace(folder / name)
        self.console.say(f"built {', '.join(names)} in {time.monotonic() - began:.0f} s")

    def _run(self, command: Sequence[str], module: Module, log: Path) -> None:
        with log.open("w") as sink:
            process = subprocess.Popen(
                command,
                cwd=module.folder,
                env=go_environment(dict(os.environ)),
                stdout=sink,
                stderr=subprocess.STDOUT,
            )
            try:
                self._follow(process, module, log)
            finally:
                if process.poll() is None:
                    process.terminate()
                    process.wait()
        if process.returncode != 0:
            tail = "\n".join(log.read_text().splitlines()[-LOG_TAIL_LINES:])
            raise BuildFailed(f"building {module.name} failed; the log is {log}\n{tail}")

    def _follow(self, process: subprocess.Popen[bytes], module: Module, log: Path) -> None:
        while True:
            try:
                process.wait(PROGRESS_SECONDS)
            except subprocess.TimeoutExpired:
                self.console.say(f"  {module.name}: {progress(log.read_text())}")
            else:
                return


def _output_name(module: Module, name: str) -> str:
    package = module.binaries[name]
    return module.name if package == "." else built_name(package)
