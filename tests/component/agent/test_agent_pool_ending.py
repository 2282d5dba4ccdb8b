"""How a worker ends: drained by the operator, closed in this process, or by real signals."""

from __future__ import annotations

import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest

from component.agent.conftest import Gate, Start
from component.agent.scripted_operator import PATIENCE, Fault, Operator, a_claim
from component.agent.worker_process import Process, ended
from spectra_agent import Task


def test_a_drained_worker_ends_its_tasks_and_stays_idle_with_heartbeats(
    gate: Gate, operator: Operator, start: Start
) -> None:
    operator.give(a_claim("a"))
    start(lambda _task: gate.stop_here())
    gate.wait_reached()
    operator.say(drain=True)
    operator.wait_calls("heartbeat", len(operator.of("heartbeat")) + 2)
    polls = len(operator.of("claims"))
    operator.give(a_claim("b"))
    gate.opened.set()
    operator.wait_results("a")
    operator.wait_calls("heartbeat", len(operator.of("heartbeat")) + 5)
    assert operator.results["a"]["slots"] == 0
    assert len(operator.of("claims")) == polls
    assert "b" not in operator.results


def test_a_worker_that_is_wanted_again_goes_on(operator: Operator, start: Start) -> None:
    operator.say(drain=True)
    start(lambda _task: None)
    operator.wait_calls("heartbeat", 5)
    operator.give(a_claim("a"))
    operator.say(drain=False)
    operator.wait_results("a")


def test_a_closed_worker_ends_its_poll_and_claims_nothing_more(
    operator: Operator, start: Start
) -> None:
    worker = start(lambda _task: None, slots=2)
    operator.wait_calls("claims", 1)
    assert worker.close()
    assert not worker.busy
    assert [call.body["waitSeconds"] for call in operator.of("claims")] == [15, 0]


def test_what_was_given_to_the_poll_that_a_closing_worker_hung_up_is_still_done(
    operator: Operator, start: Start
) -> None:
    operator.hold("claims")
    worker = start(lambda _task: {"kept": True}, grace=PATIENCE)
    operator.wait_calls("claims", 1)
    operator.open["late"] = a_claim("late")
    operator.give(a_claim("new"))
    ending = Ending(worker.close)
    operator.wait_calls("claims", 2)
    operator.let_go("claims")
    assert ending.wait()
    assert list(operator.results) == ["late"]


def test_a_closed_worker_lets_its_tasks_end_within_the_grace(
    gate: Gate, operator: Operator, start: Start
) -> None:
    def opens(task: Task) -> dict[str, Any]:
        gate.stop_here()
        return {"kept": True}

    operator.give(a_claim("a"))
    worker = start(opens, grace=PATIENCE)
    gate.wait_reached()
    ending = Ending(worker.close)
    operator.wait_calls("heartbeat", len(operator.of("heartbeat")) + 2)
    gate.opened.set()
    assert ending.wait()
    assert operator.results["a"]["result"] == {"outputs": {"kept": True}}
    assert operator.results["a"]["slots"] == 0
    assert operator.of("release") == []


class Ending:
    """Closes a worker beside the test."""

    def __init__(self, close: Callable[[], bool]) -> None:
        self._pool = ThreadPoolExecutor(1)
        self._future = self._pool.submit(close)

    def wait(self) -> bool:
        with self._pool:
            return self._future.result(PATIENCE)


def test_what_does_not_end_in_time_is_given_back_after_its_checkpoint(
    gate: Gate, operator: Operator, start: Start
) -> None:
    seen = Event()

    def stuck(task: Task) -> dict[str, Any]:
        task.checkpoint({"row": 9})
        gate.stop_here()
        if task.cancelled:
            seen.set()
        return {"late": True}

    operator.say(heartbeat=60)
    worker = start(stuck)
    operator.wait_calls("heartbeat", 1)
    operator.open = {name: a_claim(name) for name in ("a", "b")}
    operator.give(a_claim("c"))
    gate.wait_reached()
    operator.waiting.clear()
    assert worker.close()
    [last] = [call for call in operator.of("heartbeat") if call.body["claims"]]
    assert {"id": "a", "epoch": 1, "checkpoint": {"row": 9}} in last.body["claims"]
    assert operator.calls.index(last) < operator.calls.index(operator.of("release")[0])
    assert {call.claim for call in operator.of("release")} == {"a", "b"}
    assert operator.of("release")[0].body == {"epoch": 1, "reason": "the worker is ending"}
    gate.opened.set()
    assert seen.wait(PATIENCE)
    assert operator.of("result") == []


def test_a_result_is_repeated_while_the_worker_ends(operator: Operator, start: Start) -> None:
    operator.fault("result", *[Fault(503)] * 5)
    operator.hold("result")
    operator.give(a_claim("a"))
    worker = start(lambda _task: {"kept": True})
    operator.wait_calls("result", 1)
    ending = Ending(worker.close)
    operator.wait_calls("heartbeat", len(operator.of("heartbeat")) + 2)
    operator.let_go("result")
    assert ending.wait()
    assert operator.results["a"]["succeeded"]
    assert [call.body["slots"] for call in operator.of("result")] == [1, 0, 0, 0, 0, 0]
    assert operator.of("release") == []


