"""Asks Prometheus servers: one bounded request, which follows nothing and sends no credentials."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

import httpx

ANSWER_SECONDS = 5.0
MOST_BYTES = 64 * 1024
"""One number is far smaller. What is larger is not kept in memory."""


class NoAnswerError(Exception):
    """There is no whole answer; the text says why, for people."""


class PrometheusClient:
    """Asks instant queries.

    Neither proxies nor credentials are taken from the environment, and redirects are not followed:
    whoever is asked was chosen by the address alone.
    """

    def __init__(self, seconds: float = ANSWER_SECONDS) -> None:
        """`seconds` is what a whole answer may take."""
        self._seconds = seconds
        self._client = httpx.AsyncClient(
            follow_redirects=False,
            trust_env=False,
            timeout=httpx.Timeout(seconds),
            limits=httpx.Limits(max_connections=16, max_keepalive_connections=4),
            headers={"Accept": "application/json", "Accept-Encoding": "identity"},
        )

    async def ask(self, address: str, query: str) -> tuple[int, bytes]:
        """Return the HTTP status and the body of the answer to an instant query.

        Raises:
            NoAnswerError: nobody answers, not in time, or more than anybody wants to read.
        """
        try:
            async with asyncio.timeout(self._seconds):
                return await self._ask(f"{address.rstrip('/')}/api/v1/query", query)
        except (TimeoutError, httpx.TimeoutException):
            raise NoAnswerError(f"no answer within {self._seconds:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise NoAnswerError(f"{type(error).__name__}: {error}"[:300]) from error

    async def _ask(self, url: str, query: str) -> tuple[int, bytes]:
        body = bytearray()
        parameters = {"query": query, "timeout": f"{self._seconds:g}s"}
        async with self._client.stream("GET", url, params=parameters) as response:
            if response.headers.get("Content-Encoding", "identity") != "identity":
                raise NoAnswerError("the answer is compressed, though that was not asked for")
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > MOST_BYTES:
                    text = f"the answer is larger than {MOST_BYTES // 1024} KiB"
                    raise NoAnswerError(f"{text}; aggregate to one value")
            return response.status_code, bytes(body)

    async def close(self) -> None:
        """Close its connections."""
        await self._client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()
