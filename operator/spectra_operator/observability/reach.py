"""Asks a health check from outside, as a probe does."""

from __future__ import annotations

import httpx

ANSWER_SECONDS = 10.0


async def refusal(url: str) -> str:
    """Return why a health check did not say that all is well; empty when it did."""
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=ANSWER_SECONDS) as caller:
            response = await caller.get(url)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return f"{url}: {type(error).__name__}: {error}"[:300]
    return "" if response.is_success else f"{url}: {response.status_code}: {response.text[:300]}"
