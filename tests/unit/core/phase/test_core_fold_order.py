"""The order in which evidence comes does not matter, and evidence that came twice neither."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from builders.records import a_context, a_fan_out, a_policy, an_attempt, broken, done, lost
from spectra_operator.core.attempts.evidence import Attempt, Outcome
from spectra_operator.core.attempts.results import Usage
from spectra_operator.core.phase.fold import fold
from spectra_operator.core.phase.judging import Context
from spectra_operator.core.phase.records import TaskRecord
from unit.core.core_settings import steady

USED = Usage(3, 1)
OUTCOMES: tuple[Outcome | None, ...] = (
    None,
    done({"n": 1}, usage=USED),
    done(),
    broken(usage=USED),
    broken("ResultInvalid", final=True),
    lost(),
)
TOTAL = 5
CONTEXTS = [
    a_context(a_policy(limit=0)),
    a_context(a_policy(limit=2, losses=1, seconds=5)),
    a_context(a_policy(limit=1), cancel="DeadlineExceeded"),
]


@st.composite
def evidence(draw: st.DrawFn) -> list[list[Attempt]]:
    """Return for each item its attempts in order; all but the last of them ended badly."""
    items = []
    for index in range(TOTAL):
        earlier = draw(st.lists(st.sampled_from([broken(), lost()]), max_size=2))
        outcomes: list[Outcome | None] = [*earlier, draw(st.sampled_from(OUTCOMES))]
        items.append(
            [
                an_attempt("a", o, index=index, number=n, started=n * 10, ended=n * 10 + 5)
                for n, o in enumerate(outcomes, 1)
            ]
        )
    return items


def folded(
    attempts: list[Attempt], context: Context, record: TaskRecord | None = None
) -> TaskRecord:
    """Return the record that holds all these attempts."""
    record = record or a_fan_out(TOTAL)
    for attempt in attempts:
        record = fold(record, attempt, context)
    return record


def lasting(record: TaskRecord) -> Any:
    """Return a record without what only describes the attempt that was seen last."""
    return replace(record, reason="", message="", pod="")


def shuffled(items: list[list[Attempt]], seed: int) -> list[Attempt]:
    """Return the attempts of all items mixed, each item's own in order."""
    random, left, mixed = Random(seed), [list(i) for i in items], []
    while any(left):
        mixed.append(random.choice([i for i in left if i]).pop(0))
    return mixed


@steady(200)
@given(evidence(), st.integers(), st.sampled_from(CONTEXTS))
def test_attempts_of_different_items_may_come_in_any_order(
    items: list[list[Attempt]], seed: int, context: Context
) -> None:
    straight = folded([attempt for item in items for attempt in item], context)
    assert lasting(folded(shuffled(items, seed), context)) == lasting(straight)


@steady(200)
@given(evidence(), st.integers(), st.integers(), st.sampled_from(CONTEXTS))
def test_evidence_that_comes_again_changes_nothing(
    items: list[list[Attempt]], seed: int, again: int, context: Context
) -> None:
    attempts = shuffled(items, seed)
    once = folded(attempts, context)
    ended = [attempt for attempt in attempts if not attempt.live]
    assert folded(Random(again).sample(ended, len(ended)), context, once) == once


@steady(100)
@given(evidence(), st.sampled_from(CONTEXTS))
def test_an_attempt_is_folded_alike_whether_it_was_seen_live_before_or_not(
    items: list[list[Attempt]], context: Context
) -> None:
    direct, watched = a_fan_out(TOTAL), a_fan_out(TOTAL)
    for attempt in [attempt for item in items for attempt in item]:
        live = replace(attempt, outcome=None, finished_at=None)
        watched = fold(fold(watched, live, context), attempt, context)
        direct = fold(direct, attempt, context)
    assert lasting(watched) == lasting(direct)


@steady(100)
@given(evidence(), st.sampled_from(CONTEXTS))
def test_an_item_is_either_open_or_ended_and_its_counts_add_up(
    items: list[list[Attempt]], context: Context
) -> None:
    record = folded([attempt for item in items for attempt in item], context)
    assert not any((record.ended_mask >> index) & 1 for index in record.open)
    assert record.succeeded & record.failed == record.succeeded & record.cancelled == 0
    assert all(item.failures <= context.policy.retry.limit for item in record.open.values())
    assert all(item.losses <= context.policy.retry.loss_limit for item in record.open.values())
    assert set(record.outputs) <= {i for i in range(TOTAL) if (record.succeeded >> i) & 1}
