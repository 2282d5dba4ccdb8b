"""Random phases that use the language, with orders, suspensions and crashes, obey the rules.

The rules have their numbers in docs/states.md. A play checks those about starts at every start.
"""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import language_plays
from builders.language_plays import broken_rules, is_benign, language_plot
from builders.plays import end_state
from spectra_operator.api.phase import TaskState
from unit.core.core_settings import steady

SEEDS = st.integers(0, 10**9)
POLICIES = st.sampled_from(["Fail", "Continue"])
STATES = (Path(__file__).parents[4] / "docs" / "states.md").read_text()


@steady(150)
@given(SEEDS, SEEDS, POLICIES)
def test_a_phase_that_nobody_touches_obeys_the_rules(story: int, order: int, policy: str) -> None:
    play = language_plot(story, policy)
    record = play.run_with_trouble(Random(order).randrange)
    assert broken_rules(play, record) == []


@steady(200)
@given(SEEDS, SEEDS, POLICIES)
def test_a_phase_that_people_meddle_with_obeys_the_rules(
    story: int, order: int, policy: str
) -> None:
    play = language_plot(story, policy)
    record = play.run_with_trouble(Random(order).randrange, orders=4)
    assert broken_rules(play, record) == []


@steady(100)
@given(SEEDS, SEEDS)
def test_t4_no_way_takes_more_attempts_than_its_budgets_allow(story: int, order: int) -> None:
    play = language_plot(story)
    play.run_with_trouble(Random(order).randrange)
    for name, task in play.shape.tasks.items():
        ways = [task.retry, *(fallback.retry for fallback in task.fallback)]
        most = sum(1 + way.limit + way.loss_limit for way in ways if way)
        for index in range(4):
            assert len([1 for t, i, _ in play.created if (t, i) == (name, index)]) <= most


@steady(100)
@given(SEEDS, SEEDS)
def test_t6_a_task_whose_condition_was_false_never_ran(story: int, order: int) -> None:
    play = language_plot(story)
    record = play.run_with_trouble(Random(order).randrange)
    ran = {task for task, _, _ in play.created}
    skipped = {name for name, task in record.tasks.items() if is_benign(task)}
    assert not ran & skipped


@steady(100)
@given(SEEDS, SEEDS)
def test_p6_under_continue_the_end_depends_on_neither_order_nor_crashes(
    story: int, order: int
) -> None:
    calm = language_plot(story, steady=True).run_in_order()
    stormy = language_plot(story, steady=True).run_with_trouble(Random(order).randrange)
    assert end_state(stormy) == end_state(calm)


@steady(60)
@given(SEEDS, SEEDS, POLICIES)
def test_d1_deciding_again_on_what_was_decided_changes_nothing(
    story: int, order: int, policy: str
) -> None:
    play = language_plot(story, policy)
    record = play.run_with_trouble(Random(order).randrange, orders=2)
    assert play.decide().record == record
    assert play.reconcile().record == record
    assert all(task.state is not TaskState.WAITING for task in record.tasks.values())


@pytest.mark.parametrize("rule", ["T1", "T2", "T3", "T5", "P1", "P4", "P5", "O1", "O2"])
def test_every_rule_that_is_checked_is_written_down(rule: str) -> None:
    assert f"| {rule} |" in STATES
    assert f'"{rule}: ' in Path(language_plays.__file__).read_text()


def test_every_rule_that_is_written_down_is_checked() -> None:
    here = Path(__file__).read_text() + Path(language_plays.__file__).read_text()
    for rule in re.findall(r"^\| ([TPOD][0-9]) \|", STATES, re.MULTILINE):
        assert f'"{rule}: ' in here or f"test_{rule.lower()}_" in here, rule
