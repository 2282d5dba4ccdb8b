"""Other ways to do a task, tried when the one before has failed for good."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from builders.pods import at
from builders.records import a_fan_out, an_attempt, broken, done, lost, policies_of
from builders.specs import Body, a_phase, a_task
from spectra_operator.api.agent import TaskDefaults
from spectra_operator.api.phase import TaskState
from spectra_operator.core.attempts.evidence import Attempt
from spectra_operator.core.phase.inputs import TaskInputs
from spectra_operator.core.phase.records import Item, PhaseRecord, TaskRecord
from spectra_operator.core.phase.status import parse_task, render_task
from spectra_operator.core.spec.compile import compile_phase
from unit.core.phase_cases import after, decided, ready, state_of, states

NOW = {"backoff": {"initialSeconds": 0}}
WAYS: list[Body] = [{"agent": "second"}, {"agent": "third", "retry": {"limit": 1, **NOW}}]


def tasks(**fields: Any) -> list[Body]:
    """Return one task with two fallbacks."""
    return [a_task(**{"fallback": WAYS} | fields)]


def failures(*numbers: int, index: int = 0) -> list[Attempt]:
    """Return attempts of an item that failed."""
    return [an_attempt(number=n, outcome=broken(), index=index) for n in numbers]


def test_after_the_last_attempt_of_one_way_the_next_is_tried_at_once() -> None:
    record = after(tasks(), failures(1))
    decision = decided(tasks(), failures(1), persisted=record)
    assert ready(decision) == {"work/1": 1}
    assert [r.agent for r in decision.ready] == ["second"]


def test_a_fallback_starts_only_when_the_failure_before_stands_in_status() -> None:
    assert ready(decided(tasks(), failures(1))) == {}


def test_each_way_has_retries_of_its_own_and_numbers_go_on() -> None:
    spec = tasks(retry={"limit": 1, **NOW})
    ways = []
    record = PhaseRecord()
    for tried in range(5):
        record = after(spec, failures(*range(1, tried + 1)), persisted=record)
        decision = decided(spec, failures(*range(1, tried + 1)), persisted=record)
        ways += [r.agent for r in decision.ready]
    assert ways == ["worker", "worker", "second", "third", "third"]
    assert state_of(decided(spec, failures(1, 2, 3, 4, 5)).record.tasks["work"]) == "Failed Error"


def test_losses_have_a_budget_of_their_own_on_each_way() -> None:
    spec = tasks(retry={"lossLimit": 1, **NOW})
    gone = [an_attempt(number=n, outcome=lost()) for n in (1, 2)]
    decision = decided(spec, gone, persisted=after(spec, gone))
    assert ready(decision) == {"work/1": 1}
    task = decision.record.tasks["work"]
    assert (task.prior, task.failures, task.losses, task.way) == (2, 0, 0, 1)
    third = [*gone, an_attempt(number=3, outcome=lost())]
    assert states(decided(spec, third, persisted=after(spec, third)))["work"] == "Backoff Evicted"


def test_a_way_that_succeeds_ends_the_task() -> None:
    attempts = [*failures(1), an_attempt(number=2, outcome=done({"n": 1}), agent="second")]
    task = decided(tasks(), attempts).record.tasks["work"]
    assert state_of(task) == "Succeeded"
    assert (task.outputs, task.agent, task.way, task.attempt) == ({0: '{"n":1}'}, "second", 1, 2)


def test_the_task_has_failed_when_the_last_way_has() -> None:
    decision = decided(tasks(), failures(1, 2, 3, 4))
    assert states(decision)["work"] == "Failed Error"
    assert str(decision.record.state) == "Failed"


def test_what_no_retry_would_mend_another_way_may() -> None:
    final = [an_attempt(outcome=broken("ResultTruncated", final=True))]
    assert states(decided(tasks(), final))["work"] == "Backoff ResultTruncated"


def test_a_rule_that_gives_a_way_up_leads_to_the_next() -> None:
    spec = tasks(retry={"limit": 5, "rules": [{"when": "true", "action": "Fail"}]})
    assert ready(decided(spec, failures(1), persisted=after(spec, failures(1)))) == {"work/1": 1}


def test_outputs_are_checked_on_every_way() -> None:
    spec = tasks(outputs={"n": {"type": "integer"}})
    attempts = [an_attempt(number=n, outcome=done({"n": "no"})) for n in (1, 2)]
    task = decided(spec, attempts).record.tasks["work"]
    assert (state_of(task), task.way) == ("Backoff OutputInvalid", 2)


def test_each_item_goes_its_own_way() -> None:
    spec = tasks(count=3)
    attempts = [*failures(1), *failures(1, 2, index=1), an_attempt(index=2, outcome=done())]
    decision = decided(spec, attempts, persisted=after(spec, attempts))
    assert ready(decision) == {"work/1": 1, "work/2": 1}
    opened = decision.record.tasks["work"].open
    assert {i: (item.way, item.prior) for i, item in opened.items()} == {0: (1, 1), 1: (2, 2)}


def test_items_on_other_ways_count_against_the_parallelism_of_the_task() -> None:
    spec = tasks(count=4, parallelism=2)
    attempts = [*failures(1), an_attempt(index=1)]
    decision = decided(spec, attempts, persisted=after(spec, attempts))
    assert sum(ready(decision).values()) == 1


def test_under_the_policy_fail_a_fallback_is_no_failure_yet() -> None:
    spec = [*tasks(), a_task("other")]
    decision = decided(spec, failures(1), persisted=after(spec, failures(1)), failure_policy="Fail")
    assert ready(decision) == {"work/1": 1, "other": 1}


def test_past_its_deadline_a_task_tries_no_other_way() -> None:
    spec = tasks(active_deadline_seconds=30)
    late = [an_attempt(outcome=broken(), started=0, ended=31)]
    assert states(decided(spec, late, now=31))["work"] == "Failed DeadlineExceeded"


@pytest.mark.parametrize(
    ("own", "given"),
    [(None, '{"x":2}'), ({"y": 1}, '{"y":1}'), ({}, "{}"), ({"z": "${index}"}, '{"z":2}')],
)
def test_a_way_has_its_own_input_or_that_of_the_task(own: Body | None, given: str) -> None:
    way = {"agent": "second"} | ({} if own is None else {"input": own})
    shape = compile_phase(a_phase([a_task(count=3, input={"x": "${index}"}, fallback=[way])]))
    assert TaskInputs(shape, {"work": TaskRecord()}, "work", way=1).text(2) == given


def test_a_way_has_its_own_timeout_and_the_defaults_of_its_agent() -> None:
    ways = [{"agent": "second", "timeoutSeconds": 9}, {"agent": "third"}]
    shape = compile_phase(a_phase([a_task(timeout_seconds=5, fallback=ways)]))
    defaults = {"third": TaskDefaults.model_validate({"retry": {"limit": 7}, "timeoutSeconds": 2})}
    policy = policies_of(shape, defaults)["work"]
    assert [policy.of_way(way).timeout for way in range(3)] == [5, 9, 5]
    assert [policy.of_way(way).retry.limit for way in range(3)] == [0, 0, 7]


def test_an_attempt_on_another_way_is_stopped_by_that_way_s_timeout() -> None:
    spec = tasks(fallback=[{"agent": "second", "timeoutSeconds": 5}])
    attempts = [*failures(1), an_attempt(number=2, started=10)]
    assert decided(spec, attempts, now=15).stop == ()
    assert [a.number for a in decided(spec, attempts, now=17).stop] == [2]


@pytest.mark.parametrize("tried", range(5))
def test_at_every_step_status_keeps_what_a_successor_needs(tried: int) -> None:
    spec = tasks()
    attempts = failures(*range(1, tried + 1))
    record = decided(spec, attempts).record.tasks["work"]
    read = parse_task(render_task(record))
    # The reason of a task without items stands once, on the task.
    opened = {i: replace(item, reason="") for i, item in record.open.items()}
    assert replace(read, finished_at=None) == replace(record, finished_at=None, open=opened)
    assert read.recorded(0) == (None if record.ended else tried)


@pytest.mark.parametrize("running", [0, 1, 2, 3])
def test_a_running_attempt_of_any_way_survives_a_restart(running: int) -> None:
    attempts = [*failures(*range(1, running + 1)), an_attempt(number=running + 1)]
    record = decided(tasks(), attempts).record.tasks["work"]
    assert state_of(record).startswith("Running")
    assert parse_task(render_task(record)).open == record.open


def test_items_on_their_ways_survive_a_restart() -> None:
    open_items = {
        0: Item(TaskState.BACKOFF, 1, prior=1, way=1, reason="Error"),
        1: Item(TaskState.RUNNING, 3, failures=1, prior=1, way=1),
        2: Item(TaskState.RUNNING, 1),
        3: Item(TaskState.BACKOFF, 2, failures=2, way=0, not_before=at(9), reason="Error"),
    }
    record = a_fan_out(5, open=open_items, attempt=3, failures=4, state=TaskState.RUNNING)
    assert parse_task(render_task(record)) == record
