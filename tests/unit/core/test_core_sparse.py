"""Mappings that share what they have in common behave as the dicts that they stand for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from spectra_operator.core.sparse import (
    FEW,
    Sparse,
    Texts,
    length_of,
    with_entry,
    with_text,
    without,
    without_all,
)
from unit.core.core_settings import steady

INDEXES = st.integers(0, 200)
CHANGES = st.lists(st.tuples(INDEXES, st.none() | st.text(max_size=3)), max_size=120)
MANY = {index: str(index) for index in range(100)}


@steady(200)
@given(CHANGES)
def test_after_any_changes_it_is_what_a_dict_would_be(
    changes: list[tuple[int, str | None]],
) -> None:
    plain: dict[int, str] = {}
    shared, free = Texts({}), with_text({}, 0, "first")
    plain_free = {0: "first"}
    for index, text in changes:
        if text is None:
            plain.pop(index, None)
            plain_free.pop(index, None)
            shared, free = Texts(shared.without(index)), without(free, index)
        else:
            plain[index] = plain_free[index] = text
            shared, free = shared.with_entry(index, text), with_text(free, index, text)
        assert shared == plain
        assert free == plain_free
        assert len(shared) == len(plain)
        assert shared.length == length_of(plain)
        assert length_of(free) == length_of(plain_free)
    assert sorted(shared) == sorted(plain)
    assert [shared.get(i) for i in range(201)] == [plain.get(i) for i in range(201)]
    assert [i in shared for i in range(201)] == [i in plain for i in range(201)]


@steady(100)
@given(st.sets(INDEXES), st.sets(INDEXES))
def test_without_some_entries_it_is_what_a_dict_would_be(indexes: set[int], gone: set[int]) -> None:
    plain = dict.fromkeys(indexes, "x")
    left = dict.fromkeys(indexes - gone, "x")
    shared = Sparse(plain)
    assert without_all(shared, gone) == left == without_all(plain, gone)
    assert len(without_all(shared, gone)) == len(left)
    assert shared == plain


def test_a_change_leaves_the_mapping_before_as_it_was() -> None:
    before = Sparse(MANY)
    after = before.with_entry(7, "changed").without(8)
    assert before == MANY
    assert after == {**{i: t for i, t in MANY.items() if i != 8}, 7: "changed"}


def test_what_did_not_change_is_the_same_piece() -> None:
    before = Sparse(MANY)
    after = before.with_entry(7, "changed")
    shared = [place for place in before._pieces if before._pieces[place] is after._pieces[place]]
    assert len(shared) == len(before._pieces) - 1


def test_few_entries_stay_a_dict_and_many_are_shared() -> None:
    few = {index: index for index in range(FEW - 1)}
    assert type(with_entry(few, FEW, 0)) is dict
    assert type(without(few, 0)) is dict
    many = with_entry(few, FEW, 0)
    assert type(with_entry(many, FEW + 1, 0)) is Sparse
    assert type(without(dict.fromkeys(range(FEW + 1), 0), 0)) is Sparse


def test_a_mapping_is_equal_to_a_dict_from_either_side_and_to_nothing_else() -> None:
    assert Sparse(MANY) == MANY
    assert MANY == Sparse(MANY)  # noqa: SIM300 - the dict is asked first here
    assert Sparse(MANY) == Sparse(dict(reversed(MANY.items())))
    assert Sparse(MANY) != {**MANY, 5: "other"}
    assert Sparse(MANY) != Sparse(MANY).with_entry(5, "other")
    assert Sparse(MANY) != list(MANY)


def test_to_take_out_what_is_not_there_changes_nothing() -> None:
    mapping = Sparse(MANY)
    assert mapping.without(5000) is mapping
    assert mapping.without_all({5000, 6000}) == MANY


def test_texts_without_one_are_counted_anew() -> None:
    left = Texts(MANY).without(99)
    assert type(left) is Sparse
    assert length_of(left) == length_of(MANY) - 2


def test_a_mapping_says_what_is_in_it() -> None:
    assert repr(Sparse({1: "a"})) == "Sparse({1: 'a'})"
