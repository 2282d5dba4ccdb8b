"""Waits that end: by a clock, or because nobody wants the outcome any more."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from spectra_operator.kube.clock import Clock


async def bounded(clock: Clock, awaited: Coroutine[Any, Any, Any], seconds: float | None) -> bool:
    """Return what the coroutine says; False when the clock comes first, which None never does."""
    if seconds is None:
        return bool(await awaited)
    work = asyncio.ensure_future(awaited)
    timer = asyncio.ensure_future(clock.sleep(seconds))
    try:
        await asyncio.wait({work, timer}, return_when=asyncio.FIRST_COMPLETED)
        return bool(work.result()) if work.done() else False
    finally:
        await cancelled(timer)
        await cancelled(work)


async def cancelled(future: asyncio.Future[Any]) -> None:
    """Cancel a future and wait until it is over; its outcome is of no interest."""
    future.cancel()
    await asyncio.gather(future, return_exceptions=True)
