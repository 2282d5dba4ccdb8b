"""A shell in which the commands of a document are typed one after the other."""

from __future__ import annotations

import asyncio
import os
import signal
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from builders.documents import ROOT, Command

COMMAND_SECONDS = 900.0
"""The longest that a command may take: the first one on a machine may build programs."""
_OURS = ("KUBECONFIG", "VIRTUAL_ENV")
"""What a stranger's environment does not have."""


class NotAsDocumented(AssertionError):  # noqa: N818 - reads as the sentence pytest prints
    """A command of a document did not do what the document says."""


@dataclass
class Shell:
    """One bash, which keeps variables and the last exit code from command to command."""

    process: asyncio.subprocess.Process

    async def succeed(self, steps: list[Command]) -> None:
        """Type commands, each of which must succeed.

        Raises:
            NotAsDocumented: One failed.
        """
        for step in steps:
            code, output = await self.run(step.text)
            if code:
                raise NotAsDocumented(f"{step.place}: {step.text}\n{output}\nended with {code}")

    async def follow(self, steps: list[Command], rename: tuple[str, str] = ("", "")) -> None:
        """Type commands, and compare what comes with what is shown.

        A command must succeed, unless the next one asks for its exit code by `echo $?`.

        Args:
            steps: The commands.
            rename: Something in them that has to have another name here, and that name.

        Raises:
            NotAsDocumented: One failed or showed something else.
        """
        for number, step in enumerate(steps):
            text = step.text.replace(*rename) if rename[0] else step.text
            code, output = await self.run(text)
            after = steps[number + 1].text if number + 1 < len(steps) else ""
            said = f"{step.place}: {text}\n{output}"
            if code and after != "echo $?":
                raise NotAsDocumented(f"{said}\nended with {code}")
            missing = step.differences(output)
            if missing:
                raise NotAsDocumented(
                    f"{said}\nis shown in the document, and did not come: {missing}"
                )

    async def run(self, text: str) -> tuple[int, str]:
        """Type one command; return its exit code and all that it printed."""
        mark = f"--{uuid.uuid4().hex}--"
        assert self.process.stdin
        assert self.process.stdout
        # The exit code is set again, since the next command may ask for it.
        line = f"{text}\n_code=$?; echo; echo {mark} $_code; (exit $_code)\n"
        self.process.stdin.write(line.encode())
        lines: list[str] = []
        async with asyncio.timeout(COMMAND_SECONDS):
            while True:
                raw = await self.process.stdout.readline()
                if not raw:
                    raise NotAsDocumented(f"{text}\nended the shell:\n{''.join(lines)}")
                line = raw.decode(errors="replace")
                if line.startswith(mark):
                    return int(line.split()[1]), "".join(lines)
                lines.append(line)


@asynccontextmanager
async def a_shell(
    more: Mapping[str, str] | None = None, *, grace_seconds: float = 5.0
) -> AsyncIterator[Shell]:
    """Open a shell in the checkout, without what this test run has in its environment.

    Args:
        more: Variables that it has besides.
        grace_seconds: How long a command may take to end that runs when the shell is left; then
            it is killed with the shell.
    """
    env = {name: value for name, value in os.environ.items() if name not in _OURS} | {
        **(more or {})
    }
    process = await asyncio.create_subprocess_exec(
        *("bash", "--noprofile", "--norc"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=env,
        cwd=ROOT,
        limit=1 << 22,
        start_new_session=True,
    )
    try:
        yield Shell(process)
    finally:
        assert process.stdin
        process.stdin.close()
        try:
            async with asyncio.timeout(grace_seconds):
                await process.wait()
        except TimeoutError:
            # With the command that it waits for: that holds the pipe, without whose end the
            # shell's own end is never told.
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
