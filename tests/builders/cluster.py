"""A real cluster for tests: brought up by the project's own tool, used through kubectl and helm."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COMMAND_SECONDS = 120.0
NAME_VARIABLE = "SPECTRA_TEST_CLUSTER"


class CommandFailed(AssertionError):  # noqa: N818 - reads as the sentence pytest prints
    """A program ended with an error; the text has its command line and what it said."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How a program ended.

    Attributes:
        code: Its exit code.
        out: Its standard output.
        err: Its standard error.
    """

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class LocalCluster:
    """A cluster of a name of its own, so that tests disturb nobody's work.

    `SPECTRA_TEST_CLUSTER` gives it another: two checkouts on one machine need two.
    """

    name: str = field(default_factory=lambda: os.environ.get(NAME_VARIABLE) or "spectra-test")

    def up(self, *, fake_nodes: int = 0) -> None:
        """Make the cluster ready; some 0.3 s when it is so already."""
        self._tool("up", "--kwok-nodes", str(fake_nodes))

    def down(self) -> None:
        """Remove the cluster with all it made."""
        self._tool("down")

    def addon(self, name: str) -> None:
        """Have something in the cluster that only few tests need."""
        self._tool("addon", name)

    @cached_property
    def kubeconfig(self) -> Path:
        """Path of the administrator's kubeconfig."""
        return Path(self._tool("kubeconfig"))

    @property
    def folder(self) -> Path:
        """The cluster's folder: it goes when the cluster goes."""
        return self.kubeconfig.parent

    @cached_property
    def kubectl_path(self) -> str:
        """Path of kubectl."""
        return self._tool("path", "kubectl")

    @cached_property
    def helm_path(self) -> str:
        """Path of helm."""
        return self._tool("path", "helm")

    def load_images(self) -> str:
        """Build the project's images and hand them to the cluster; returns a hash of them all.

        What the cluster has got already is not loaded again.
        """
        command = [sys.executable, "-m", "images", "build", "all", "--print"]
        archives = run_sync(command, seconds=1800).splitlines()
        stamp = self.folder / "loaded-images"
        known = stamp.read_text().splitlines() if stamp.exists() else []
        fresh = [archive for archive in archives if archive not in known]
        if fresh:
            self._tool("load-image", *fresh)
        stamp.write_text("\n".join(archives))
        return "-".join(Path(archive).parent.name[:12] for archive in archives)

    def load_archive(self, archive: Path) -> None:
        """Hand one image to the cluster."""
        self._tool("load-image", str(archive))

    def run(self, program: str, *arguments: str, stdin: str = "") -> str:
        """Run kubectl or helm on this cluster and return what it printed."""
        return run_sync([*self._command(program), *arguments], stdin=stdin, seconds=300)

    async def kubectl(self, *arguments: str, stdin: str = "") -> str:
        """Run kubectl and return what it printed.

        Raises:
            CommandFailed: It ended with an error or did not end in two minutes.
        """
        answer = await self.try_kubectl(*arguments, stdin=stdin)
        if answer.code:
            raise CommandFailed(f"kubectl {' '.join(arguments)}: {answer.err or answer.out}")
        return answer.out

    async def try_kubectl(self, *arguments: str, stdin: str = "") -> Answer:
        """Run kubectl to its end, well or not."""
        return await run_program([*self._command("kubectl"), *arguments], stdin=stdin)

    @asynccontextmanager
    async def forwarded(self, namespace: str, pod: str, port: int) -> AsyncIterator[str]:
        """Forward a port of a pod until the end of the block; gives the URL of this end."""
        command = [*self._command("kubectl"), "port-forward", "-n", namespace, pod, f":{port}"]
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        assert process.stdout is not None
        try:
            said = await asyncio.wait_for(process.stdout.readline(), COMMAND_SECONDS)
            address = re.search(rb"from (127\.0\.0\.1:\d+) ->", said)
            if address is None:
                raise CommandFailed(f"kubectl port-forward {pod}: {said.decode()!r}")
            yield f"http://{address[1].decode()}"
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    def _command(self, program: str) -> list[str]:
        path = {"kubectl": self.kubectl_path, "helm": self.helm_path}[program]
        return [path, "--kubeconfig", str(self.kubeconfig)]

    def _tool(self, verb: str, *arguments: str) -> str:
        command = [sys.executable, "-m", "cluster", verb, "--name", self.name, *arguments]
        return run_sync(command, seconds=1800).strip()


def run_sync(command: Sequence[str], *, stdin: str = "", seconds: float = COMMAND_SECONDS) -> str:
    """Run a program from the repository's root and return its standard output.

    Raises:
        CommandFailed: It ended with an error; what it said is in the text.
    """
    done = subprocess.run(
        command, input=stdin, capture_output=True, text=True, cwd=ROOT, timeout=seconds, check=False
    )
    if done.returncode:
        said = (done.stdout + done.stderr)[-4000:]
        raise CommandFailed(f"exit code {done.returncode} from {' '.join(command)}\n{said}")
    return done.stdout


async def run_program(
    command: Sequence[str], *, stdin: str = "", seconds: float = COMMAND_SECONDS
) -> Answer:
    """Run a program to its end beside other work.

    Raises:
        CommandFailed: It did not end in time; it is killed.
    """
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *command, stdin=pipe, stdout=pipe, stderr=pipe, cwd=ROOT
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(stdin.encode()), seconds)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise CommandFailed(f"no end within {seconds:.0f} s: {' '.join(command)}") from None
    return Answer(process.returncode or 0, out.decode(), err.decode())
