"""What the engine needs to know of the configuration."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What the engine needs to know of the configuration.

    `worker_url` is where workers find the worker API, `new_id` gives names of workers their ends,
    `prometheus_addresses` are the servers that analyses may ask. `namespaces` are those that are
    served; without any, all. In `content_namespaces` the
    content that agents refer to is part of their revisions. `growing` is entered while a take-over
    fills what is kept of runs.
    """

    shards: int = 1
    concurrency: int = 48
    identity: str = "spectra-operator"
    resync_seconds: float = 300.0
    worker_url: str = ""
    namespaces: tuple[str, ...] = ()
    content_namespaces: tuple[str, ...] = ()
    prometheus_addresses: frozenset[str] = frozenset()
    new_id: Callable[[], str] = lambda: uuid.uuid4().hex[:8]
    growing: Callable[[], AbstractContextManager[None]] = nullcontext
