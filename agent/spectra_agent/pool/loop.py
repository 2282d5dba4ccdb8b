"""One event loop in a thread of its own, for all async handlers."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from threading import Lock, Thread
from typing import Any

from spectra_agent.errors import AgentError
from spectra_agent.pool.held import Held

WIND_UP_SECONDS = 0.5
"""How long cancelled handlers may take for their own clean-up when the worker ends."""


class Loop:
    """Runs coroutines for the slots; its thread starts with the first one."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: Thread | None = None

    def run(self, coroutine: Coroutine[Any, Any, Any], held: Held) -> Any:
        """Wait in this thread for what the coroutine returns or raises.

        It is cancelled with its claim.
        """
        loop = self._running()
        try:
            return asyncio.run_coroutine_threadsafe(_guard(coroutine, held, loop), loop).result()
        finally:
            held.when_cancelled(None)

    def stop(self) -> None:
        """Cancel what runs on, and end the thread; a handler that blocks it is left behind."""
        if self._loop is None or self._thread is None:
            return
        asyncio.run_coroutine_threadsafe(_wind_up(self._loop), self._loop)
        self._thread.join(2 * WIND_UP_SECONDS)
        if not self._thread.is_alive():
            self._loop.close()

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = Thread(
                    target=self._loop.run_forever, name="spectra-loop", daemon=True
                )
                self._thread.start()
            return self._loop


async def _guard(
    coroutine: Coroutine[Any, Any, Any], held: Held, loop: asyncio.AbstractEventLoop
) -> Any:
    """Await it, so that the claim can cancel it, and so that `sys.exit` ends only the task."""
    task = asyncio.current_task()

    def cancel() -> None:
        if task is not None and not loop.is_closed():
            loop.call_soon_threadsafe(task.cancel)

    held.when_cancelled(cancel)
    try:
        return await coroutine
    except (SystemExit, KeyboardInterrupt) as error:
        raise AgentError(f"the handler ended with {type(error).__name__}: {error}") from error


async def _wind_up(loop: asyncio.AbstractEventLoop) -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    if others:
        await asyncio.wait(others, timeout=WIND_UP_SECONDS)
    loop.call_soon(loop.stop)
