"""An operator of the test's own, and workers that talk to it."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from component.agent.scripted_operator import PATIENCE, Operator, operating
from component.agent.worker_process import Process
from spectra_agent import Task
from spectra_agent.pool.settings import Backoff, Settings
from spectra_agent.pool.worker import Worker

if TYPE_CHECKING:
    from spectra_agent.registry import Handler

QUICK = Backoff(first=0.001, most=0.01, jitter=lambda: 1.0)

Start = Callable[..., Worker]

KINDS = ["claims", "heartbeat", "result"]
"""The calls that every worker makes."""


class Counter:
    """A handler that counts how often each task ran."""

    def __init__(self) -> None:
        self.ran: list[str] = []

    def __call__(self, task: Task) -> dict[str, Any]:
        self.ran.append(task.key)
        return {"n": len(self.ran)}


@pytest.fixture
def operator() -> Iterator[Operator]:
    with operating() as found:
        yield found


@pytest.fixture
def token(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text("token-1\n")
    return path


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What workers of this process say, also between the phases of a test."""
    found = io.StringIO()
    monkeypatch.setattr("spectra_agent.pool.settings.sys", SimpleNamespace(stderr=found))
    return found


@pytest.fixture
def start(operator: Operator, token: Path, log: io.StringIO) -> Iterator[Start]:
    """Start a worker with one handler for every task; it is ended after the test."""
    workers: list[Worker] = []

    def begin(handler: Handler, *, slots: int = 1, url: str = "", grace: float = 0) -> Worker:
        settings = Settings(
            url or operator.url, str(token), slots, grace, hand_back=PATIENCE, backoff=QUICK
        )
        worker = Worker(settings, lambda _name: handler, lambda: pytest.fail("a thread broke"))
        workers.append(worker)
        worker.start()
        return worker

    yield begin
    for worker in workers:
        worker.stop()


class Gate:
    """Where handlers wait until the test lets them go on."""

    def __init__(self) -> None:
        self.reached = Event()
        self.opened = Event()

    def stop_here(self) -> None:
        self.reached.set()
        assert self.opened.wait(PATIENCE)

    def wait_reached(self) -> None:
        assert self.reached.wait(PATIENCE)


@pytest.fixture
def gate() -> Iterator[Gate]:
    found = Gate()
    yield found
    found.opened.set()


@pytest.fixture
def process(tmp_path: Path, operator: Operator) -> Iterator[Process]:
    found = Process(tmp_path, operator)
    yield found
    found.end()
