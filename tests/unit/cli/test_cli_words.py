from __future__ import annotations

import pytest

from kubectl_spectra import words
from unit.cli.cli_cases import NOW, at


def test_an_age_is_told_as_kubectl_tells_it() -> None:
    assert words.age(at(0).isoformat(), NOW) == "60s"
    assert words.age("", NOW) == ""
    assert words.age(None, NOW) == ""


def test_what_has_ended_took_its_time_and_what_goes_on_takes_it_until_now() -> None:
    assert words.took(at(10).isoformat(), at(14).isoformat(), NOW) == "4s"
    assert words.took(at(10).isoformat(), None, NOW) == "50s"
    assert words.took(None, None, NOW) == ""


def test_short_ranges_stay_as_they_are() -> None:
    assert words.folded("0-98,100") == "0-98,100"


def test_long_ranges_are_cut_after_a_whole_range_and_the_rest_is_counted() -> None:
    ranges = ",".join(str(n * 2) for n in range(5000))

    text = words.folded(ranges)

    shown, _, rest = text.partition(",… ")
    assert len(text) < 80
    assert ranges.startswith(shown + ",")
    assert rest == f"({5000 - len(shown.split(','))} more)"


def test_one_range_longer_than_the_limit_is_shown_whole() -> None:
    assert words.folded("1000000-2000000,5", limit=4) == "1000000-2000000,… (1 more)"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["Waiting", "Succeeded", "Waiting"], "2 Waiting, 1 Succeeded"),
        (["Waiting"] * 1234, "1,234 Waiting"),
        ([], ""),
    ],
)
def test_states_are_counted_the_most_frequent_first(given: list[str], told: str) -> None:
    assert words.counted(given) == told


def test_a_text_of_many_lines_becomes_one_line_of_bounded_length() -> None:
    assert words.one_line("a\n  b\tc") == "a b c"
    assert words.one_line("x" * 500) == "x" * 119 + "…"
