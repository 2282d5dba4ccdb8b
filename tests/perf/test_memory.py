"""What the operator's memory is made of: idle, for what runs, for what has ended.

The operator is a process of its own; API server and nodes are played, so nothing else is needed
and no part of the figures is theirs. Part of `make test-all`; the figures stand in
docs/operations.md.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from builders import pods
from builders.fake_api.server import FakeApi
from builders.fake_api.store import StoreEvent
from builders.operator_process import Running, an_operator
from builders.specs import NAMESPACE, a_step, a_task, a_workflow, an_agent
from spectra_operator.api import constants as c
from spectra_operator.engine.keys import OURS, RESOURCES, WORKFLOWS
from spectra_operator.kube.resources import PODS, Body

pytestmark = pytest.mark.timeout(900)

KIB, MIB = 1024, 1024 * 1024
SECONDS = 300.0
FIRST, MORE = 1000, 2000
"""The first fill heap and caches of a fresh process; what grows, those that follow tell."""
_RESIDENT = re.compile(r"^VmRSS:\s+(\d+) kB$", re.MULTILINE)


class Nodes:
    """Plays the pods: each runs at once, and succeeds at once unless all are `held`."""

    def __init__(self, api: FakeApi) -> None:
        self.held = False
        self.running = 0
        self._api = api
        self._steps: set[asyncio.Task[None]] = set()
        api._store.listen(self._hear)

    def _hear(self, event: StoreEvent) -> None:
        if event.resource == PODS and event.previous is None:
            step = asyncio.get_running_loop().create_task(self._play(event.body))
            self._steps.add(step)
            step.add_done_callback(self._steps.discard)

    async def _play(self, pod: Body) -> None:
        running = pods.running(pod, _seconds())
        await self._show(running)
        if self.held:
            self.running += 1
        else:
            await self._show(pods.succeeded(running, when=_seconds()))

    async def _show(self, pod: Body) -> None:
        meta = pod["metadata"]
        await self._api.patch_status(PODS, meta["name"], pod["status"], meta["namespace"])


def _seconds() -> float:
    return (datetime.now(UTC) - pods.at(0)).total_seconds()


def resident(operator: Running) -> int:
    """Return the bytes of memory that the process holds."""
    text = Path(f"/proc/{operator.process.pid}/status").read_text()
    return int(_RESIDENT.findall(text)[0]) * KIB


@pytest.fixture
async def api() -> AsyncIterator[FakeApi]:
    async with FakeApi() as api:
        api.register(*OURS)
        for namespace in (NAMESPACE, "spectra-system"):
            await api.create_namespace(namespace)
        await api.create(RESOURCES["Agent"], an_agent(concurrency=5000), NAMESPACE)
        yield api


async def apply(api: FakeApi, prefix: str, workflows: int, tasks: int) -> list[str]:
    """Create workflows of so many tasks each; return their names."""
    names = [f"{prefix}-{number}" for number in range(workflows)]
    for name in names:
        steps = [a_step("build", [a_task(f"t{number}") for number in range(tasks)])]
        await api.create(WORKFLOWS, a_workflow(steps, name=name, uid=name), NAMESPACE)
    return names


async def finished(api: FakeApi, names: list[str]) -> None:
    """Wait for the end of workflows."""
    left = set(names)

    def none_left() -> bool:
        for name in list(left):
            body = api._store.get(WORKFLOWS, (NAMESPACE, name)) or {}
            if c.LABEL_FINISHED not in (body.get("metadata", {}).get("labels") or {}):
                return False
            left.discard(name)
        return True

    await api.wait_until(none_left, seconds=SECONDS)


async def test_memory_follows_the_tasks_that_run(api: FakeApi, tmp_path: Path) -> None:
    nodes = Nodes(api)
    nodes.held = True
    async with an_operator(api, tmp_path) as operator:
        idle = resident(operator)
        await apply(api, "some", FIRST // 100, 100)
        await api.wait_until(lambda: nodes.running == FIRST, seconds=SECONDS)
        some = resident(operator)
        await apply(api, "more", MORE // 100, 100)
        await api.wait_until(lambda: nodes.running == FIRST + MORE, seconds=SECONDS)
        more = resident(operator)
    each = (more - some) / MORE
    say(idle=idle, running_1000=some, running_3000=more, each_more=each)
    assert idle < 160 * MIB
    assert each < 9 * KIB


async def test_memory_does_not_follow_the_workflows_that_have_ended(
    api: FakeApi, tmp_path: Path
) -> None:
    Nodes(api)
    async with an_operator(api, tmp_path) as operator:
        idle = resident(operator)
        await finished(api, await apply(api, "first", FIRST, 1))
        first = resident(operator)
        await finished(api, await apply(api, "next", FIRST, 1))
        second = resident(operator)
    each = (second - first) / FIRST
    say(idle=idle, ended_1000=first, ended_2000=second, each_more=each)
    assert first < 240 * MIB
    assert each < 6 * KIB


def say(**resident: float) -> None:
    """Print memory in MiB, or in KiB where that is too coarse."""
    words = (
        f"{name} {size / MIB:.1f} MiB" if size > MIB else f"{name} {size / KIB:.2f} KiB"
        for name, size in resident.items()
    )
    print(f"\nresident: {', '.join(words)}")  # noqa: T201
