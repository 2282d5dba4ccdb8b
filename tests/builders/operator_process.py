"""The operator as a process of its own, on a fake API server."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from builders.fake_api.server import FakeApi

PATIENCE = 40.0


class Running:
    """The process, what it wrote, and its ports."""

    def __init__(self, process: Process, port: int, debug_port: int) -> None:
        self.process = process
        self.url = f"http://127.0.0.1:{port}"
        self.debug_url = f"http://127.0.0.1:{debug_port}"
        self.lines: list[dict[str, Any]] = []
        self._news = asyncio.Event()

    async def read(self) -> None:
        """Read what it writes until it ends."""
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            self.lines.append(json.loads(line))
            self._news.set()

    async def says(self, is_meant: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Wait for a line."""
        async with asyncio.timeout(PATIENCE):
            while not (found := [line for line in self.lines if is_meant(line)]):
                self._news.clear()
                await self._news.wait()
        return found[0]

    async def get(self, path: str) -> tuple[int, str]:
        """Return the status and the body of an answer on the port of metrics."""
        return await self._get(self.url + path)

    async def show(self, path: str) -> str:
        """Return the status page."""
        status, page = await self._get(self.debug_url + path)
        assert status == 200
        return page

    async def _get(self, url: str) -> tuple[int, str]:
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return answer.status, await answer.text()


def a_free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def a_kubeconfig(folder: Path, server: str) -> Path:
    """Write a kubeconfig for a server, with a token that may stand in no log."""
    path = folder / "kubeconfig"
    cluster = {"name": "c", "cluster": {"server": server}}
    user = {"name": "u", "user": {"token": "hunter2-token"}}
    context = {"name": "x", "context": {"cluster": "c", "user": "u"}}
    body = {"clusters": [cluster], "users": [user], "contexts": [context], "current-context": "x"}
    path.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "Config", **body}))
    return path


@asynccontextmanager
async def an_operator(api: FakeApi, folder: Path, **settings: str) -> AsyncIterator[Running]:
    """Run an operator with settings as in `Config` until the end of the block, once it leads."""
    port, debug_port = a_free_port(), a_free_port()
    ports = {"health_port": str(port), "debug_port": str(debug_port)}
    given = {"kubeconfig": str(a_kubeconfig(folder, api.url))} | ports | settings
    env = {f"SPECTRA_OPERATOR_{name.upper()}": text for name, text in given.items()}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "spectra_operator", "run"), env={**os.environ, **env}, stderr=PIPE
    )
    running = Running(process, port, debug_port)
    reading = asyncio.create_task(running.read())
    try:
        await running.says(lambda line: "taken over" in line["msg"])
        yield running
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await reading
