"""A worker's page as it will be: the same whether it is looked at often or once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from builders.pages import OPS, a_claim
from spectra_operator.core.pool.page import Give, Op, Page, apply
from spectra_operator.engine.pages import news
from spectra_operator.engine.worker_book import Ahead
from unit.core.core_settings import steady


@steady(200)
@given(OPS, st.data())
def test_a_page_ahead_is_the_page_with_its_operations_whenever_it_was_looked_at(
    ops: list[Op], data: st.DataObject
) -> None:
    ahead, page, waiting = Ahead(), Page(), list[Op]()
    for op in ops:
        waiting.append(op)
        move = data.draw(st.sampled_from(["look", "write", "withdraw", "reorder", "nothing"]))
        if move == "write":
            page, waiting = apply(page, waiting), []
        elif move == "withdraw":
            waiting.pop(0)
        elif move == "reorder":
            waiting.reverse()
        if move != "nothing":
            assert ahead.of(page, waiting) == apply(page, waiting)


def test_what_was_applied_is_not_applied_again() -> None:
    ahead, page, ops = Ahead(), Page(), [Give(a_claim("a"))]
    first = ahead.of(page, ops)

    assert ahead.of(page, ops) is first
    assert ahead.of(page, [*ops, Give(a_claim("b"))]).claims["a"] is first.claims["a"]


@steady(100)
@given(OPS, OPS)
def test_the_news_of_a_page_are_what_operations_touched(first: list[Op], then: list[Op]) -> None:
    before = apply(Page(), first)
    after = apply(before, then)
    fresh = news(before, after)

    assert news(after, after).is_clear
    assert fresh.epoch == after.epoch
    for id_, claim in after.claims.items():
        assert (id_ in fresh.claims) == (before.claims.get(id_) is not claim)
    for id_, ending in after.endings.items():
        assert fresh.endings.get(id_, before.endings.get(id_)) == ending
