"""A real OpenTelemetry Collector takes the spans of a run; `make component` builds one."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from builders.engine import a_world
from builders.kubelet import fails
from builders.specs import a_chain, a_retry, a_step, a_workflow, an_agent
from cluster.binaries import Builder
from cluster.console import Console
from cluster.paths import cache_root
from spectra_operator.core.tracing import ids
from spectra_operator.engine.keys import WORKFLOWS
from spectra_operator.kube.clock import SystemClock
from spectra_operator.observability.tracing import OtlpSender, TraceExporter

PATIENCE = 20.0
RESOURCE = {"service.name": "spectra-operator", "service.instance.id": "one"}


@dataclass
class Collector:
    """A collector that writes what it receives to a file."""

    url: str
    file: Path
    process: asyncio.subprocess.Process

    async def received(self) -> list[dict[str, Any]]:
        """End it, which makes it write everything out, and return the spans that it took."""
        self.process.terminate()
        async with asyncio.timeout(PATIENCE):
            await self.process.wait()
        lines = self.file.read_text().splitlines()
        return [span for line in lines for span in spans_of(json.loads(line))]


def spans_of(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for resource in message["resourceSpans"]:
        about = attributes(resource["resource"])
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                yield span | {"resource": about}


def attributes(of: dict[str, Any]) -> dict[str, Any]:
    return {each["key"]: next(iter(each["value"].values())) for each in of["attributes"]}


def a_free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture
async def collector(tmp_path: Path) -> AsyncIterator[Collector]:
    program = Builder(cache_root(os.environ), Console()).path("otelcol")
    if not program.exists():
        pytest.skip("needs the program otelcol: python -m cluster build otelcol")
    address, file = f"127.0.0.1:{a_free_port()}", tmp_path / "spans.json"
    settings = {
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": address}}}},
        "exporters": {"file": {"path": str(file), "format": "json"}},
        "service": {
            "telemetry": {"metrics": {"level": "none"}},
            "pipelines": {"traces": {"receivers": ["otlp"], "exporters": ["file"]}},
        },
    }
    process = await asyncio.create_subprocess_exec(
        program, f"--config=yaml:{json.dumps(settings)}", stderr=PIPE
    )
    assert process.stderr is not None
    async with asyncio.timeout(PATIENCE):
        async for line in process.stderr:
            if b"Everything is ready" in line:
                break
    reading = asyncio.create_task(process.stderr.read())  # a full pipe would stop it
    yield Collector(f"http://{address}", file, process)
    if process.returncode is None:
        process.kill()
        await process.wait()
    await reading


async def test_a_collector_takes_a_run_as_one_tree_with_the_ids_that_tasks_were_handed(
    collector: Collector,
) -> None:
    clock = SystemClock()
    exporter = TraceExporter(OtlpSender(collector.url, RESOURCE), clock.monotonic, clock.sleep)
    async with a_world() as world:
        await world.start(spans=exporter)
        world.kubelet.plan("b", fails(3))
        tasks = a_chain("a", "b")
        tasks[1]["retry"] = a_retry(limit=1)
        await world.apply(an_agent(), a_workflow([a_step("build", tasks)]))
        await world.finished()
        uid = (await world.api.get(WORKFLOWS, "flow", "team"))["metadata"]["uid"]
    await exporter.close()

    spans = await collector.received()

    assert (exporter.sent, exporter.lost) == (9, 0)
    names = sorted(span["name"] for span in spans)
    assert names == [
        *("attempt 1", "attempt 1", "attempt 2", "phase build", "queue", "queue"),
        *("task a", "task b", "workflow"),
    ]
    assert {span["traceId"] for span in spans} == {ids.trace_id(uid)}
    known = {span["spanId"] for span in spans}
    (root,) = (span for span in spans if not span.get("parentSpanId"))
    assert root["name"] == "workflow"
    assert root["spanId"] == ids.workflow_span(uid, 1)
    assert all(span["parentSpanId"] in known for span in spans if span is not root)
    assert all(int(span["endTimeUnixNano"]) >= int(span["startTimeUnixNano"]) for span in spans)
    failed = [span["status"] for span in spans if span["status"].get("code") == 2]
    assert failed == [{"message": "Error", "code": 2}]
    assert {span["resource"]["service.name"] for span in spans} == {"spectra-operator"}
    task = next(span for span in spans if span["name"] == "task a")
    assert attributes(task)["spectra.workflow"] == "flow"


async def test_a_collector_that_is_away_costs_its_spans_and_nothing_else() -> None:
    clock = SystemClock()
    sender = OtlpSender(f"http://127.0.0.1:{a_free_port()}", RESOURCE)
    exporter = TraceExporter(sender, clock.monotonic, clock.sleep)
    async with a_world() as world:
        await world.start(spans=exporter)
        await world.apply(an_agent(), a_workflow())
        assert (await world.finished())["state"] == "Succeeded"
    waiting = len(exporter)

    await exporter.close()

    assert waiting > 0
    assert (exporter.sent, exporter.lost) == (0, waiting)
