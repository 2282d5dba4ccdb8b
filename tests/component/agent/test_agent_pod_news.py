"""What a task says in mode Pod: from its process to the operator, whatever the operator does."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import spectra_agent
from component.agent.scripted_operator import DROPPED, PATIENCE, Fault, Operator
from spectra_agent import CheckpointError, Task, attached, runner
from spectra_agent.pool.settings import Backoff
from unit.examples.example_runner import EXAMPLES, documents

CLAIM = "flow-work-rows-1"
ROOT = str(Path(spectra_agent.__file__).parent.parent)
REFUSED = Fault(400, b'{"status": 400, "reason": "TooLarge", "message": "claims.0"}')
ENDED = Fault(403, b'{"status": 403, "reason": "AttemptEnded", "message": "it has ended"}')

Attempt = Callable[..., tuple[int, Any]]


@pytest.fixture
def env(operator: Operator, token: Path, tmp_path: Path) -> dict[str, str]:
    """What a pod of an agent with checkpoints is told."""
    return {
        "SPECTRA_CLAIM": CLAIM,
        "SPECTRA_WORKER_URL": operator.url,
        "SPECTRA_WORKER_TOKEN_FILE": str(token),
        "SPECTRA_RESULT_PATH": str(tmp_path / "result"),
    }


@pytest.fixture
def attempt(env: dict[str, str], log: io.StringIO) -> Iterator[Attempt]:
    """Run a handler as a pod does; its exit code and result document."""

    def run(handler: Callable[[Task], object], **more: str) -> tuple[int, Any]:
        given: Any = handler
        code = runner.attempt(lambda: given, env | more)
        return code, json.loads(Path(env["SPECTRA_RESULT_PATH"]).read_bytes())

    yield run
    for each in attached.current:
        if each._pulse is not None:
            each._pulse.stop()
    attached.current.clear()


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing wait long for an operator that never answers."""
    monkeypatch.setattr(attached, "LAST_SECONDS", 0.3)
    monkeypatch.setattr(
        "spectra_agent.pool.pulse.Backoff", lambda: Backoff(0.001, 0.01, lambda: 1.0)
    )


def beats(operator: Operator) -> list[dict[str, Any]]:
    """What heartbeats said, in order."""
    return [claim for call in operator.of("heartbeat") for claim in call.body["claims"]]


def checkpoints(operator: Operator) -> list[Any]:
    """The checkpoints that were said, in order."""
    return [beat["checkpoint"] for beat in beats(operator) if "checkpoint" in beat]


def test_progress_and_a_checkpoint_reach_the_operator_while_the_task_runs(
    operator: Operator, attempt: Attempt
) -> None:
    def rows(task: Task) -> None:
        task.progress(percent=40)
        task.progress(message="row 8")
        task.checkpoint({"row": 8})
        operator.wait(lambda: checkpoints(operator), "a checkpoint")

    assert attempt(rows) == (0, {})
    told = next(beat for beat in beats(operator) if "checkpoint" in beat)
    assert (told["id"], told["epoch"], told["checkpoint"]) == (CLAIM, 1, {"row": 8})
    operator.wait(lambda: beats(operator)[-1].get("progress"), "progress")
    assert beats(operator)[-1]["progress"] == {"percent": 40, "message": "row 8"}
    assert operator.of("heartbeat")[0].headers["Authorization"] == "Bearer token-1"


def test_the_checkpoint_of_a_failure_is_sent_before_the_process_ends(
    operator: Operator, attempt: Attempt
) -> None:
    operator.say(heartbeat=60)

    def fails(task: Task) -> None:
        task.progress(percent=1)
        operator.wait_calls("heartbeat", 1)
        task.checkpoint({"row": 15})
        raise ValueError("row 16 is torn")

    assert attempt(fails) == (1, {"message": "ValueError: row 16 is torn"})
    assert checkpoints(operator) == [{"row": 15}]


def test_a_handler_that_exits_by_itself_leaves_its_checkpoint_too(
    operator: Operator, attempt: Attempt
) -> None:
    def leaves(task: Task) -> None:
        task.checkpoint([15])
        sys.exit(3)

    with pytest.raises(SystemExit):
        attempt(leaves)
    assert checkpoints(operator) == [[15]]


def test_a_task_finds_what_the_attempt_before_it_left(attempt: Attempt) -> None:
    def shows(task: Task) -> dict[str, Any]:
        return {"before": task.checkpoint_before}

    assert attempt(shows, SPECTRA_CHECKPOINT='{"row": "ü"}')[1] == {
        "outputs": {"before": {"row": "ü"}}
    }
    assert attempt(shows)[1] == {"outputs": {"before": None}}
    assert attempt(shows, SPECTRA_CHECKPOINT="{")[1] == {"outputs": {"before": None}}


def test_without_a_claim_a_checkpoint_is_still_received_and_nothing_is_sent(
    operator: Operator, attempt: Attempt
) -> None:
    def says(task: Task) -> dict[str, Any]:
        task.progress(percent=1)
        task.checkpoint([2])
        return {"before": task.checkpoint_before, "cancelled": task.cancelled}

    found = attempt(says, SPECTRA_CLAIM="", SPECTRA_CHECKPOINT="[1]")
    assert found == (0, {"outputs": {"before": [1], "cancelled": False}})
    assert operator.calls == []


