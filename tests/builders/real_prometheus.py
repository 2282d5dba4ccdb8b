"""A real Prometheus on a port of this machine, and what it answers."""

from __future__ import annotations

import asyncio
import math
import socket
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml

from builders.programs import a_program


@asynccontextmanager
async def a_real_prometheus(folder: Path, settings: dict[str, Any]) -> AsyncIterator[str]:
    """Run one that keeps its data in a folder, until the context ends; yields its address."""
    program, listen = a_program("prometheus"), f"127.0.0.1:{_free_port()}"
    file = folder / "prometheus.yml"
    file.write_text(yaml.safe_dump(settings))
    options = (f"--config.file={file}", f"--storage.tsdb.path={folder / 'data'}")
    server = await asyncio.create_subprocess_exec(
        program, *options, f"--web.listen-address={listen}", stderr=PIPE
    )
    assert server.stderr is not None
    async for line in server.stderr:
        if b"Server is ready" in line:
            break
    reading = asyncio.create_task(server.stderr.read())  # a full pipe would stop it
    try:
        yield f"http://{listen}"
    finally:
        server.kill()
        await server.wait()
        await reading


async def numbers(client: httpx.AsyncClient, address: str, query: str) -> list[float]:
    """Return the numbers that a query gives now; what is not a number is left out."""
    answer = await client.post(f"{address}/api/v1/query", data={"query": query})
    body = answer.json()
    assert body["status"] == "success", f"{query}: {body}"
    found = (float(series["value"][1]) for series in body["data"]["result"])
    return [value for value in found if not math.isnan(value)]


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
