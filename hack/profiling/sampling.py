"""Looks at a running Python process many times a second, by py-spy, which stands outside of it."""

from __future__ import annotations

import signal
import subprocess
import sys
import sysconfig
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import proc
from profiling.errors import ProfileError
from profiling.stacks import Profile, Stack, parse

RATE = 200
"""Looks a second: a look stops the process for a fraction of a millisecond."""
END_SECONDS = 60.0


class Sampler:
    """What was seen of a process; `profile` is there once sampling has ended."""

    def __init__(self) -> None:
        self._profile: Profile | None = None

    @property
    def profile(self) -> Profile:
        """What was seen.

        Raises:
            ProfileError: Sampling has not ended.
        """
        if self._profile is None:
            raise ProfileError("there is no profile before sampling has ended")
        return self._profile

    def keep(self, profile: Profile) -> None:
        """Take what was seen."""
        self._profile = profile


@contextmanager
def sampling(pid: int, path: Path) -> Iterator[Sampler]:
    """Sample a process until the end of the block; the collapsed stacks go into `path`.

    Raises:
        ProfileError: py-spy is not installed, may not look at the process, or failed.
    """
    path.unlink(missing_ok=True)
    sampler = Sampler()
    with _started(_command(pid, path)) as spy:
        try:
            _await_begin(spy, pid)
            began, before = time.monotonic(), _used(pid)
            yield sampler
            seconds, after = time.monotonic() - began, _used(pid)
        finally:
            said = _ended(spy)
    if not path.exists():
        raise ProfileError(f"py-spy wrote no profile of process {pid}: {said.strip()[-500:]}")
    try:
        stacks = parse(path.read_text().splitlines())
    except ValueError as error:
        raise ProfileError(f"{path} is no profile of py-spy's: {error}") from None
    sampler.keep(_profile(stacks, seconds, before, after))


def _used(pid: int) -> tuple[float, float] | None:
    """Return the seconds of processor time and of waiting for it; None if it has ended."""
    try:
        return proc.cpu_seconds(pid), proc.starved_seconds(pid)
    except OSError:
        return None


def _profile(
    stacks: Counter[Stack],
    seconds: float,
    before: tuple[float, float] | None,
    after: tuple[float, float] | None,
) -> Profile:
    if before is None or after is None:
        return Profile(stacks, RATE, seconds)
    return Profile(stacks, RATE, seconds, after[0] - before[0], after[1] - before[1])


def _command(pid: int, path: Path) -> list[str]:
    spy = Path(sysconfig.get_path("scripts")) / "py-spy"
    if not spy.exists():
        raise ProfileError(f"py-spy is not beside {Path(sys.executable).name}; run `make venv`")
    options = ["--rate", str(RATE), "--format", "raw", "--output", str(path)]
    return [str(spy), "record", "--pid", str(pid), *options]


def _started(command: list[str]) -> subprocess.Popen[str]:
    try:
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
    except OSError as error:
        raise ProfileError(f"py-spy cannot be started: {error}; run `make venv`") from None


def _await_begin(spy: subprocess.Popen[str], pid: int) -> None:
    """Wait until it looks: what it says first."""
    assert spy.stdout
    said = spy.stdout.readline()
    if "Sampling process" not in said:
        why = said.strip() or "it ended without a word"
        raise ProfileError(f"py-spy cannot look at process {pid}: {why}")


def _ended(spy: subprocess.Popen[str]) -> str:
    """Have it write what it has seen, and return what it said."""
    if spy.poll() is None:
        spy.send_signal(signal.SIGINT)
    try:
        said, _ = spy.communicate(timeout=END_SECONDS)
    except subprocess.TimeoutExpired:
        spy.kill()
        said, _ = spy.communicate()
    return said
