"""The worker of examples/pool-go, compiled and run against an operator that misbehaves."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from component.agent.scripted_operator import (
    DROPPED,
    GARBAGE,
    LOST,
    PATIENCE,
    Fault,
    Operator,
    a_claim,
    operating,
)
from unit.examples.example_runner import EXAMPLES

pytestmark = pytest.mark.timeout(300)  # the first build of all on a machine takes a minute

SOURCE = EXAMPLES / "pool-go" / "worker.go"
TROUBLE = {
    "no answer": DROPPED,
    "a lost answer": LOST,
    "503": Fault(503, b'{"status": 503, "reason": "Unavailable", "message": "later"}'),
    "401": Fault(401, b'{"status": 401, "reason": "Unauthorized", "message": "no"}'),
    "garbage": GARBAGE,
    "an answer cut off": Fault(200, b'{"claims": ['),
    "nowhere to go": Fault(421, b'{"status": 421, "address": null}'),
}

Start = Callable[[Operator], "subprocess.Popen[bytes]"]


def go(*words: str, folder: Path) -> str:
    """Run Go as the image's build does, with this machine's cache."""
    found = shutil.which("go") or "/usr/local/go/bin/go"
    environ = {**os.environ, "CGO_ENABLED": "0", "GOWORK": "off", "GOFLAGS": ""}
    done = subprocess.run(
        [found, *words], cwd=folder, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled worker."""
    folder = tmp_path_factory.mktemp("go")
    shutil.copy(SOURCE, folder)
    go("build", "-trimpath", "-ldflags", "-s -w", "-o", "worker", "worker.go", folder=folder)
    return folder / "worker"


@pytest.fixture
def start(program: Path, tmp_path: Path) -> Iterator[Start]:
    """Start the worker, as its pod does; it is ended after the test."""
    running: list[subprocess.Popen[bytes]] = []
    token = tmp_path / "token"
    token.write_text("secret")

    def begin(operator: Operator) -> subprocess.Popen[bytes]:
        env = {"SPECTRA_WORKER_URL": operator.url, "SPECTRA_WORKER_TOKEN_FILE": str(token)}
        running.append(subprocess.Popen([program], env=env))
        return running[-1]

    yield begin
    for process in running:
        process.kill()
        process.wait()


def words(*names: str) -> list[dict[str, Any]]:
    return [a_claim(name, input={"text": f"grün {name}"}) for name in names]


def texts(operator: Operator) -> dict[str, str]:
    return {name: report["result"]["outputs"]["text"] for name, report in operator.results.items()}


def test_the_source_is_formatted(tmp_path: Path) -> None:
    gofmt = Path(go("env", "GOROOT", folder=tmp_path).strip()) / "bin" / "gofmt"
    done = subprocess.run([gofmt, "-l", SOURCE], capture_output=True, text=True, check=True)
    assert done.stdout == ""


def test_a_report_takes_the_next_claim_so_one_wait_serves_three_tasks(
    operator: Operator, start: Start
) -> None:
    operator.give(*words("a", "b", "c"))
    start(operator)
    operator.wait_results("a", "b", "c")
    operator.wait_calls("claims", 2)
    assert texts(operator) == {"a": "GRÜN A", "b": "GRÜN B", "c": "GRÜN C"}
    kinds = [call.kind for call in operator.calls if call.kind != "heartbeat"]
    assert kinds == ["claims", "result", "result", "result", "claims"]
    instances = {call.headers["Spectra-Instance"] for call in operator.calls}
    assert len(instances) == 1
    assert {call.headers["Authorization"] for call in operator.calls} == {"Bearer secret"}


@pytest.mark.parametrize("kind", ["claims", "heartbeat", "result"])
@pytest.mark.parametrize("trouble", TROUBLE)
def test_a_call_without_an_answer_is_said_again_word_for_word(
    operator: Operator, start: Start, kind: str, trouble: str
) -> None:
    operator.fault(kind, *[TROUBLE[trouble]] * 3)
    operator.give(*words("a"))
    start(operator)
    last = operator.wait_calls(kind, 4)
    operator.wait_results("a")
    assert [call.body for call in operator.of(kind)[:4]] == [last.body] * 4


def test_it_goes_where_it_is_sent(operator: Operator, start: Start) -> None:
    with operating() as holder:
        moved = Fault(421, f'{{"status": 421, "address": "{holder.url}"}}'.encode())
        for kind in ("claims", "heartbeat", "result"):
            operator.fault(kind, *[moved] * 50)
        holder.give(*words("a", "b"))
        start(operator)
        holder.wait_results("a", "b")
        holder.wait_calls("heartbeat", 1)
        assert operator.results == {}


def test_a_claim_that_was_taken_away_is_dropped(operator: Operator, start: Start) -> None:
    operator.hold("result")
    operator.give(*words("a"))
    start(operator)
    operator.wait_calls("result", 1)
    del operator.open["a"]
    operator.let_go("result")
    operator.give(*words("b"))
    operator.wait_results("b")
    assert [call.claim for call in operator.of("result")] == ["a", "b"]
    assert "a" not in operator.results


def test_sigterm_hangs_up_the_wait_at_once(operator: Operator, start: Start) -> None:
    worker = start(operator)
    operator.wait_calls("claims", 1)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(PATIENCE) == 0
    assert len(operator.of("claims")) == 1


def test_what_it_has_at_sigterm_it_ends_and_reports(operator: Operator, start: Start) -> None:
    operator.hold("result")
    operator.give(*words("a", "b"))
    worker = start(operator)
    operator.wait_calls("result", 1)
    worker.send_signal(signal.SIGTERM)
    operator.let_go("result")
    assert worker.wait(PATIENCE) == 0
    assert set(operator.results) == {"a", "b"}


@pytest.mark.parametrize("given", [{}, {"text": 7}, {"text": "<&>ü" * 5000}])
def test_whatever_the_input_the_result_is_small_enough(
    operator: Operator, start: Start, given: dict[str, Any]
) -> None:
    operator.give(a_claim("a", input=given))
    start(operator)
    operator.wait_results("a")
    assert len(str(operator.results["a"]["result"]).encode()) < 4000
