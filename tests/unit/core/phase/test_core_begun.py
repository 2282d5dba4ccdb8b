"""A decision on which attempts were started is what deciding again about all tasks would give."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from builders.plays import Play
from builders.records import an_attempt, done
from builders.specs import Body, a_phase, a_task
from spectra_operator.api.phase import PhaseState, TaskState
from spectra_operator.core.phase.begun import begun, never_begun
from spectra_operator.core.phase.decide import PhaseDecision, decide_phase
from spectra_operator.core.snapshot import PhaseSnapshot
from unit.core.core_plays import SEEDS, plot
from unit.core.core_settings import steady


def both(play: Play) -> tuple[PhaseDecision, PhaseDecision]:
    """Carry a decision out; return what follows from its starts, and what is decided anew."""
    snapshot = play.snapshot()
    decision, before = decide_phase(snapshot), set(play.pods)
    play.reconcile()
    made = tuple(attempt for attempt in play.attempts() if attempt.pod not in before)
    return begun(snapshot, decision, made), again(snapshot, decision, play)


def again(snapshot: PhaseSnapshot, decision: PhaseDecision, play: Play) -> PhaseDecision:
    """Return what is decided with the attempts that were started, and nothing else changed."""
    known = {attempt.pod for attempt in snapshot.attempts}
    made = tuple(attempt for attempt in play.attempts() if attempt.pod not in known)
    attempts = (*snapshot.attempts, *made)
    return decide_phase(replace(snapshot, attempts=attempts, known=decision.record))


@steady(80)
@given(SEEDS, SEEDS, st.sampled_from(["Fail", "Continue"]), st.sampled_from([None, 1, 3]))
def test_what_follows_from_starts_is_what_deciding_anew_gives(
    story: int, order: int, policy: str, slots: int | None
) -> None:
    play, random = plot(story, policy, slots).play(slots=slots), Random(order)
    for _ in range(25):
        followed, anew = both(play)
        if anew.attention is None:  # of a phase that has ended nothing more is to be looked at
            followed = replace(followed, attention=None)
        assert followed == anew
        for pod in play.live():
            if random.random() < 0.5:
                play.end(pod, random.randrange)
        if random.random() < 0.5:
            play.write_status()
        play.tick()


def a_play(*tasks: Body) -> Play:
    return Play(a_phase(list(tasks)))


def test_a_started_task_runs_and_is_ready_no_more() -> None:
    followed, anew = both(a_play(a_task("a"), a_task("b", depends_on=["a"])))
    assert followed == anew
    assert followed.record.state is PhaseState.RUNNING
    assert followed.record.tasks["a"].state is TaskState.RUNNING
    assert followed.ready == ()


def test_timeouts_and_deadlines_of_what_was_started_are_waited_for() -> None:
    play = a_play(a_task("a", timeout_seconds=40), a_task("b", active_deadline_seconds=30))
    followed, anew = both(play)
    assert followed == anew
    assert followed.wake_at is not None


def test_of_a_fan_out_what_did_not_start_stays_ready() -> None:
    play = Play(a_phase([a_task("each", count=9)]), slots=4)
    followed, anew = both(play)
    assert followed == anew
    assert [ready.startable for ready in followed.ready] == [5]


def test_without_a_start_the_decision_stands() -> None:
    play = a_play(a_task("a"))
    snapshot = play.snapshot()
    decision = decide_phase(snapshot)
    assert begun(snapshot, decision, ()) == decision


def test_a_first_attempt_that_never_came_to_be_leaves_what_else_is_known() -> None:
    play = a_play(a_task("a"), a_task("b"), a_task("c", depends_on=["a"]))
    snapshot = play.snapshot()
    before = decide_phase(snapshot).record
    known = begun(snapshot, decide_phase(snapshot), [an_attempt("a"), an_attempt("b")]).record

    after = never_begun(play.shape, known, "a", 1)

    assert after is not None
    assert after.tasks["b"] is known.tasks["b"]
    live = replace(snapshot, attempts=(an_attempt("b"),), known=after)
    again = decide_phase(live).record
    assert again.tasks["a"] == before.tasks["a"]
    assert again.tasks["b"] == known.tasks["b"]


def test_a_later_attempt_or_an_item_that_never_came_to_be_is_for_the_proofs_to_tell() -> None:
    play = a_play(a_task("a"), a_task("each", count=2))
    known = decide_phase(play.snapshot()).record
    assert never_begun(play.shape, known, "a", 2) is None
    assert never_begun(play.shape, known, "each", 1) is None
    assert never_begun(play.shape, None, "a", 1) is None


def test_a_task_that_ended_without_its_attempt_stays_as_it_is() -> None:
    play = a_play(a_task("a"), a_task("b"))
    known = decide_phase(replace(play.snapshot(), attempts=(an_attempt("a", done()),))).record
    assert never_begun(play.shape, known, "a", 1) is known
    assert never_begun(play.shape, known, "gone", 1) is known
