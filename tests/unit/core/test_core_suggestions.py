"""Words that are near to a misspelt one, and lists of words that are cut."""

from __future__ import annotations

import pytest

from spectra_operator.core.suggestions import listed, nearest, suggestion


@pytest.mark.parametrize(
    ("word", "near"), [("tsks", "tasks"), ("Tasks", "tasks"), ("zebra", ""), ("x" * 10_000, "")]
)
def test_the_nearest_word_is_found_or_none(word: str, near: str) -> None:
    assert nearest(word, ["tasks", "phases"]) == near


def test_a_suggestion_is_the_nearest_word_or_what_there_is() -> None:
    assert suggestion("tsks", ["phases", "tasks"]) == "did you mean tasks?"
    assert suggestion("zebra", ["tasks", "phases"]) == "there are phases, tasks"
    assert suggestion("zebra", []) == "leave it out"


def test_a_list_that_is_cut_says_how_much_is_left_out() -> None:
    assert listed(["a", "b"]) == "a, b"
    assert listed([str(n) for n in range(8)]) == "0, 1, 2, 3, 4, 5, 6, 7"
    assert listed([str(n) for n in range(10)], 3) == "0, 1, 2 and 7 more"
