"""The pictures of the dashboards: every panel is in them, whole, and the documentation has them."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from builders.board_answers import WINDOW, Body, a_board, a_panel, a_series, answers_to
from checks.repository import ROOT
from monitoring.dashboards import DASHBOARDS
from monitoring.dashboards.parts import View
from monitoring.dashboards.render import rendered
from monitoring.pictures import draw
from monitoring.pictures.page import NOTE, VIEWS

BOARDS = {board.file: rendered(board, DASHBOARDS) for board in DASHBOARDS}
PAGE = ROOT / "docs/monitoring.md"
PICTURES = {name: ROOT / "docs/assets/dashboards" / name.replace("json", "svg") for name in BOARDS}
MOST_BYTES = 150_000
every_board = pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
every_picture = pytest.mark.parametrize("name", BOARDS)


def said(picture: str) -> list[str]:
    """Return the lines of text of a picture."""
    root = ElementTree.fromstring(picture)
    return [each.text or "" for each in root.iter("{http://www.w3.org/2000/svg}text")]


def drawn(board: Body) -> list[str]:
    """Return the lines of text of a picture with two series in each panel."""
    two = a_series(1, 2, None, 4, state="Failed"), a_series(0, 1, 1, 2, state="Succeeded")
    return said(draw(board, answers_to(board, *two), WINDOW))


def titles(board: Body) -> list[str]:
    """Return what stands over panels, and over rows."""
    return [("▾ " if p["type"] == "row" else "") + p["title"] for p in board["panels"]]


@every_board
def test_every_panel_is_drawn_under_its_whole_title(board: Body) -> None:
    assert set(titles(board)) <= set(drawn(board))


@every_board
def test_a_picture_names_its_dashboard_its_time_and_where_it_is_from(board: Body) -> None:
    lines = drawn(board)
    assert lines[:2] == [board["title"], board["description"]]
    assert lines[2:4] == ["08:00:00 to 08:01:00 UTC", NOTE]
    assert "not a picture of Grafana" in NOTE


@every_board
def test_a_panel_without_data_says_so(board: Body) -> None:
    lines = said(draw(board, answers_to(board), WINDOW))
    panels = [panel for panel in board["panels"] if panel["type"] != "row"]
    assert lines.count("No data") == len(panels)


@every_board
def test_the_same_answers_give_the_same_picture(board: Body) -> None:
    answers = answers_to(board, a_series(1, 2, 3, state="Running"))
    assert draw(board, answers, WINDOW) == draw(board, answers, WINDOW)


def test_every_type_of_panel_that_a_dashboard_may_have_can_be_drawn() -> None:
    assert {view.value for view in View} == VIEWS.keys()


def test_a_panel_of_another_type_is_refused_by_its_title() -> None:
    board = a_board(a_panel())
    board["panels"][1]["type"] = "heatmap"
    with pytest.raises(ValueError, match=r"'Some panel'.*'heatmap' cannot be drawn.*VIEWS"):
        draw(board, answers_to(board), WINDOW)


def test_panels_do_not_leave_the_picture() -> None:
    for board in BOARDS.values():
        root = ElementTree.fromstring(draw(board, answers_to(board), WINDOW))
        wide, high = (float(size) for size in root.attrib["viewBox"].split()[2:])
        for each in root.iter("{http://www.w3.org/2000/svg}rect"):
            place = {name: float(each.attrib[name]) for name in ("x", "y", "width", "height")}
            assert place["x"] + place["width"] <= wide
            assert place["y"] + place["height"] <= high


@every_picture
def test_the_documentation_has_a_picture_of_each_dashboard_and_shows_it(name: str) -> None:
    assert PICTURES[name].stat().st_size < MOST_BYTES
    assert f"](assets/dashboards/{PICTURES[name].name})" in PAGE.read_text()


@every_picture
def test_the_picture_is_of_the_dashboard_as_it_is_and_each_panel_has_data(name: str) -> None:
    lines = said(PICTURES[name].read_text())
    again = "the dashboard has changed: make pictures"
    assert [line for line in lines if line in titles(BOARDS[name])] == titles(BOARDS[name]), again
    assert "No data" not in lines


def test_no_picture_is_left_of_a_dashboard_that_is_gone() -> None:
    assert set(Path(ROOT / "docs/assets/dashboards").iterdir()) == set(PICTURES.values())
