"""The operator as a process of its own: what it says of itself to probes, people and logs."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from builders.fake_api.server import FakeApi
from builders.specs import NAMESPACE, a_workflow, an_agent
from spectra_operator.engine.keys import OURS, RESOURCES

PATIENCE = 40.0
SYSTEM = "spectra-system"


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
        return await self._get(self.url + path)

    async def show(self, path: str) -> str:
        status, page = await self._get(self.debug_url + path)
        assert status == 200
        return page

    async def _get(self, url: str) -> tuple[int, str]:
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return answer.status, await answer.text()


def a_free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def a_kubeconfig(folder: Path, server: str) -> Path:
    path = folder / "kubeconfig"
    cluster = {"name": "c", "cluster": {"server": server}}
    user = {"name": "u", "user": {"token": "hunter2-token"}}
    context = {"name": "x", "context": {"cluster": "c", "user": "u"}}
    body = {"clusters": [cluster], "users": [user], "contexts": [context], "current-context": "x"}
    path.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "Config", **body}))
    return path


@asynccontextmanager
async def an_operator(api: FakeApi, folder: Path, **settings: str) -> AsyncIterator[Running]:
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


@pytest.fixture
async def api() -> AsyncIterator[FakeApi]:
    async with FakeApi() as api:
        api.register(*OURS)
        for namespace in (NAMESPACE, SYSTEM):
            await api.create_namespace(namespace)
        yield api


async def test_a_process_is_watched_asked_made_to_talk_and_ended(
    api: FakeApi, tmp_path: Path
) -> None:
    level = tmp_path / "level"
    level.write_text("info")
    collector = f"http://127.0.0.1:{a_free_port()}"
    settings = {"log_level_file": str(level), "otlp_endpoint": collector}
    async with an_operator(api, tmp_path, **settings) as operator:
        for body in (an_agent(), a_workflow()):
            await api.create(RESOURCES[body["kind"]], body)
        started = await operator.says(lambda line: line["msg"].endswith(": Started"))

        assert (started["namespace"], started["workflow"]) == (NAMESPACE, "flow")
        assert len(started["trace"]) == 32
        assert await operator.get("/healthz") == (200, "ok")
        assert await operator.get("/readyz") == (200, "ok")
        page = json.loads(await operator.show("/debug.json"))
        assert page["shards"]["rows"][0]["startsWork"]
        assert {"spans", "queues", "watches", "caches", "pools"} <= page.keys()
        assert "<h2>watches</h2>" in await operator.show("/debug")
        assert (await operator.get("/debug"))[0] == 404

        level.write_text("debug")
        await operator.says(lambda line: line["msg"] == "the log level is debug")
        operator.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE):
            assert await operator.process.wait() == 0

    assert "hunter2" not in json.dumps(operator.lines)
    assert [line for line in operator.lines if line["level"] == "error"] == []
