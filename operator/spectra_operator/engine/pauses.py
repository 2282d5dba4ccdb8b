"""Waits for something, but not for longer than a time of the operator's clock."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from ..kube.clock import Clock


async def either(clock: Clock, seconds: float | None, awaited: Coroutine[Any, Any, Any]) -> None:
    """Return when the coroutine is done or the seconds have passed; None for no bound."""
    waits = [asyncio.ensure_future(awaited)]
    if seconds is not None:
        waits.append(asyncio.ensure_future(clock.sleep(seconds)))
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
