"""Each kind of panel: what it says of its answers, in which colours."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from builders.board_answers import (
    WINDOW,
    a_board,
    a_panel,
    a_series,
    answers_to,
    nothing_but_gaps,
)
from monitoring.dashboards.parts import GREEN, RED, Panel, Steps, Unit, View
from monitoring.dashboards.words import COLOURS
from monitoring.pictures import Series, draw
from monitoring.pictures.lines import path, runs, stacked
from monitoring.pictures.looks import NAMED, PALETTE, Named
from monitoring.pictures.svg import fitted, width

HEAD_LINES = 5
"""Of the picture and its only row; the title of the panel comes next."""


def drawn(panel: Panel, *series: Series) -> ElementTree.Element:
    """Return the picture of a dashboard with one panel."""
    board = a_board(panel)
    picture = draw(board, answers_to(board, *series), WINDOW)
    return ElementTree.fromstring(re.sub(r' xmlns="[^"]+"', "", picture))


def said(panel: Panel, *series: Series) -> list[str]:
    """Return what stands in a panel under its title."""
    lines = [each.text or "" for each in drawn(panel, *series).iter("text")]
    return lines[HEAD_LINES + 1 :]


def colour_of(root: ElementTree.Element, text: str) -> str:
    """Return the colour in which something is written."""
    return next(each.attrib["fill"] for each in root.iter("text") if each.text == text)


def strokes(root: ElementTree.Element) -> set[str]:
    """Return the colours of all lines."""
    return {each.attrib["stroke"] for each in root.iter("path") if "stroke" in each.attrib}


# Lines


def test_lines_have_a_scale_the_time_and_a_legend() -> None:
    lines = said(a_panel(), a_series(0, 2, 4, state="Running"), a_series(1, 1, 1, state="Ready"))
    assert lines[:5] == ["0", "1", "2", "3", "4"]
    assert "08:00:30" in lines
    assert lines[-2:] == ["Running", "Ready"]


def test_a_scale_ends_where_the_panel_says() -> None:
    panel = a_panel(unit=Unit.SHARE, most=1)
    assert said(panel, a_series(0.1, 0.2, state="a"))[4] == "100%"


def test_words_have_their_colours_and_other_names_have_one_each() -> None:
    series = [a_series(1, 2, state=name) for name in ("Failed", "Succeeded", "new", "newer")]
    found = strokes(drawn(a_panel(), *series))
    assert {NAMED["red"], NAMED["green"], PALETTE[2], PALETTE[3]} <= found


def test_every_colour_of_words_can_be_drawn() -> None:
    assert COLOURS.keys() <= NAMED.keys()


def test_stacked_lines_lie_on_each_other_also_over_gaps() -> None:
    lower = Named("a", "red", a_series(1, 2, 3, 4, 5, 6, 7))
    upper = Named("b", "blue", a_series(1, None, 1))
    first, second = stacked([lower, upper], WINDOW)
    assert list(first.values()) == [1, 2, 3, 4, 5, 6, 7]
    assert list(second.values()) == [2, 2, 4, 4, 5, 6, 7]


def test_stacked_lines_have_a_gap_where_none_has_a_value() -> None:
    both = [Named(name, "red", a_series(1, None, 3)) for name in "ab"]
    _, second = stacked(both, WINDOW)
    assert [second.get(at) for at in WINDOW.times()[:3]] == [2, None, 6]


def test_a_scale_of_stacked_lines_reaches_their_sum() -> None:
    series = [a_series(3, 4, state=name) for name in "ab"]
    assert "8" in said(a_panel(stacked=True), *series)


def test_a_line_ends_at_a_gap_and_a_point_alone_is_a_dot() -> None:
    found = list(runs(a_series(1, 2, None, 4, None, 6, 7).points, WINDOW))
    assert [[value for _, value in run] for run in found] == [[1, 2], [4], [6, 7]]
    assert len(list(drawn(a_panel(), a_series(1, 2, None, 4, state="x")).iter("circle"))) == 1


def test_a_path_leaves_out_the_middle_of_a_level_line() -> None:
    assert path([(0, 5), (1, 5), (2, 5), (3, 5), (4, 9)]) == "M0 5l3 0 1 4"


def test_a_legend_that_is_too_long_says_how_many_are_left() -> None:
    series = [a_series(1, 2, state=f"a long name of a series, {n}") for n in range(40)]
    last = said(a_panel(), *series)[-1]
    shown = [line for line in said(a_panel(), *series) if line.startswith("a long name")]
    assert last == f"+{40 - len(shown)}"
    assert 0 < len(shown) < 40


def test_a_series_of_gaps_is_drawn_as_nothing() -> None:
    assert said(a_panel(), nothing_but_gaps())[:2] == ["0", "0.25"]


# Numbers


def test_a_number_is_the_last_value_of_all_with_its_exact_count() -> None:
    assert said(a_panel(View.NUMBER, ""), a_series(1, 1234, 587)) == ["587"]
    assert said(a_panel(View.NUMBER, ""), a_series(1, 1234)) == ["1234"]


def test_a_number_with_a_legend_has_its_name_over_it() -> None:
    assert said(a_panel(View.NUMBER), a_series(2, state="0.2.0")) == ["0.2.0", "2"]


@pytest.mark.parametrize(("value", "colour"), [(0, GREEN), (1, RED), (7, RED)])
@pytest.mark.parametrize("view", [View.NUMBER, View.GAUGE, View.BARS])
def test_a_value_has_the_colour_of_the_step_that_it_reaches(
    view: View, value: float, colour: str
) -> None:
    panel = a_panel(view, "", steps=Steps(GREEN, ((1, RED),)), most=10)
    assert colour_of(drawn(panel, a_series(value)), str(value)) == NAMED[colour]


def test_a_bar_is_as_long_as_its_value_and_never_less_than_nothing() -> None:
    panel = a_panel(View.BARS, "{{slo}}", unit=Unit.SHARE, most=1)
    found = drawn(panel, *(a_series(v, slo=f"s{v}") for v in (1, 0.5, -0.2)))
    bars = [each.attrib["width"] for each in found.iter("rect") if each.get("rx") == "2"]
    lanes, shares = bars[::2], [float(bar) / float(bars[0]) for bar in bars[1::2]]
    assert len(set(lanes)) == 1
    assert shares == pytest.approx([1, 0.5, 0], abs=0.01)
    assert said(panel, a_series(-0.2, slo="s")) == ["s", "-20%"]


# Tables


def test_a_table_has_a_column_for_each_label_and_the_count_in_the_order_of_the_panel() -> None:
    row = a_series(3, reason="Timeout", state="Failed")
    assert said(a_panel(View.TABLE), row) == ["state", "reason", "count", "Failed", "Timeout", "3"]


def test_a_label_that_a_row_lacks_stays_empty() -> None:
    rows = a_series(3, state="Failed", reason="Error"), a_series(1200, state="Succeeded")
    assert said(a_panel(View.TABLE), *rows)[-3:] == ["Succeeded", "", "1200"]


def test_a_table_says_how_many_rows_do_not_fit() -> None:
    rows = [a_series(1, reason=f"r{n}") for n in range(20)]
    lines = said(a_panel(View.TABLE), *rows)
    shown = [line for line in lines if line.startswith("r") and line != "reason"]
    assert lines[-1] == f"and {20 - len(shown)} more rows"


# Text


def test_text_that_is_too_long_is_cut_to_its_room() -> None:
    assert fitted("short", 12, 100) == "short"
    cut = fitted("a title that is much too long", 12, 80)
    assert cut.endswith("…")
    assert width(cut, 12) <= 80


def test_names_in_pictures_cannot_break_them() -> None:
    assert said(a_panel(), a_series(1, state="<b> & co"))[-1] == "<b> & co"
