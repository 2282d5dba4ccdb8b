"""Attempts that say nothing new are passed over, and that changes no decision."""

from __future__ import annotations

from dataclasses import replace

import pytest

from builders.records import a_fan_out, an_attempt, running_item, waiting_item
from spectra_operator.api.phase import TaskState
from spectra_operator.core.attempts.evidence import Attempt, Kind, Outcome
from spectra_operator.core.phase.news import news
from spectra_operator.core.phase.records import TaskRecord

SHOWN = a_fan_out(3, open={1: running_item()}, attempt=1)
LIVE = replace(an_attempt(index=1), outcome=None)


def test_a_live_attempt_that_the_record_shows_is_no_news() -> None:
    assert news([LIVE], {LIVE.task: SHOWN}) == []


@pytest.mark.parametrize(
    "attempt",
    [
        replace(LIVE, index=2),
        replace(LIVE, number=2),
        replace(LIVE, waiting="ImagePullBackOff"),
        replace(LIVE, node_lost=True),
        replace(LIVE, outcome=Outcome(Kind.SUCCEEDED)),
    ],
    ids=["another item", "another number", "waits", "its node is lost", "ended"],
)
def test_whatever_differs_from_the_record_is_news(attempt: Attempt) -> None:
    assert news([attempt], {attempt.task: SHOWN}) == [attempt]


@pytest.mark.parametrize(
    "record",
    [
        TaskRecord(open={1: running_item()}),
        a_fan_out(3),
        a_fan_out(3, open={1: waiting_item()}),
        a_fan_out(3, open={1: running_item(2, failures=1)}),
    ],
    ids=["no fan-out", "untried", "pausing", "a later attempt"],
)
def test_an_attempt_that_the_record_does_not_show_as_running_is_news(record: TaskRecord) -> None:
    assert news([LIVE], {LIVE.task: record}) == [LIVE]


def test_an_attempt_of_a_task_that_there_is_not_is_no_news() -> None:
    assert news([LIVE], {}) == []


ENDED = replace(LIVE, outcome=Outcome(Kind.FAILED))


@pytest.mark.parametrize(
    "record",
    [
        a_fan_out(3, succeeded=0b010),
        a_fan_out(3, open={1: waiting_item(1)}),
        a_fan_out(3, open={1: running_item(2, failures=1)}),
        TaskRecord(TaskState.SKIPPED),
    ],
    ids=["its item ended", "counted", "followed by another", "its task ended"],
)
def test_an_end_that_is_in_the_record_is_no_news(record: TaskRecord) -> None:
    assert news([ENDED], {ENDED.task: record}) == []


@pytest.mark.parametrize("record", [SHOWN, a_fan_out(3)], ids=["running", "untried"])
def test_an_end_that_the_record_does_not_know_of_is_news(record: TaskRecord) -> None:
    assert news([ENDED], {ENDED.task: record}) == [ENDED]
