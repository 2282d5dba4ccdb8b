"""Gates before the switch: made-up tasks and replays."""

from __future__ import annotations

from typing import Any

import pytest

from spectra_operator.api.rollout import GateTaskSpec, Replay
from spectra_operator.core.rollout.gates import Done, judge_replay, judge_task
from spectra_operator.core.rollout.records import GateResult, GateState, WorkerCounts
from unit.core.rollout.rollout_cases import a_rollout, at, settled

GATED = a_rollout(
    preGate={
        "tasks": [{"task": "sum", "input": {"of": [1, 2]}, "expect": "outputs.total == 3"}],
        "replay": {"last": 5, "conditions": ["outputs == recorded.outputs"]},
    }
)
KEYS = ["2/0-sum", "2/replay"]


def test_the_gates_are_tried_once_a_worker_is_ready() -> None:
    scene = settled(GATED, workers={"v2": WorkerCounts(starting=1)})

    assert scene.want("v2").run_gate == ()
    scene.workers["v2"] = WorkerCounts(ready=1)
    decision = scene.decide()

    assert [gate.key for gate in decision.run_gate] == KEYS
    assert isinstance(decision.run_gate[0].spec, GateTaskSpec)
    assert isinstance(decision.run_gate[1].spec, Replay)
    assert scene.standing() == ("Preview", "Progressing", "v1", "v1")


def test_a_gate_that_is_under_way_is_not_started_again() -> None:
    scene = settled(GATED)
    scene.want("v2")

    assert [gate.key for gate in scene.gate(KEYS[0], "Pending").run_gate] == [KEYS[1]]


def test_the_switch_follows_when_all_gates_have_passed() -> None:
    scene = settled(GATED)
    scene.want("v2")

    assert scene.gate(KEYS[0], "Passed").record.active == "v1"
    assert scene.gate(KEYS[1], "Passed").record.active == "v2"


def test_a_failed_gate_aborts_and_the_message_says_why() -> None:
    scene = settled(GATED)
    scene.want("v2")

    scene.gate(KEYS[0], "Failed", "outputs.total == 3 does not hold")

    assert scene.standing() == ("Aborted", "GateFailed", "v1", "v1")
    assert "gate 0-sum failed: outputs.total == 3 does not hold" in scene.record.message


def test_a_gate_that_could_not_be_tried_is_no_failure_and_is_tried_again() -> None:
    scene = settled(GATED)
    scene.want("v2")

    decision = scene.gate(KEYS[0], "Error", "no worker took it")

    assert scene.standing() == ("Preview", "GateError", "v1", "v1")
    assert [gate.key for gate in decision.run_gate] == [KEYS[1]]
    assert decision.wake_at == at(10)
    assert KEYS[0] in [gate.key for gate in scene.after(10).run_gate]


def test_gates_that_do_not_get_on_are_aborted_at_the_deadline_which_each_pass_moves() -> None:
    scene = settled(GATED)
    scene.want("v2")
    scene.second = 100

    assert scene.gate(KEYS[0], "Passed").wake_at == at(400)
    assert scene.after(300).record.reason == "ProgressDeadlineExceeded"


def test_each_step_of_a_replay_moves_the_deadline_and_is_told() -> None:
    scene = settled(GATED)
    scene.want("v2")
    scene.gate(KEYS[0], "Passed")
    scene.second = 100
    scene.gates[KEYS[1]] = GateResult(GateState.PENDING, at(100), "1 of 5 are done", steps=1)
    scene.decide()

    assert scene.record.deadline == at(400)
    assert scene.record.replay == "1 of 5 are done"
    assert scene.record.message == "gate replay is tried: 1 of 5 are done"
    scene.second = 200
    assert scene.decide().record.deadline == at(400)


def test_what_came_of_a_replay_stays_until_the_next_rollout() -> None:
    scene = settled(GATED)
    scene.want("v2")
    scene.gate(KEYS[0], "Passed")
    decision = scene.gate(KEYS[1], "Passed", "5 were done as well")

    assert (scene.record.stable, scene.record.replay) == ("v2", "5 were done as well")
    assert [t.message for t in decision.told if t.reason == "Switched"] == [
        "revision v2 is active; 5 were done as well"
    ]
    assert scene.want("v3").record.replay == ""


def test_recorded_tasks_are_looked_for_again_when_their_result_says_so() -> None:
    scene = settled(GATED)
    scene.want("v2")
    scene.gates[KEYS[1]] = GateResult(GateState.ERROR, at(0), "none", pause=60)

    assert scene.gate(KEYS[0], "Passed").wake_at == at(60)
    assert scene.after(59).run_gate == ()
    assert [gate.key for gate in scene.after(1).run_gate] == [KEYS[1]]


