"""Pages of workers: what each operation does, and what survives being written."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.pages import AFTER, IDS, OPS, a_claim, a_page
from builders.pods import at
from spectra_operator.api.constants import OF_PHASE_PREFIX
from spectra_operator.core.attempts.evidence import Kind
from spectra_operator.core.pool.page import (
    Claim,
    End,
    Fence,
    Forget,
    Give,
    Note,
    Op,
    Page,
    apply,
    attempts_of,
)
from spectra_operator.core.pool.page_text import (
    is_larger,
    parse_page,
    render_page,
    size_of,
)
from unit.core.core_settings import steady


def test_a_checkpoint_stays_with_its_open_claim_and_the_last_one_counts() -> None:
    page = a_page(Note("a", "1"), Note("a", "2"))
    assert page.claims["a"] == a_claim(checkpoint="2")


def test_a_checkpoint_of_a_claim_that_is_not_open_changes_nothing() -> None:
    ended = a_page(End("a", at(9), Kind.LOST))
    assert apply(ended, [Note("a", "1"), Note("b", "1")]) == ended


@pytest.mark.parametrize(
    "end",
    [End("a", at(9), Kind.FAILED), End("a", at(9), Kind.LOST), Fence(at(9), "WorkerGone", "")],
    ids=["failed", "lost", "fenced"],
)
def test_a_bad_end_has_the_checkpoint(end: Op) -> None:
    page = a_page(Note("a", '{"page":2}'), end)
    assert page.endings["a"].claim.checkpoint == '{"page":2}'
    (attempt,) = attempts_of(page, "w", "worker", "r1").values()
    assert attempt.checkpoint == '{"page":2}'


def test_a_success_forgets_the_checkpoint() -> None:
    page = a_page(Note("a", "1"), End("a", at(9), Kind.SUCCEEDED))
    (attempt,) = attempts_of(page, "w", "worker", "r1").values()
    assert (page.endings["a"].claim.checkpoint, attempt.checkpoint) == ("", "")


def test_a_checkpoint_tells_nothing_of_an_attempt_that_is_live() -> None:
    before, after = a_page(), a_page(Note("a", "1"))
    assert attempts_of(after, "w", "", "") == attempts_of(before, "w", "", "")


def test_what_is_given_twice_keeps_its_checkpoint() -> None:
    noted = a_page(Note("a", "1"))
    assert apply(noted, [Give(a_claim())]) == noted


GOOD = End("a", at(9), Kind.SUCCEEDED)
FOLLOWS = Give(a_claim("b"), after=("a",))


def test_what_follows_from_a_result_is_given_on_the_page_where_the_claim_has_ended_well() -> None:
    assert a_page(GOOD, FOLLOWS) == a_page(GOOD, Give(a_claim("b")))
    assert apply(a_page(GOOD), [FOLLOWS]).claims.keys() == {"b"}


@pytest.mark.parametrize(
    "before",
    [
        [],
        [End("a", at(9), Kind.FAILED)],
        [End("a", at(9), Kind.LOST), GOOD],
        [Fence(at(9), "WorkerGone", ""), GOOD],
        [GOOD, Forget("a")],
        [Forget("a"), GOOD],
    ],
    ids=["open", "failed", "lost-first", "fenced-first", "forgotten", "removed-first"],
)
def test_what_follows_is_not_given_where_there_is_no_good_end(before: list[Op]) -> None:
    assert a_page(*before, FOLLOWS) == a_page(*before)


def test_what_follows_from_two_results_is_given_where_both_have_ended_well() -> None:
    both = Give(a_claim("c"), after=("a", "b"))
    good = End("b", at(9), Kind.SUCCEEDED)
    for ends, given_ in (([GOOD], False), ([good], False), ([good, GOOD], True)):
        page = a_page(Give(a_claim("b")), *ends, both)
        assert ("c" in page.claims) == given_


@pytest.mark.parametrize(
    "then",
    [[], [Note("b", "1")], [End("b", at(9), Kind.FAILED)], [Fence(at(9), "WorkerGone", "")]],
    ids=["open", "noted", "ended", "fenced"],
)
def test_what_follows_is_given_once_however_often_it_is_laid_over_the_page(then: list[Op]) -> None:
    page = a_page(GOOD, FOLLOWS, *then)
    assert apply(page, [GOOD, FOLLOWS]) == page


def test_what_follows_on_a_page_that_was_fenced_meanwhile_has_the_epoch_of_the_page() -> None:
    page = a_page(GOOD, Fence(at(9), "WorkerRestarted", ""), FOLLOWS)
    assert (page.claims["b"].epoch, page.epoch) == (2, 2)


@steady(150)
@given(OPS, IDS, AFTER)
def test_what_is_given_was_there_before_or_has_all_that_it_follows_from(
    ops: list[Op], id_: str, after: tuple[str, ...]
) -> None:
    before = apply(Page(), ops)
    page = apply(before, [Give(a_claim(id_), after)])
    fresh = page.claims.keys() - before.claims.keys()
    good = {k for k, ending in page.endings.items() if ending.end.kind is Kind.SUCCEEDED}
    assert not fresh or (fresh == {id_} and good.issuperset(after))
    assert page.endings == before.endings


@steady(150)
@given(OPS)
def test_a_page_survives_being_written_and_read(ops: list[Op]) -> None:
    page = apply(Page(), ops)
    assert parse_page(render_page(page)) == page


def test_an_entry_whose_phase_nobody_names_any_more_counts_for_nothing() -> None:
    notes = render_page(a_page())
    (of_phase,) = [key for key in notes if key.startswith(OF_PHASE_PREFIX)]
    del notes[of_phase]
    assert parse_page(notes) == Page()


def test_a_phase_is_named_once_however_many_claims_it_has() -> None:
    page = a_page(Give(a_claim("b")), Give(replace(a_claim("c"), phase_uid="other", phase="else")))
    notes = render_page(page)
    assert len([key for key in notes if key.startswith(OF_PHASE_PREFIX)]) == 2
    assert [parse_page(notes).claims[id_].phase for id_ in ("b", "c")] == [a_claim().phase, "else"]


@steady(150)
@given(OPS, OPS)
def test_laying_the_same_ends_and_checkpoints_over_a_page_again_changes_nothing(
    first: list[Op], then: list[Op]
) -> None:
    ops = [op for op in then if isinstance(op, (Note, End))]
    once = apply(apply(Page(), first), ops)
    last = {op.id: op for op in ops if isinstance(op, Note) and op.id in once.claims}
    assert apply(once, last.values()) == once
    assert apply(once, [op for op in ops if isinstance(op, End)]) == once


def test_a_checkpoint_counts_with_the_size_of_a_page() -> None:
    plain, noted = a_page(), a_page(Note("a", '"' + "x" * 1000 + '"'))
    assert size_of(render_page(noted)) > size_of(render_page(plain)) + 1000


def test_a_page_that_was_written_before_there_were_checkpoints_is_read() -> None:
    page = a_page()
    assert "checkpoint" not in "".join(render_page(page).values())
    assert parse_page(render_page(page)).claims["a"] == replace(a_claim(), checkpoint="")


LONG = st.text(st.characters(codec="utf-8"), max_size=400)


@steady(150)
@given(st.lists(LONG, max_size=6), LONG, st.integers(-3, 3))
def test_a_page_is_larger_than_a_limit_exactly_if_its_annotations_are(
    documents: list[str], message: str, off: int
) -> None:
    ids = [f"c{number}" for number in range(len(documents))]
    given = [Give(a_claim(id_, checkpoint=message)) for id_ in ids]
    ends = [
        End(id_, at(9), Kind.FAILED, message=message, document=document)
        for id_, document in zip(ids, documents, strict=True)
    ]
    page = a_page(*given, *ends)
    size = size_of(render_page(page))

    assert is_larger(page, size - 1)
    assert is_larger(page, size + off) == (off < 0)


def test_the_longest_entry_is_not_taken_for_a_smaller_one() -> None:
    longest = Claim(
        *("i" * 63, "p" * 253, "u" * 36, "t" * 63, 99_999, 99_999, 2**53, '"' * 64, at(0)),
        workflow_uid="w" * 36,
        checkpoint="\x00" * 100,
    )
    end = End(longest.id, at(9), Kind.SUCCEEDED, "R" * 128, "\x00" * 256, '"' * 4000, "d" * 16)
    page = apply(Page(epoch=2**53), [Give(longest), replace(end, stopped_at=at(9))])

    assert is_larger(page, size_of(render_page(page)) - 1)


def test_why_an_agent_was_chosen_is_kept_with_the_claim_and_its_end() -> None:
    why = "warm: Balance, 0 of 4 busy"
    page = apply(Page(), [Give(replace(a_claim("a"), selection=why))])
    ended = apply(page, [End("a", at(9), Kind.SUCCEEDED, digest="d")])
    for kept in (page, ended):
        read = parse_page(render_page(kept))
        assert attempts_of(read, "w", "warm", "r1")["a"].selection == why
