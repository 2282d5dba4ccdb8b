"""Rollouts in a simulated pool with random ends, losses, kills, templates and orders."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from spectra_operator.api.rollout import Rollout, RolloutState, RolloutVerb
from unit.core.core_settings import steady
from unit.core.rollout.rollout_cases import REVISIONS, a_rollout, an_order, at
from unit.core.rollout.rollout_plays import Play

seeds = st.integers(0, 2**32)
chances = st.sampled_from([0, 5, 30])


@st.composite
def rollouts(draw: st.DrawFn, largest: int = 60) -> Rollout:
    """Draw a rollout that lets one of ten attempts fail and judges by ten of them or more."""
    most = draw(st.integers(10, largest))
    analysis: dict[str, Any] = {
        "minTasks": draw(st.integers(10, most)),
        "conditions": ["failureRatio <= 0.1"],
    }
    return a_rollout(maxUnproven=most, analysis=analysis)


@given(spec=rollouts(), seed=seeds, losses=chances, crashes=chances)
@steady(40)
def test_a_revision_of_which_three_in_ten_fail_is_rolled_back_and_every_task_is_done(
    spec: Rollout, seed: int, losses: int, crashes: int
) -> None:
    play = Play(spec, seed, {"v2": 3}, losses=losses, crashes=crashes)
    play.arrive(20)
    play.want("v2")
    play.arrive(150)

    assert play.record.state is RolloutState.ROLLED_BACK
    assert play.record.reason == "AnalysisFailed"
    assert (play.record.stable, play.record.active) == ("v1", "v1")
    assert play.done == 170


@given(spec=rollouts(), seed=seeds, losses=chances, crashes=chances)
@steady(40)
def test_a_good_revision_is_promoted_and_every_task_is_done(
    spec: Rollout, seed: int, losses: int, crashes: int
) -> None:
    play = Play(spec, seed, losses=losses, crashes=crashes)
    play.arrive(20)
    play.want("v2")
    play.arrive(150)

    assert (play.record.state, play.record.stable) == (RolloutState.PROMOTED, "v2")
    assert play.done == 170


@given(spec=rollouts(), seed=seeds, crashes=chances)
@steady(60)
def test_a_bad_revision_never_holds_more_claims_than_it_may(
    spec: Rollout, seed: int, crashes: int
) -> None:
    play = Play(spec, seed, {"v2": 3}, crashes=crashes)
    play.want("v2")
    play.arrive(150)

    assert play.held["v2"] <= spec.max_unproven


@given(spec=rollouts(), seed=seeds, crashes=chances)
@steady(30)
def test_losses_are_the_only_claims_beyond_what_a_bad_revision_may_hold(
    spec: Rollout, seed: int, crashes: int
) -> None:
    play = Play(spec, seed, {"v2": 10}, losses=30, crashes=crashes)
    play.want("v2")
    play.arrive(60)

    assert play.record.state is RolloutState.ROLLED_BACK
    assert play.held["v2"] - play.lost["v2"] <= spec.max_unproven


@given(seed=seeds, crashes=chances)
@steady(20)
def test_a_revision_that_never_gets_ready_is_aborted_and_holds_nothing(
    seed: int, crashes: int
) -> None:
    play = Play(a_rollout(), seed, crashes=crashes, unready=frozenset({"v2"}))
    play.want("v2")
    play.arrive(30)
    play.wait(300)

    assert (play.record.state, play.record.active) == (RolloutState.ABORTED, "v1")
    assert play.held["v2"] == 0
    assert play.done == 30


moves = st.lists(
    st.one_of(
        st.tuples(st.just("tasks"), st.integers(1, 40)),
        st.tuples(st.just("template"), st.sampled_from(REVISIONS)),
        st.tuples(st.just("order"), st.sampled_from(RolloutVerb)),
        st.tuples(st.just("time"), st.sampled_from([1, 100, 700])),
    ),
    max_size=14,
)
failing = st.fixed_dictionaries({}, optional=dict.fromkeys(REVISIONS, st.sampled_from([0, 1, 5])))


def played(
    spec: Rollout, seed: int, script: list[tuple[str, Any]], crashes: int, ways: dict[str, Any]
) -> Play:
    """Return a play after a script. That both revisions are there is asserted at every step."""
    play = Play(spec, seed, crashes=crashes, **ways)
    for number, (move, value) in enumerate(script):
        if move == "tasks":
            play.arrive(value)
        elif move == "template":
            play.want(value)
        elif move == "order":
            play.order(an_order(value, f"o{number}", at=at(play.second)))
        else:
            play.wait(value)
    return play


@given(
    spec=rollouts(),
    seed=seeds,
    script=moves,
    failing=failing,
    unready=st.sets(st.sampled_from(REVISIONS[1:]), max_size=2),
    pause=st.booleans(),
)
@steady(150)
def test_the_end_is_the_same_with_and_without_crashes(
    spec: Rollout,
    seed: int,
    script: list[tuple[str, Any]],
    failing: dict[str, int],
    unready: set[str],
    pause: bool,
) -> None:
    spec = spec.model_copy(update={"pause": pause})
    ways = {"failing": failing, "unready": frozenset(unready)}

    undisturbed = played(spec, seed, script, 0, ways)
    killed = played(spec, seed, script, 40, ways)

    assert killed.end() == undisturbed.end()
    assert killed.held == undisturbed.held


@given(spec=rollouts(), seed=seeds, script=moves, failing=failing, crashes=chances)
@steady(100)
def test_no_unproven_revision_has_more_attempts_than_it_may_in_one_rollout(
    spec: Rollout, seed: int, script: list[tuple[str, Any]], failing: dict[str, int], crashes: int
) -> None:
    play = Play(spec, seed, failing, crashes=crashes)
    for move, value in script:
        if move == "template":
            play.want(value)
        before, number = play.held.copy(), play.record.number
        under_way = play.record.preview
        play.arrive(value if move == "tasks" else 10)
        outcome = [each.outcome for each in play.record.history if each.revision == under_way]
        if under_way and play.record.number == number and outcome[-1:] != ["Promoted"]:
            assert play.held[under_way] - before[under_way] <= spec.max_unproven


@given(spec=rollouts(20), seed=seeds, script=moves, failing=failing)
@steady(40)
def test_a_new_good_template_is_promoted_in_the_end_whatever_came_before(
    spec: Rollout, seed: int, script: list[tuple[str, Any]], failing: dict[str, int]
) -> None:
    play = played(spec, seed, script, 10, {"failing": {**failing, "v4": 0}})
    play.want("v3")
    play.want("v4")
    if play.record.rejected == "v4":
        play.order(an_order("Retry", "again", at=at(play.second)))
    play.arrive(80)

    assert play.record.stable == "v4"