def test_a_release_is_repeated_until_it_is_answered(
    gate: Gate, operator: Operator, start: Start
) -> None:
    operator.fault("release", *[Fault(503)] * 3, Fault(heard=True))
    operator.give(a_claim("a"))
    worker = start(lambda _task: gate.stop_here())
    gate.wait_reached()
    assert worker.close()
    assert len(operator.of("release")) == 5
    assert operator.open == {}


def test_an_idle_worker_ends_at_once_on_sigterm(process: Process, operator: Operator) -> None:
    operator.give(a_claim("a", "quick", input={"n": 1}))
    worker = process.start()
    operator.wait_results("a")
    operator.wait_calls("claims", 1)
    worker.send_signal(signal.SIGTERM)
    code, said = ended(worker)
    assert code == 0
    assert "ending; running tasks have 20 s" in said
    assert operator.results["a"]["result"] == {"outputs": {"done": {"n": 1}}}


def test_sigterm_lets_a_task_end(process: Process, operator: Operator) -> None:
    operator.give(a_claim("a", "until-told"))
    worker = process.start()
    with (process.folder / "go").open("w") as go:
        worker.send_signal(signal.SIGTERM)
        assert worker.stderr is not None
        while "ending;" not in worker.stderr.readline():
            pass
        go.write("go on")
    assert ended(worker)[0] == 0
    assert operator.results["a"]["result"] == {"outputs": {"told": "go on"}}
    assert operator.of("release") == []


@pytest.mark.parametrize("task", ["stuck", "sleeps"])
def test_sigterm_gives_back_a_task_that_does_not_end(
    process: Process, operator: Operator, task: str
) -> None:
    operator.give(a_claim("a", task))
    worker = process.start(SPECTRA_WORKER_GRACE="0.01")
    operator.wait(
        lambda: any(call.body["claims"] for call in operator.of("heartbeat")), "a beat with it"
    )
    worker.send_signal(signal.SIGTERM)
    code, said = ended(worker)
    assert code == 0
    assert "a did not end in time; it is given back" in said
    assert [call.claim for call in operator.of("release")] == ["a"]
    assert operator.results == {}
    assert ("tidied" in said) == (task == "sleeps")


def test_a_second_sigterm_ends_at_once(process: Process, operator: Operator) -> None:
    operator.give(a_claim("a", "stuck"))
    worker = process.start()
    operator.wait(
        lambda: any(call.body["claims"] for call in operator.of("heartbeat")), "a beat with it"
    )
    worker.send_signal(signal.SIGTERM)
    assert worker.stderr is not None
    while "ending;" not in worker.stderr.readline():
        pass
    worker.send_signal(signal.SIGTERM)
    assert ended(worker)[0] == 143
    assert operator.of("release") == []


def test_a_script_may_serve_its_own_handlers(process: Process, operator: Operator) -> None:
    operator.give(a_claim("a"), a_claim("b"))
    code = "from spectra_agent import task, work\n@task\ndef any(t): return {'own': t.name}\nwork()"
    worker = process.start("-c", code, SPECTRA_WORKER_SLOTS="2")
    operator.wait_results("a", "b")
    assert operator.of("claims")[0].body["slots"] == 2
    worker.send_signal(signal.SIGINT)
    assert ended(worker)[0] == 0
    assert operator.results["a"]["result"] == {"outputs": {"own": "work"}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import not_there", "No module named 'not_there'"),
        ("", "no handler is registered; decorate one with @task"),
    ],
)
def test_a_file_that_cannot_be_served_ends_the_worker_with_a_message(
    process: Process, operator: Operator, text: str, said: str
) -> None:
    process.file.write_text(text)
    worker = process.start()
    assert ended(worker)[0] == 1
    assert said in (process.folder / "result").read_text()
    assert operator.calls == []


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SPECTRA_WORKER_URL", "", "SPECTRA_WORKER_URL is not set"),
        ("SPECTRA_WORKER_URL", "ftp://x", "not of the form http://host:port"),
        ("SPECTRA_WORKER_TOKEN_FILE", "", "SPECTRA_WORKER_TOKEN_FILE is not set"),
        ("SPECTRA_WORKER_SLOTS", "33", "SPECTRA_WORKER_SLOTS must be from 1 to 32, not '33'"),
        ("SPECTRA_WORKER_GRACE", "soon", "SPECTRA_WORKER_GRACE must be seconds"),
    ],
)
def test_a_wrong_environment_is_exit_code_2(
    process: Process, name: str, value: str, said: str
) -> None:
    code, told = ended(process.start(**{name: value}))
    assert code == 2
    assert said in told
