"""The operator's trace goes on in the task, where OpenTelemetry is installed; else nothing does."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace

from spectra_agent import Task, runner
from spectra_agent.pool.claim import Claim, read_claims
from spectra_agent.pool.held import Held
from spectra_agent.pool.loop import Loop
from spectra_agent.pool.perform import perform

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{SPAN}-01"


def current() -> tuple[str, str]:
    """Return trace and span of the current context."""
    context = trace.get_current_span().get_span_context()
    return f"{context.trace_id:032x}", f"{context.span_id:016x}"


@pytest.fixture
def attempt(tmp_path: Path) -> Callable[..., int]:
    def run(handler: Callable[[Task], Any], **env: str) -> int:
        path = str(tmp_path / "result")
        return runner.attempt(lambda: handler, {**env, "SPECTRA_RESULT_PATH": path})

    return run


def a_claim(**fields: Any) -> Claim:
    """Return a claim as the worker API hands it out."""
    (claim,) = read_claims({"claims": [{"id": "a", "epoch": 1, "task": "work"} | fields]})
    return claim


def test_a_task_in_its_own_pod_goes_on_under_the_operators_span(
    attempt: Callable[..., int],
) -> None:
    seen: list[Any] = []

    def handler(task: Task) -> None:
        seen.extend([task.traceparent, current()])

    assert attempt(handler, TRACEPARENT=PARENT) == 0
    assert seen == [PARENT, (TRACE, SPAN)]
    assert current() == ("0" * 32, "0" * 16)


def test_so_does_an_async_one(attempt: Callable[..., int]) -> None:
    seen: list[Any] = []

    async def handler(_: Task) -> None:
        seen.append(current())

    assert attempt(handler, TRACEPARENT=PARENT) == 0
    assert seen == [(TRACE, SPAN)]


def test_a_claim_brings_the_span_to_a_worker_whether_its_handler_is_async_or_not() -> None:
    seen: list[Any] = []
    loop = Loop()

    def plain(task: Task) -> None:
        seen.append((task.traceparent, current()))

    async def later(_: Task) -> None:
        seen.append(current())

    handlers: list[Callable[[Task], Any]] = [plain, later]
    for handler in handlers:
        held = Held(a_claim(traceparent=PARENT))
        assert perform(held, {"work": handler}.__getitem__, lambda: loop, {}).succeeded
    loop.stop()

    assert seen == [(PARENT, (TRACE, SPAN)), (TRACE, SPAN)]
    assert current() == ("0" * 32, "0" * 16)


@pytest.mark.parametrize("parent", ["", "nonsense", "00-0-0-01", "é" * 5000])
def test_what_is_no_traceparent_fails_no_task(attempt: Callable[..., int], parent: str) -> None:
    seen: list[Any] = []
    assert attempt(lambda _: seen.append(current()), TRACEPARENT=parent) == 0
    assert seen == [("0" * 32, "0" * 16)]


def test_without_opentelemetry_the_task_still_knows_its_parent(
    attempt: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("opentelemetry", "opentelemetry.context"):
        monkeypatch.setitem(sys.modules, name, None)
    seen: list[str] = []
    assert attempt(lambda task: seen.append(task.traceparent), TRACEPARENT=PARENT) == 0
    assert seen == [PARENT]


@pytest.mark.parametrize("fields", [{}, {"traceparent": None}])
def test_an_operator_that_traces_nothing_hands_on_nothing(fields: dict[str, Any]) -> None:
    assert a_claim(**fields).traceparent == ""
