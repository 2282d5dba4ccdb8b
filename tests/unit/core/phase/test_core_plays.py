"""Whole phases played with failures, losses and crashes in any order of events.

The play itself raises when an attempt number comes twice or out of order, when two attempts of an
item are live at once, when one follows a success, when a task starts before its predecessors are
done, when a live pod is released, and when the phase does not end.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from builders.plays import Play, end_state
from builders.records import HALTED, STOPPED
from spectra_operator.api.phase import PhaseState, TaskState
from spectra_operator.core.phase.records import PhaseRecord
from unit.core.core_plays import SEEDS, plot
from unit.core.core_settings import steady

POLICIES = st.sampled_from(["Fail", "Continue"])
SLOTS = st.sampled_from([None, 1, 2])


def attempts_made(play: Play) -> dict[tuple[str, int], int]:
    """Return how many attempts each item had."""
    made: dict[tuple[str, int], int] = {}
    for task, index, _ in play.created:
        made[task, index] = made.get((task, index), 0) + 1
    return made


@steady(80)
@given(SEEDS, SEEDS, POLICIES, SLOTS)
def test_every_run_ends_with_every_task_ended_and_every_pod_released(
    story: int, order: int, policy: str, slots: int | None
) -> None:
    play = plot(story, policy).play(slots=slots)
    record = play.run(Random(order).randrange)
    assert record.ended
    assert all(task.ended for task in record.tasks.values())
    assert play.released == set(play.pods)


@steady(80)
@given(SEEDS, SEEDS, POLICIES)
def test_no_item_has_more_attempts_than_its_budgets_allow(
    story: int, order: int, policy: str
) -> None:
    play = plot(story, policy).play()
    record = play.run(Random(order).randrange)
    for (task, index), made in attempts_made(play).items():
        retry = play.shape.tasks[task].retry
        assert retry is not None
        assert made <= 1 + retry.limit + retry.loss_limit
        ends = play.fates.get((task, index), ())[:made]
        assert ends.count("fail") <= retry.limit + 1
        assert ends.count("lose") <= retry.loss_limit + 1
    assert record.tally().total == sum(task.total for task in record.tasks.values())


@steady(80)
@given(SEEDS, SEEDS, SLOTS)
def test_under_continue_the_end_depends_on_neither_order_nor_crashes(
    story: int, order: int, slots: int | None
) -> None:
    calm = plot(story).play().run_in_order()
    stormy = plot(story).play(slots=slots).run(Random(order).randrange)
    assert end_state(stormy) == end_state(calm)


@steady(60)
@given(SEEDS, SEEDS)
def test_under_fail_only_the_order_decides_what_still_started_but_never_whether_it_failed(
    story: int, order: int
) -> None:
    calm = plot(story, "Continue").play().run_in_order()
    stormy = plot(story, "Fail").play().run(Random(order).randrange)
    assert stormy.state is calm.state


@steady(60)
@given(SEEDS, SEEDS)
def test_under_fail_nothing_new_starts_after_a_task_has_failed_for_good(
    story: int, order: int
) -> None:
    play, random = plot(story, "Fail").play(slots=2), Random(order)
    for _ in range(40):
        tasks = play.decide().record.tasks
        gone = any(t.failed and not play.shape.tasks[n].allow_failure for n, t in tasks.items())
        made = len(play.created)
        play.reconcile()
        assert not gone or len(play.created) == made
        if play.live():
            play.end(random.choice(play.live()), random.randrange)
        play.write_status()
        play.tick()


@steady(60)
@given(SEEDS, SEEDS, st.integers(1, 3))
def test_parallelism_is_never_exceeded(story: int, order: int, limit: int) -> None:
    play = plot(story, parallelism=limit).play()
    random = Random(order)
    for _ in range(60):
        play.reconcile()
        assert len(play.live()) <= limit
        if play.live() and random.random() < 0.7:
            play.end(random.choice(play.live()), random.randrange)
        play.write_status()
        play.tick()


@steady(60)
@given(SEEDS, SEEDS)
def test_after_a_decision_was_carried_out_nothing_is_left_to_do(story: int, order: int) -> None:
    play, random = plot(story).play(), Random(order)
    for _ in range(25):
        play.reconcile()
        again = play.decide()
        assert (again.ready, again.stop, again.release, again.missing) == ((), (), (), ())
        before = dict(play.pods)
        play.reconcile()
        assert play.pods == before
        if play.live():
            play.end(random.choice(play.live()), random.randrange)
        play.write_status()
        play.tick(5)


@steady(60)
@given(SEEDS, SEEDS)
def test_a_crash_right_after_a_write_loses_nothing(story: int, order: int) -> None:
    play, random = plot(story).play(), Random(order)
    for _ in range(20):
        play.reconcile()
        play.write_status()
        before = play.decide()
        play.crash()
        after = play.decide()
        assert end_state(after.record) == end_state(before.record)
        assert (after.ready, after.release) == (before.ready, before.release)
        assert after.wake_at == before.wake_at
        if play.live():
            play.end(random.choice(play.live()), random.randrange)
        play.tick()


def halt_midway(play: Play, order: int, moves: int) -> PhaseRecord:
    """Play so many moves, impose a halt or stop from outside, and play to the end."""
    random = Random(order)
    for _ in range(moves):
        play.reconcile()
        if play.live():
            play.end(random.choice(play.live()), random.randrange)
        play.write_status()
        play.tick()
    play.levels = HALTED if random.random() < 0.5 else STOPPED
    return play.run(random.randrange)


@steady(60)
@given(SEEDS, SEEDS, st.integers(0, 6))
def test_a_phase_that_is_halted_or_stopped_midway_ends_and_starts_nothing_more(
    story: int, order: int, moves: int
) -> None:
    play = plot(story).play()
    record = halt_midway(play, order, moves)
    assert all(task.ended for task in record.tasks.values())
    assert play.released == set(play.pods)
    undone = [
        t for t in record.tasks.values() if t.state in (TaskState.SKIPPED, TaskState.CANCELLED)
    ]
    assert not undone or record.state is not PhaseState.SUCCEEDED


@steady(60)
@given(SEEDS, SEEDS)
def test_a_suspended_phase_starts_nothing_and_goes_on_as_if_nothing_was(
    story: int, order: int
) -> None:
    calm = plot(story).play().run_in_order()
    play, random = plot(story).play(), Random(order)
    play.reconcile()
    for suspend in (True, False, True, False):
        play.levels = replace(play.levels, hold="Suspended" if suspend else "")
        made = len(play.created)
        for pod in play.live():
            play.end(pod, random.randrange)
        play.reconcile()
        assert not suspend or len(play.created) == made
        play.write_status()
        play.tick(5)
    assert end_state(play.run(random.randrange)) == end_state(calm)
