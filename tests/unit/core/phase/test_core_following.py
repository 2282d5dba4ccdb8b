"""What follows from results before they are durable: the whole decision's answer, or nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from builders.pods import at
from builders.records import (
    HALTED,
    NO_LEVELS,
    STOPPED,
    SUSPENDED,
    a_phase_snapshot,
    an_attempt,
    broken,
    done,
)
from builders.specs import AGENT, Body, a_chain, a_choice, a_phase, a_retry, a_task
from spectra_operator.api.action import ActionType
from spectra_operator.core.attempts.evidence import Attempt
from spectra_operator.core.orders import Order
from spectra_operator.core.phase.decide import decide_phase
from spectra_operator.core.phase.following import MOST_UNSEEN, following
from spectra_operator.core.phase.inputs import TaskInputs
from spectra_operator.core.snapshot import Levels, PhaseSnapshot


def a_picture(
    tasks: Iterable[Body],
    *attempts: Attempt,
    levels: Levels = NO_LEVELS,
    now: float = 10,
    **spec: Any,
) -> PhaseSnapshot:
    """Return a phase that was decided about with these attempts."""
    snapshot = a_phase_snapshot(a_phase(tasks, **spec), attempts, levels=levels, now=now)
    record = decide_phase(snapshot).record
    return replace(snapshot, persisted=record, known=record)


def running(*tasks: str) -> list[Attempt]:
    """Return live attempts of tasks."""
    return [an_attempt(task) for task in tasks]


def what_follows(snapshot: PhaseSnapshot, *tasks: str, outputs: Any = None) -> tuple[str, ...]:
    """Return what follows for the agent if these tasks succeed now."""
    ended = [an_attempt(task, done(outputs)) for task in tasks]
    return following(snapshot, ended, AGENT)[1]


def test_what_waited_for_the_result_alone_follows() -> None:
    snapshot = a_picture(a_chain("a", "b", "c"), *running("a"))
    assert what_follows(snapshot, "a") == ("b",)


def test_what_follows_has_the_result_in_its_input() -> None:
    tasks = a_chain("a", "b")
    tasks[1]["input"] = {"n": "${tasks.a.outputs.n}"}
    snapshot = a_picture(tasks, *running("a"))
    record, (task,) = following(snapshot, [an_attempt("a", done({"n": 7}))], AGENT)
    assert TaskInputs(snapshot.shape, record.tasks, task).text() == '{"n":7}'


def test_all_that_follows_is_named_in_the_order_of_the_spec() -> None:
    tasks = [a_task("z", depends_on=["a"]), a_task("a"), a_task("b", depends_on=["a"])]
    assert what_follows(a_picture(tasks, *running("a")), "a") == ("z", "b")


def test_what_waits_for_another_too_does_not_follow() -> None:
    tasks = [a_task("a"), a_task("b"), a_task("c", depends_on=["a", "b"])]
    snapshot = a_picture(tasks, *running("a", "b"))
    assert what_follows(snapshot, "a") == ()
    assert what_follows(snapshot, "a", "b") == ("c",)


def test_what_waits_for_one_that_would_be_skipped_later_does_not_follow() -> None:
    later = a_task("c", depends_on=["b"], when="false")
    tasks = [*a_chain("a", "b"), later, a_task("d", depends_on=["a", "c"])]
    snapshot = a_picture(tasks, *running("a"))
    assert what_follows(snapshot, "a") == ("b",)


def test_what_waits_for_one_that_ended_before_follows() -> None:
    tasks = [a_task("a"), a_task("b"), a_task("c", depends_on=["a", "b"])]
    snapshot = a_picture(tasks, an_attempt("a"), an_attempt("b", done()))
    assert what_follows(snapshot, "a") == ("c",)


def test_nothing_that_has_begun_or_ended_follows_again() -> None:
    snapshot = a_picture(a_chain("a", "b"), *running("a"))
    ahead = replace(snapshot, attempts=(*snapshot.attempts, an_attempt("b", uid="")))
    assert what_follows(ahead, "a") == ()


@pytest.mark.parametrize(
    "task",
    [
        a_task("b", depends_on=["a"], count=2),
        a_task("b", depends_on=["a"], count=1),
        a_task("b", depends_on=["a"], for_each=["x"]),
        a_task("b", depends_on=["a"], when="true"),
        a_task("b", depends_on=["a"], workspace={"mountPath": "/w"}),
        a_choice("b", depends_on=["a"]),
        a_task("b", depends_on=["a"], agent="other"),
    ],
    ids=["fan-out", "of-one", "items", "condition", "workspace", "capability", "agent"],
)
def test_what_is_not_plain_is_left_to_the_pass(task: Body) -> None:
    snapshot = a_picture([a_task("a"), task], *running("a"), workspace={"claimName": "disk"})
    assert not snapshot.shape.problems
    assert what_follows(snapshot, "a") == ()


def test_what_was_tried_before_is_left_to_the_pass() -> None:
    tasks = a_chain("a", "b", retry=a_retry(2))
    snapshot = a_picture(tasks, an_attempt("a"))
    assert snapshot.known is not None
    tried = replace(snapshot.known.tasks["b"], prior=1)
    known = replace(snapshot.known, tasks={**snapshot.known.tasks, "b": tried})
    assert what_follows(replace(snapshot, known=known), "a") == ()


def test_what_goes_its_second_way_is_left_to_the_pass() -> None:
    tasks = [a_task("a"), a_task("b", fallback=[{"agent": AGENT}])]
    failed = an_attempt("b", broken(), ended=2)
    snapshot = a_picture(tasks, an_attempt("a"), failed)
    assert what_follows(snapshot, "a") == ()


@pytest.mark.parametrize("levels", [SUSPENDED, STOPPED, HALTED], ids=["held", "stopped", "halted"])
def test_nothing_follows_where_nothing_new_may_start(levels: Levels) -> None:
    snapshot = a_picture(a_chain("a", "b"), *running("a"))
    assert what_follows(replace(snapshot, levels=levels), "a") == ()


def test_nothing_follows_in_a_phase_that_is_suspended_itself() -> None:
    snapshot = a_picture(a_chain("a", "b"), *running("a"), suspend=True)
    assert what_follows(snapshot, "a") == ()


def test_nothing_follows_after_the_deadline_of_the_phase() -> None:
    snapshot = a_picture(a_chain("a", "b"), *running("a"), active_deadline_seconds=60)
    assert what_follows(snapshot, "a") == ("b",)
    assert what_follows(replace(snapshot, now=at(100)), "a") == ()


@pytest.mark.parametrize(("policy", "follows"), [("Fail", ()), ("Continue", ("b",))])
def test_nothing_follows_in_a_phase_that_is_failing(policy: str, follows: tuple[str, ...]) -> None:
    tasks = [*a_chain("a", "b"), a_task("x", retry=a_retry())]
    attempts = [an_attempt("a"), an_attempt("x", broken(), ended=2)]
    assert what_follows(a_picture(tasks, *attempts, failure_policy=policy), "a") == follows


@pytest.mark.parametrize(("policy", "follows"), [("Fail", ()), ("Continue", ("b",))])
def test_a_failure_that_no_pass_has_seen_yet_counts(policy: str, follows: tuple[str, ...]) -> None:
    tasks = [*a_chain("a", "b"), a_task("x", retry=a_retry())]
    snapshot = a_picture(tasks, *running("a", "x"), failure_policy=policy)
    seen = (an_attempt("a"), an_attempt("x", broken(), ended=2))
    assert what_follows(replace(snapshot, attempts=seen), "a") == follows


def test_a_result_that_no_pass_has_seen_yet_is_in_the_input() -> None:
    tasks = a_chain("x", "a", "b")
    tasks[2]["input"] = {"n": "${tasks.x.outputs.n}"}
    snapshot = a_picture(tasks, *running("x"))
    seen = (an_attempt("x", done({"n": 7}), ended=2), an_attempt("a"))
    snapshot = replace(snapshot, attempts=seen)
    record, (task,) = following(snapshot, [an_attempt("a", done())], AGENT)
    assert TaskInputs(snapshot.shape, record.tasks, task).text() == '{"n":7}'


def test_where_too_many_ends_are_unseen_the_pass_comes_first() -> None:
    many = [f"x{number}" for number in range(MOST_UNSEEN + 1)]
    tasks = [*a_chain("a", "b"), *(a_task(name) for name in many)]
    snapshot = a_picture(tasks, *running("a", *many))
    seen = [an_attempt(name, done(), ended=2) for name in many]
    less = (an_attempt("a"), *running(many[0]), *seen[1:])
    assert what_follows(replace(snapshot, attempts=(an_attempt("a"), *seen)), "a") == ()
    assert what_follows(replace(snapshot, attempts=less), "a") == ("b",)


def test_a_task_whose_own_deadline_passes_now_is_for_the_pass_to_fail() -> None:
    late = a_task("x", active_deadline_seconds=5, retry=a_retry(3, seconds=500))
    tasks = [*a_chain("a", "b"), late]
    attempts = [an_attempt("a", started=0), an_attempt("x", broken(), started=0, ended=2)]
    snapshot = a_picture(tasks, *attempts, now=3)
    assert what_follows(snapshot, "a") == ("b",)
    assert what_follows(replace(snapshot, now=at(20)), "a") == ()


@pytest.mark.parametrize(("policy", "follows"), [("Fail", ()), ("Continue", ("b",))])
def test_a_condition_that_may_fail_the_phase_is_looked_at_first(
    policy: str, follows: tuple[str, ...]
) -> None:
    spoilt = a_task("c", depends_on=["a"], when="tasks.a.outputs.missing.more == 1")
    snapshot = a_picture([*a_chain("a", "b"), spoilt], *running("a"), failure_policy=policy)
    assert what_follows(snapshot, "a") == follows


def test_nothing_follows_while_an_order_is_pending() -> None:
    order = Order("o", "o", ActionType.SKIP, "ann", "why not", at(9), "", "b")
    snapshot = a_picture(a_chain("a", "b", "c"), *running("a"))
    assert what_follows(replace(snapshot, orders=(order,)), "a") == ()


def test_nothing_follows_from_an_order_that_status_does_not_know_of() -> None:
    snapshot = a_picture(a_chain("a", "b"), *running("a"))
    assert snapshot.known is not None
    known = replace(snapshot.known, applied={"o": ""})
    assert what_follows(replace(snapshot, known=known), "a") == ()


def test_nothing_follows_once_half_of_the_room_for_outputs_is_used() -> None:
    tasks = [*a_chain("a", "b"), a_task("x", count=64)]
    large = {"text": "y" * 3000}
    for used, follows in ((20, ("b",)), (45, ())):
        ended = [an_attempt("x", done(large), index=index, ended=2) for index in range(used)]
        assert what_follows(a_picture(tasks, an_attempt("a"), *ended), "a") == follows
        unseen = replace(a_picture(tasks, an_attempt("a")), attempts=(an_attempt("a"), *ended))
        assert what_follows(unseen, "a") == follows


def test_an_end_whose_outputs_break_their_declared_type_brings_nothing() -> None:
    tasks = a_chain("a", "b")
    tasks[0]["outputs"] = {"n": {"type": "integer"}}
    snapshot = a_picture(tasks, *running("a"))
    assert what_follows(snapshot, "a", outputs={"n": 1}) == ("b",)
    assert what_follows(snapshot, "a", outputs={"n": "one"}) == ()


def test_an_attempt_that_is_not_known_brings_nothing() -> None:
    snapshot = a_picture(a_chain("a", "b"), *running("a"))
    assert what_follows(replace(snapshot, attempts=()), "a") == ()


def test_nothing_follows_in_a_phase_that_was_not_decided_about() -> None:
    snapshot = replace(a_picture(a_chain("a", "b"), *running("a")), known=None)
    assert what_follows(snapshot, "a") == ()


def test_nothing_follows_in_a_phase_that_has_ended_or_was_rejected() -> None:
    over = a_picture([a_task("a")], an_attempt("a", done()))
    rejected = a_picture([a_task("a", depends_on=["b"])])
    assert [what_follows(over, "a"), what_follows(rejected, "a")] == [(), ()]
