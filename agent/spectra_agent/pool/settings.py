"""What a worker is told by its environment, and how long it waits between tries."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from spectra_agent.errors import InputError

MOST_SLOTS = 32


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses that double from try to try; in seconds.

    Attributes:
        first: The longest pause after the first failure.
        most: No pause is longer: so long an idle worker may stay away from a new leader.
        jitter: A number from 0 to 1; spreads workers that all failed at one moment.
    """

    first: float = 0.1
    most: float = 3.0
    jitter: Callable[[], float] = random.random

    def seconds(self, failures: int) -> float:
        """The pause after so many failures in a row (from 1): half of it fixed, half by chance."""
        whole = min(self.most, self.first * 2.0 ** min(failures - 1, 30))
        return whole * (1 + self.jitter()) / 2


@dataclass(frozen=True, slots=True)
class Settings:
    """What a worker needs to know.

    Attributes:
        url: Where the operator is, such as `http://spectra-workers.spectra-system:8090`.
        token_file: The file with the token that proves which pod this is.
        slots: Tasks at once.
        grace: Seconds that running tasks are given to end after SIGTERM.
        hand_back: Seconds after the grace in which what is left is given back.
        poll_seconds: How long the operator may keep a call for claims open.
        backoff: Pauses after failed calls.
    """

    url: str
    token_file: str
    slots: int = 1
    grace: float = 25.0
    hand_back: float = 3.0
    poll_seconds: int = 15
    backoff: Backoff = field(default_factory=Backoff)

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Settings:
        """Read `SPECTRA_WORKER_*`.

        Raises:
            InputError: One is missing or makes no sense; the text names it.
        """
        return cls(
            _address(env),
            _given(env, "SPECTRA_WORKER_TOKEN_FILE"),
            _slots(env),
            _grace(env),
        )


def say(text: str) -> None:
    """A line for the worker's log."""
    print(f"spectra_agent: {text}", file=sys.stderr, flush=True)  # noqa: T201


def host_and_port(url: str) -> tuple[str, int]:
    """Where `http://host:port` leads.

    Raises:
        ValueError: It is something else.
    """
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname or parts.path not in {"", "/"}:
        raise ValueError(f"{url!r} is not of the form http://host:port")
    return parts.hostname, parts.port or 80


def _given(env: Mapping[str, str], name: str) -> str:
    if not env.get(name):
        raise InputError(f"{name} is not set; the operator sets it in a worker's pod")
    return env[name]


def _address(env: Mapping[str, str]) -> str:
    url = _given(env, "SPECTRA_WORKER_URL")
    try:
        host_and_port(url)
    except ValueError as error:
        raise InputError(f"SPECTRA_WORKER_URL: {error}") from error
    return url


def _slots(env: Mapping[str, str]) -> int:
    text = env.get("SPECTRA_WORKER_SLOTS") or "1"
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MOST_SLOTS):
        raise InputError(f"SPECTRA_WORKER_SLOTS must be from 1 to {MOST_SLOTS}, not {text!r}")
    return int(text)


def _grace(env: Mapping[str, str]) -> float:
    text = env.get("SPECTRA_WORKER_GRACE") or "25"
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 <= seconds <= 86_400:
        raise InputError(f"SPECTRA_WORKER_GRACE must be seconds from 0 to 86,400, not {text!r}")
    return seconds
