"""The raw limit: drives a plain client in a process of its own, and watches as for an engine."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from bench import raw_pods
from bench.errors import BenchError
from bench.observer import Observer
from bench.plane import NAMESPACE, Plane
from bench.results import RawRun
from bench.timeline import Timeline
from spectra_operator.kube.client import AiohttpClient
from spectra_operator.kube.resources import Body

PATIENCE = 600.0


@dataclass(frozen=True)
class RawLimit:
    """Measures what a plain client can do with pods like the one given.

    Attributes:
        plane: The control plane.
        client: The harness's client, for the watch.
        pod: A pod that the engine made.
        scratch: A folder for the pod's file.
    """

    plane: Plane
    client: AiohttpClient
    pod: Body
    scratch: Path

    async def measured(self, run: str, pods: int) -> RawRun:
        """Let the client make so many pods, and see them done and deleted.

        Args:
            run: A word that no other run on this control plane has.
            pods: How many.

        Raises:
            BenchError: The client failed or was too slow.
        """
        file = self.scratch / f"raw-{run}.json"
        file.write_text(json.dumps(raw_pods.a_template(self.pod)))
        options = {
            "--kubeconfig": str(self.plane.access_file),
            "--namespace": NAMESPACE,
            "--body": str(file),
            "--run": run,
            "--pods": str(pods),
        }
        words = [word for option in options.items() for word in option]
        observer = Observer(self.client, NAMESPACE, raw_pods.item_of)
        async with observer.watching(None, ""):
            client = await PlainClient.started([sys.executable, "-m", "bench.raw_client", *words])
            try:
                return await _conduct(client, observer, pods)
            finally:
                await client.stop()


async def _conduct(client: PlainClient, observer: Observer, pods: int) -> RawRun:
    await client.says("ready")
    began = time.monotonic()
    client.tell("go")
    await client.says("released")
    timeline: Timeline = observer.timeline
    await observer.until("all pods done", lambda: timeline.released >= pods, PATIENCE)
    lives = timeline.pods.values()
    first = min(life.added for life in lives)
    last = max(life.released for life in lives if life.released is not None)
    created = max(life.added for life in lives)
    deleting = time.monotonic()
    client.tell("delete")
    await client.says("deleted")
    deleted = time.monotonic() - deleting
    return RawRun(pods, last - min(began, first), created - min(began, first), deleted)


class PlainClient:
    """The client's process, and what it says line by line."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def started(cls, command: list[str]) -> PlainClient:
        """Start it; Ctrl-C on the terminal is not for it: whoever started it ends it."""
        pipe = asyncio.subprocess.PIPE
        return cls(
            await asyncio.create_subprocess_exec(
                *command, stdin=pipe, stdout=pipe, start_new_session=True
            )
        )

    def tell(self, word: str) -> None:
        """Write it a line."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{word}\n".encode())

    async def says(self, wanted: str) -> None:
        """Wait for a line.

        Raises:
            BenchError: It said another, ended, or said nothing in time.
        """
        try:
            async with asyncio.timeout(PATIENCE):
                line = await self.line()
        except TimeoutError:
            raise BenchError(f"the plain client did not say {wanted!r} in time") from None
        if line.strip() != wanted:
            raise BenchError(f"the plain client said {line!r}, not {wanted!r}; see its errors")

    async def line(self) -> str:
        """Wait for the next line, whatever it is; return it, or "" at the end."""
        assert self._process.stdout is not None
        return (await self._process.stdout.readline()).decode()

    @property
    def has_ended(self) -> bool:
        """Whether the process has ended."""
        return self._process.returncode is not None

    async def stop(self) -> None:
        """End it if it still runs."""
        if self._process.returncode is None:
            self._process.terminate()
            try:
                async with asyncio.timeout(10):
                    await self._process.wait()
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