def test_another_template_tries_the_gates_anew() -> None:
    scene = settled(GATED)
    scene.want("v2")
    for key in KEYS:
        scene.gate(key, "Pending")

    decision = scene.want("v3")

    assert [gate.key for gate in decision.run_gate] == ["3/0-sum", "3/replay"]


def test_results_of_an_earlier_rollout_of_the_same_revision_are_none() -> None:
    scene = settled(GATED)
    scene.want("v2")
    scene.gate(KEYS[0], "Failed")
    scene.want("v1")

    assert scene.want("v2").record.state == "Preview"


def test_what_was_promoted_before_needs_no_gate() -> None:
    scene = settled(GATED)
    scene.want("v2")
    for key in KEYS:
        scene.gate(key, "Passed")
    assert scene.record.stable == "v2"

    decision = scene.want("v1")

    assert decision.record.stable == "v1"
    assert decision.run_gate == ()


def done(**fields: Any) -> Done:
    """Return how a task went: well, in a second, for 0.5, with a total of 3."""
    known: dict[str, Any] = {
        "succeeded": True,
        "outputs": {"total": 3},
        "seconds": 1.0,
        "cost": 0.5,
    }
    return Done(**(known | fields))


# What a made-up task gave, what was expected, and what comes of it.
@pytest.mark.parametrize(
    ("expect", "task", "verdict"),
    [
        (None, done(), "Passed"),
        (None, done(succeeded=False, message="boom"), "Failed"),
        ("outputs.total == 3 && seconds < 2.0", done(), "Passed"),
        ("outputs.total == 4", done(), "Failed"),
        ("outputs.missing == 4", done(), "Failed"),
        ("outputs.total", done(), "Failed"),
        ("cost <= 0.5", done(), "Passed"),
        ("true", done(succeeded=False), "Failed"),
    ],
)
def test_a_made_up_task_passes_when_it_succeeds_as_expected(
    expect: str | None, task: Done, verdict: str
) -> None:
    assert judge_task(GateTaskSpec(task="sum", expect=expect), task).verdict == verdict


@pytest.mark.parametrize(
    ("conditions", "task", "verdict"),
    [
        ([], done(), "Passed"),
        ([], done(succeeded=False), "Failed"),
        (["outputs == recorded.outputs"], done(), "Passed"),
        (["outputs == recorded.outputs"], done(outputs={"total": 4}), "Failed"),
        (["seconds <= 2.0 * recorded.seconds", "cost <= recorded.cost"], done(), "Passed"),
        (["seconds <= 2.0 * recorded.seconds"], done(seconds=2.5), "Failed"),
    ],
)
def test_a_replayed_task_is_compared_with_what_is_recorded(
    conditions: list[str], task: Done, verdict: str
) -> None:
    assert judge_replay(Replay(last=1, conditions=conditions), task, done()).verdict == verdict


@pytest.mark.parametrize(
    ("condition", "verdict"),
    [
        ("seconds < recorded.seconds", "Passed"),
        ("recorded.seconds > 9.0 || cost > 9.0", "Passed"),
        ("recorded == outputs", "Passed"),
        ("seconds < 0.5", "Failed"),
        ("recorded.cost > 9.0", "Failed"),
    ],
)
def test_a_condition_that_reads_a_time_that_is_not_known_is_not_asked(
    condition: str, verdict: str
) -> None:
    replay = Replay(last=1, conditions=[condition])

    assert judge_replay(replay, done(), done(timed=False)).verdict == verdict


@pytest.mark.parametrize(
    ("condition", "verdict"),
    [
        ("seconds <= 0.5", "Error"),
        ("seconds <= 9.0", "Passed"),
        ("cost > 9.0", "Failed"),
    ],
)
def test_a_time_that_may_be_too_long_fails_nobody(condition: str, verdict: str) -> None:
    longer = done(timed=False)
    replay = Replay(last=1, conditions=[condition])

    assert judge_replay(replay, longer, done()).verdict == verdict
    assert judge_task(GateTaskSpec(task="sum", expect=condition), longer).verdict == verdict


def test_a_condition_that_does_not_hold_tells_what_it_read_within_bounds() -> None:
    expect = "outputs.text == '' && seconds < 9.0"

    found = judge_task(GateTaskSpec(task="sum", expect=expect), done(outputs={"text": "a" * 99}))

    assert found.text.startswith(f'{expect} does not hold: outputs.text is "aaa')
    assert found.text.endswith("..., seconds is 1.0")
    assert len(found.text) < 150
