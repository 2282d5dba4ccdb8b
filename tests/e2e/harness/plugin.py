"""`kubectl spectra`, as people call it: kubectl finds the plugin on the PATH."""

from __future__ import annotations

import asyncio
import os
import pty
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from builders.cluster import ROOT, Answer, run_program
from e2e.harness.bodies import PROVE
from e2e.harness.play import Play

SHOW_CURSOR = "\x1b[?25h"
HIDE_CURSOR = "\x1b[?25l"


@dataclass(frozen=True)
class Plugin:
    """The plugin, in the namespace of a scenario.

    Attributes:
        play: The scenario.
    """

    play: Play

    async def __call__(self, *words: str, code: int = 0, stdin: str = "") -> Answer:
        """Run `kubectl spectra` with words and check its exit code."""
        answer = await run_program(self._command(words), stdin=stdin)
        said = f"{' '.join(words)}: exit code {answer.code}\n{answer.out}\n{answer.err}"
        assert answer.code == code, said
        assert "Traceback" not in answer.err, said
        return answer

    def begin(self, *words: str) -> asyncio.Task[Answer]:
        """Run it beside the scenario."""
        return asyncio.create_task(run_program(self._command(words)))

    async def on_terminal(self, *words: str) -> Terminal:
        """Run it on a terminal of its own."""
        return await Terminal.open(self._command(words))

    async def completed(self, *words: str) -> list[str]:
        """Return what kubectl's own completion offers after `kubectl spectra WORDS`."""
        command = [self.play.cluster.kubectl_path, "__complete", "spectra", *words]
        answer = await run_program(command)
        assert answer.code == 0, answer.err
        return [line.split("\t")[0] for line in answer.out.splitlines()]

    def _command(self, words: Sequence[str]) -> list[str]:
        kubectl = self.play.cluster.kubectl_path
        return [kubectl, "spectra", *words, "--namespace", self.play.namespace]


@dataclass
class Terminal:
    """A program on a terminal: what it shows, and the keys that it gets."""

    process: asyncio.subprocess.Process
    shown: bytearray
    reader: asyncio.Task[None]
    rang: asyncio.Event

    @classmethod
    async def open(cls, command: Sequence[str]) -> Terminal:
        """Start a program as the session leader of a new terminal."""
        ours, theirs = pty.openpty()
        env = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "160", "LINES": "50"}
        process = await asyncio.create_subprocess_exec(
            *command, stdin=theirs, stdout=theirs, stderr=theirs, env=env, start_new_session=True
        )
        os.close(theirs)
        shown, rang = bytearray(), asyncio.Event()
        reader = asyncio.create_task(_read(ours, shown, rang))
        return cls(process, shown, reader, rang)

    @property
    def text(self) -> str:
        """All that was written to the terminal."""
        return self.shown.decode(errors="replace")

    async def until(self, part: str, seconds: float = 60.0) -> None:
        """Wait until something was shown."""
        async with asyncio.timeout(seconds):
            while part not in self.text:
                assert self.process.returncode is None or not self.reader.done(), self.text
                self.rang.clear()
                await self.rang.wait()

    async def interrupted(self) -> int:
        """Press Ctrl-C and return the exit code."""
        os.killpg(self.process.pid, signal.SIGINT)
        return await self.ended()

    async def ended(self, seconds: float = 60.0) -> int:
        """Wait for its end and return the exit code."""
        async with asyncio.timeout(seconds):
            code = await self.process.wait()
            await self.reader
        return code


async def _read(descriptor: int, shown: bytearray, rang: asyncio.Event) -> None:
    """Collect what comes; the terminal reports an error when its program has gone."""
    with suppress(OSError):
        while part := await asyncio.to_thread(os.read, descriptor, 65536):
            shown += part
            rang.set()
    os.close(descriptor)
    rang.set()


def environment(kubeconfig: Path, kubectl: str) -> Mapping[str, str]:
    """Return the environment in which kubectl finds the plugin and the cluster."""
    ours = Path(sys.executable).parent
    path = f"{ours}{os.pathsep}{Path(kubectl).parent}{os.pathsep}{os.environ['PATH']}"
    return {"PATH": path, "KUBECONFIG": str(kubeconfig)}


EXAMPLES = ROOT / "examples"
WHO = "jsonpath={.status.userInfo.username}"
"""What `kubectl auth whoami -o` takes to print the user name alone."""
FAILS_ONCE = f'[ "$SPECTRA_ATTEMPT" -gt 1 ] || exit 3; {PROVE}'
ECHO = 'out "$SPECTRA_INPUT"'
