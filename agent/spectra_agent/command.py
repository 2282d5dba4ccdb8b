"""Run any command as a task: pass its streams and signals through, report how it ended."""

# ruff: noqa: PTH108, PTH123 -- plain paths from the environment
from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess

from spectra_agent import contract
from spectra_agent.errors import ResultError
from spectra_agent.model import Result
from spectra_agent.runner import fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import FrameType
    from typing import Any

EXIT_NOT_EXECUTABLE = 126
EXIT_NOT_FOUND = 127

FORWARDED: tuple[signal.Signals, ...] = (
    signal.SIGTERM,
    signal.SIGINT,
    signal.SIGHUP,
    signal.SIGQUIT,
)
"""Signals that go to the command instead of ending this process."""

TAIL_BYTES = 1000
TAIL_LINES = 10
CHUNK_BYTES = 1 << 20
"""The most that a pipe can hold, so one read empties it."""


class Tail:
    """The last lines of a stream of bytes, in bounded memory."""

    def __init__(self) -> None:
        self._data = b""

    def add(self, data: bytes) -> None:
        """Append, and forget what is too old."""
        self._data = (self._data + data)[-TAIL_BYTES:]

    def text(self) -> str:
        """The lines kept, without a first one that may be cut."""
        lines = self._data.decode(errors="replace").strip().splitlines()
        if len(self._data) == TAIL_BYTES and len(lines) > 1:
            lines = lines[1:]
        return "\n".join(lines[-TAIL_LINES:])


def execute(command: Sequence[str], env: Mapping[str, str]) -> int:
    """Run the command to its end and report it; returns its exit code as a shell would.

    What it printed last becomes the message. When it succeeds, the JSON object it wrote to the
    file named by SPECTRA_OUTPUTS becomes the outputs; without that variable a fresh name in
    the temporary folder is given to it.
    """
    outputs = env.get("SPECTRA_OUTPUTS") or _fresh_name(env)
    tail = Tail()
    try:
        _remove(outputs)
        code = _run(command, {**env, "SPECTRA_OUTPUTS": outputs}, tail)
    except OSError as error:
        fail(error, env)
        return EXIT_NOT_FOUND if isinstance(error, FileNotFoundError) else EXIT_NOT_EXECUTABLE
    try:
        values = _read_outputs(outputs) if code == 0 else {}
        contract.write(Result(values, message=tail.text() or _ending(code)), env)
    except (ResultError, OSError) as error:
        return fail(error, env)
    return code


def _run(command: Sequence[str], env: Mapping[str, str], tail: Tail) -> int:
    """Start the command and serve it until it ends; 128 + n when signal n ended it."""
    wake, woken = os.pipe()
    os.set_blocking(woken, False)
    process: subprocess.Popen[bytes] | None = None
    early: list[int] = []

    def forward(number: int, _frame: FrameType | None) -> None:
        if process is None:
            early.append(number)
        else:
            process.send_signal(number)

    for number in FORWARDED:
        signal.signal(number, forward)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
    try:
        process = subprocess.Popen(command, stdout=-1, stderr=-1, env=env)
        for missed in early:
            process.send_signal(missed)
        _serve(process, wake, tail)
    finally:
        signal.set_wakeup_fd(-1)
        os.close(wake)
        os.close(woken)
    code = process.wait()
    return 128 - code if code < 0 else code


def _serve(process: subprocess.Popen[bytes], wake: int, tail: Tail) -> None:
    """Copy both streams until the command has ended.

    The end of the streams is not waited for: a background process that the command left
    behind may hold them open for ever.
    """
    assert process.stdout is not None  # noqa: S101  # for the type checker: both are pipes
    assert process.stderr is not None  # noqa: S101
    pipes = {process.stdout.fileno(): 1, process.stderr.fileno(): 2}
    with selectors.DefaultSelector() as selector, process.stdout, process.stderr:
        selector.register(wake, selectors.EVENT_READ)
        for pipe in pipes:
            os.set_blocking(pipe, False)
            selector.register(pipe, selectors.EVENT_READ)
        while process.poll() is None:
            ready = [key.fd for key, _ in selector.select()]
            for pipe in ready:
                if pipe == wake:
                    os.read(wake, CHUNK_BYTES)
                elif not _copy(pipe, pipes[pipe], tail):
                    selector.unregister(pipe)
        for pipe, target in pipes.items():
            _copy(pipe, target, tail)


def _copy(pipe: int, target: int, tail: Tail) -> bool:
    """Pass on what is there; False when nothing is, or will be."""
    try:
        data = os.read(pipe, CHUNK_BYTES)
    except BlockingIOError:
        return False
    if not data:
        return False
    tail.add(data)
    view = memoryview(data)
    while view:
        view = view[os.write(target, view) :]
    return True


def _fresh_name(env: Mapping[str, str]) -> str:
    """A path in the temporary folder, which need not be writable if it is never used."""
    return f"{env.get('TMPDIR') or '/tmp'}/spectra-outputs-{os.getpid()}.json"  # noqa: S108


def _ending(code: int) -> str:
    """What to say of a command that said nothing itself."""
    if code == 0:
        return ""
    try:
        return f"ended by {signal.Signals(code - 128).name}"
    except ValueError:
        return f"exit code {code}"


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return


def _read_outputs(path: str) -> dict[str, Any]:
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except FileNotFoundError:
        return {}
    try:
        value = json.loads(text)
    except ValueError as error:
        raise ResultError(f"the command wrote no JSON to {path}: {error}") from error
    if not isinstance(value, dict):
        raise ResultError(f"{path} must hold a JSON object, not {type(value).__name__}")
    return value
