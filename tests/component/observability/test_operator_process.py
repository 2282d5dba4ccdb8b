"""The operator as a process of its own: what it says of itself to probes, people and logs."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from builders.fake_api.server import FakeApi
from builders.operator_process import PATIENCE, a_free_port, an_operator
from builders.specs import NAMESPACE, a_workflow, an_agent
from spectra_operator.engine.keys import OURS, RESOURCES

SYSTEM = "spectra-system"


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
