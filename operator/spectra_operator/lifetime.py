"""From start to end: kopf, the Leases and the engine together, until a signal comes."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .commands import kubeconfig_of
from .config import Config
from .engine.engine import Engine
from .engine.shards import KeepsShards
from .handlers.admission import make_server, mounted_server
from .handlers.app import run_kopf
from .handlers.login import make_login
from .handlers.webhook_certificate import CertificateKeeper

logger = logging.getLogger(__name__)


class Shell:
    """kopf, with the admission webhook if there is to be one."""

    def __init__(self, engine: Engine, config: Config) -> None:
        self._engine = engine
        self._config = config
        self.certificate: CertificateKeeper | None = None
        self.ready = asyncio.Event()

    async def run(self) -> None:
        """Run until cancelled."""
        login, stop = make_login(kubeconfig_of(self._config)), asyncio.Event()
        namespaces = self._config.watch_namespaces
        if self.certificate is None:
            folder = self._config.webhook_certificate_folder
            mounted = mounted_server(self._config.webhook_port, Path(folder)) if folder else None
            await run_kopf(self._engine, login, stop, self.ready, mounted, namespaces)
            return
        await self.certificate.prepare()
        server = make_server(self._config.webhook_port, self.certificate.file)
        async with asyncio.TaskGroup() as group:
            group.create_task(self.certificate.run())
            group.create_task(run_kopf(self._engine, login, stop, self.ready, server, namespaces))


@contextmanager
def growing() -> Iterator[None]:
    """Let Python's collector rest while caches do nothing but grow, and keep it off them later.

    To look through them after each quarter by which they have grown was a seventh of the processor
    time of a take-over, and each look after it stopped the loop for half a second beside two
    thousand open workflows. Of blocks that overlap the first that ends lets the collector work.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        _leave_out_what_stands()


def _leave_out_what_stands() -> None:
    """Look for garbage everywhere, and in what is left no more until this is done again.

    Everywhere, as Python looks through all the more often the less it found last: over what came
    since the last time alone it would do so again and again while thousands of tasks run.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()


async def until_stopped(
    engine: Engine, keeper: KeepsShards, shell: Shell, served: Coroutine[Any, Any, None]
) -> None:
    """Run everything until a signal comes; any part that ends by itself ends the process."""
    stop = asyncio.Event()
    signals = asyncio.create_task(_signals(stop, shell.ready), name="signals")
    waiting = asyncio.create_task(served, name="kinds")
    await asyncio.wait([signals, waiting], return_when=asyncio.FIRST_COMPLETED)
    if stop.is_set():
        waiting.cancel()
        return
    _leave_out_what_stands()
    parts = {
        "engine": engine.run(),
        "leases": keeper.run(),
        "kopf": shell.run(),
    }
    tasks = [signals, *(asyncio.create_task(part, name=name) for name, part in parts.items())]
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    await keeper.release()  # before the Leases' own task is cancelled, which gives nothing back
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    if not stop.is_set():
        for task in done:
            error = None if task.cancelled() else task.exception()
            logger.error("%s ended by itself", task.get_name(), exc_info=error)
        raise SystemExit(1)


async def _signals(stop: asyncio.Event, kopf_ready: asyncio.Event) -> None:
    """Return when the process is asked to stop.

    kopf takes the signals for itself when it starts, and would take seconds to stop before the
    Leases are given back; so they are taken again after that.
    """
    for _ in range(2):
        for signum in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(signum, stop.set)
        waits = [asyncio.ensure_future(event.wait()) for event in (stop, kopf_ready)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
    await stop.wait()