def test_a_task_that_says_nothing_makes_no_call(operator: Operator, attempt: Attempt) -> None:
    assert attempt(lambda task: {"before": task.checkpoint_before})[0] == 0
    assert operator.calls == []


def test_a_task_hears_that_it_is_cancelled(operator: Operator, attempt: Attempt) -> None:
    operator.say(cancel=[CLAIM])

    def waits(task: Task) -> dict[str, Any]:
        told = threading.Event()
        for _ in range(int(PATIENCE * 100)):
            if task.cancelled:
                return {"cancelled": True}
            told.wait(0.01)
        return {"cancelled": False}

    assert attempt(waits) == (0, {"outputs": {"cancelled": True}})


@pytest.mark.parametrize("fault", [DROPPED, REFUSED, ENDED, Fault(503), Fault(200, b"<html>")])
def test_a_call_that_fails_does_not_fail_the_task(
    operator: Operator, attempt: Attempt, fault: Fault
) -> None:
    operator.fault("heartbeat", *[fault] * 3)

    def works(task: Task) -> dict[str, Any]:
        task.checkpoint([1])
        operator.wait_calls("heartbeat", 4)
        return {"done": True}

    assert attempt(works) == (0, {"outputs": {"done": True}})


@pytest.mark.parametrize(
    "where",
    [
        {"SPECTRA_WORKER_URL": "http://127.0.0.1:1"},
        {"SPECTRA_WORKER_URL": ""},
        {"SPECTRA_WORKER_URL": "ftp://nowhere"},
        {"SPECTRA_WORKER_TOKEN_FILE": "/not/there"},
    ],
    ids=["nobody listens", "no address", "no such scheme", "no token"],
)
def test_an_operator_that_is_away_fails_no_task_and_holds_up_no_failure(
    attempt: Attempt, where: dict[str, str]
) -> None:
    def works(task: Task) -> dict[str, Any]:
        task.progress(percent=50)
        task.checkpoint([1])
        return {"done": not task.cancelled}

    def fails(task: Task) -> None:
        works(task)
        raise ValueError("as planned")

    assert attempt(works, **where) == (0, {"outputs": {"done": True}})
    assert attempt(fails, **where) == (1, {"message": "ValueError: as planned"})


def test_a_checkpoint_that_cannot_be_one_fails_the_task_as_in_a_pool(attempt: Attempt) -> None:
    def large(task: Task) -> None:
        task.checkpoint("x" * 5000)

    code, document = attempt(large)
    assert (code, document["message"].partition(":")[0]) == (1, CheckpointError.__name__)


def test_a_call_that_failed_is_followed_by_the_same_checkpoint_again(
    operator: Operator, attempt: Attempt
) -> None:
    operator.fault("heartbeat", DROPPED, DROPPED)

    def works(task: Task) -> None:
        task.checkpoint([1])
        operator.wait(lambda: len(checkpoints(operator)) >= 3, "the checkpoint, again")

    attempt(works)
    assert checkpoints(operator)[:3] == [[1], [1], [1]]


WAITS = """
import pathlib, threading
from spectra_agent import run

def waits(task):
    task.checkpoint({"row": 9})
    print("ready", flush=True)
    threading.Event().wait()

run(waits)
"""


def test_a_pod_that_is_deleted_sends_its_last_checkpoint(
    operator: Operator, env: dict[str, str]
) -> None:
    operator.fault("heartbeat", Fault(503, headers={"Retry-After": "60"}))
    given = {**env, "PATH": os.environ["PATH"], "PYTHONPATH": ROOT}
    with subprocess.Popen(
        [sys.executable, "-c", WAITS], env=given, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        operator.wait_calls("heartbeat", 1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == runner.EXIT_SIGTERM
    assert checkpoints(operator)[-1] == {"row": 9}
    assert len(operator.of("heartbeat")) >= 2
    assert "ended by SIGTERM" in Path(env["SPECTRA_RESULT_PATH"]).read_text()


def test_the_program_of_the_example_goes_on_after_the_step_at_which_it_broke(
    operator: Operator, env: dict[str, str]
) -> None:
    agent, workflow = documents(EXAMPLES / "checkpoints.yaml")
    assert agent["spec"]["checkpoints"] is True
    [task] = workflow["spec"]["phases"][0]["tasks"]
    given = {**env, "PATH": os.environ["PATH"], "PYTHONPATH": ROOT, "SPECTRA_TASK": "steps"}
    given["SPECTRA_INPUT"] = json.dumps(task["input"] | {"seconds": 0})
    [_, flag, code] = agent["spec"]["template"]["command"]

    command = [sys.executable, flag, code]
    first = subprocess.run(command, env=given, capture_output=True, check=False)
    left = checkpoints(operator)[-1]
    given |= {"SPECTRA_ATTEMPT": "2", "SPECTRA_CHECKPOINT": json.dumps(left)}
    second = subprocess.run(command, env=given, capture_output=True, check=False)

    assert (first.returncode, left, second.returncode) == (1, {"done": 15}, 0)
    document = json.loads(Path(env["SPECTRA_RESULT_PATH"]).read_bytes())
    assert document["outputs"] == {"from": 16, "to": 20, "attempt": 2}
