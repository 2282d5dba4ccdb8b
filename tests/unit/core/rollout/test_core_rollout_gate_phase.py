"""The Phase object of a gate: what it is called, what is in it, and what its end says."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from builders.clock import START
from spectra_operator.api.phase import PhaseSpec, PhaseState
from spectra_operator.api.rollout import GateTaskSpec, Replay
from spectra_operator.core.phase.records import PhaseRecord
from spectra_operator.core.phase.status import parse_phase
from spectra_operator.core.rollout.gate_phase import (
    MAX_LOST,
    GateTry,
    Moment,
    gate_body,
    gate_result,
    next_try,
)
from spectra_operator.core.rollout.records import GateResult, GateState, GateTask
from spectra_operator.core.spec.validate import phase_problems

NOW = Moment(START)


def a_gate(key: str = "3/0-codecs", **fields: Any) -> GateTask:
    return GateTask(key, GateTaskSpec.model_validate({"task": "codecs"} | fields))


def a_try(gate: GateTask | None = None, **fields: Any) -> GateTry:
    return GateTry(
        **({"agent": "a", "agent_uid": "u", "revision": "v2"} | fields), gate=gate or a_gate()
    )


def a_record(state: str, task: dict[str, Any] | None = None, **fields: Any) -> PhaseRecord:
    """Return how the phase of a gate stands in status."""
    times = {"startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:00:03Z"}
    known = {"state": state, "agent": "a", "attempt": 1} | times | (task or {})
    ended = {"finishedAt": "2026-01-01T00:00:04Z"} if state not in ("Ready", "Running") else {}
    return parse_phase({"state": state, "tasks": {"codecs": known}} | ended | fields)


def test_the_same_try_has_the_same_name_and_another_one_another() -> None:
    tries = [
        a_try(),
        a_try(number=2),
        a_try(revision="v3"),
        a_try(agent_uid="other"),
        a_try(a_gate("4/0-codecs")),
        a_try(a_gate(expect="seconds < 1.0")),
        a_try(a_gate(input={"n": 1})),
    ]

    assert a_try().name == tries[0].name
    assert len({each.name for each in tries}) == len(tries)
    assert tries[0].what == tries[1].what


@pytest.mark.parametrize("agent", ["a", "a" * 63, "a" * 39 + "-b"])
def test_a_name_fits_and_begins_with_that_of_its_agent(agent: str) -> None:
    name = a_try(agent=agent).name

    assert len(name) <= 63
    assert name.startswith(agent[:39])
    assert "--" not in name


def test_the_phase_has_one_task_that_is_done_once_by_the_revision() -> None:
    body = gate_body(a_try(a_gate(input={"n": [1, {"x": None}]})), "team", "0")

    spec = PhaseSpec.model_validate(body["spec"])
    assert list(phase_problems(spec)) == []
    assert spec.gate is not None
    assert (spec.gate.agent, spec.gate.revision, str(spec.role)) == ("a", "v2", "Gate")
    (task,) = body["spec"]["tasks"]
    assert task["input"] == {"n": [1, {"x": None}]}
    assert task["retry"] == {"limit": 0, "lossLimit": 0}
    assert body["spec"]["ttlSecondsAfterFinished"] > 0
    (owner,) = body["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["uid"]) == ("Agent", "a", "u")


def test_a_replay_is_no_task() -> None:
    with pytest.raises(TypeError):
        gate_body(a_try(GateTask("3/replay", Replay(last=1))), "team", "0")


@pytest.mark.parametrize("state", ["Ready", "Running"])
def test_a_gate_is_pending_until_its_phase_has_ended(state: str) -> None:
    assert gate_result(a_try(), a_record(state), NOW).state is GateState.PENDING


@pytest.mark.parametrize(
    ("expect", "state", "says"),
    [
        (None, GateState.PASSED, ""),
        ("outputs.ratio > 2.0 && seconds == 3.0 && cost < 0.3", GateState.PASSED, ""),
        ("outputs.ratio > 3.0", GateState.FAILED, "outputs.ratio > 3.0 does not hold"),
        ("outputs.missing > 3.0", GateState.FAILED, "outputs.missing > 3.0"),
    ],
)
def test_what_succeeded_is_measured_by_what_is_expected(
    expect: str | None, state: GateState, says: str
) -> None:
    done = {"outputs": '{"ratio":2.5}', "usage": {"cost": "0.25"}}
    record = a_record("Succeeded", done)

    result = gate_result(a_try(a_gate(expect=expect)), record, NOW)

    assert result.state is state
    assert says in result.message


@pytest.mark.parametrize(
    ("since", "state"),
    [(-60, GateState.FAILED), (2, GateState.ERROR), (3.5, GateState.ERROR), (9, GateState.FAILED)],
)
def test_a_task_during_which_the_operator_changed_is_measured_again_if_it_was_too_slow(
    since: float, state: GateState
) -> None:
    moment = Moment(START, START + timedelta(seconds=since))

    result = gate_result(a_try(a_gate(expect="seconds < 1.0")), a_record("Succeeded"), moment)

    assert result.state is state
    assert "seconds < 1.0" in result.message


def test_a_failure_of_the_task_fails_the_gate_and_says_why() -> None:
    task = {"failures": 1, "reason": "Error", "message": "exit code 1"}

    result = gate_result(a_try(), a_record("Failed", task), NOW)

    assert (result.state, result.message) == (
        GateState.FAILED,
        "the task failed: Error: exit code 1",
    )


@pytest.mark.parametrize(
    ("state", "task", "says"),
    [
        ("Failed", {"losses": 1, "message": "the last by WorkerRestarted"}, "WorkerRestarted"),
        ("Cancelled", {}, "Cancelled"),
        ("Rejected", {}, "Rejected"),
    ],
)
def test_what_was_lost_or_stopped_says_nothing_of_the_revision(
    state: str, task: dict[str, Any], says: str
) -> None:
    known = a_record("Failed" if state == "Rejected" else state, task)
    record = replace(known, state=PhaseState(state))

    result = gate_result(a_try(), record, NOW)

    assert result.state is GateState.ERROR
    assert says in result.message
    assert (result.at - START).total_seconds() == 4


LOST = {"losses": 1, "reason": "LossLimitExceeded", "message": "the last by PodDeleted"}


def test_a_gate_fails_when_the_last_of_its_few_tries_is_lost_too() -> None:
    attempt, states = a_try(), []
    for _ in range(MAX_LOST):
        result = gate_result(attempt, a_record("Failed", LOST), NOW)
        states.append(result.state)
        attempt = next_try(attempt, result)

    assert states == [GateState.ERROR] * (MAX_LOST - 1) + [GateState.FAILED]
    assert result.message.startswith("4 tries were lost: the last by PodDeleted")


def test_only_tries_that_began_and_were_lost_are_counted() -> None:
    stopped = gate_result(a_try(), a_record("Cancelled"), NOW)
    refused = GateResult(GateState.ERROR, START, "quota")

    later = next_try(next_try(a_try(lost=2), stopped), refused)

    assert (later.number, later.lost) == (3, 2)


def test_a_try_after_lost_ones_may_pass() -> None:
    result = gate_result(a_try(lost=MAX_LOST - 1), a_record("Succeeded"), NOW)

    assert result.state is GateState.PASSED


def test_a_phase_without_a_task_is_an_error() -> None:
    record = parse_phase({"state": "Rejected", "reason": "Invalid", "message": "no"})

    assert gate_result(a_try(), record, NOW).state is GateState.ERROR
