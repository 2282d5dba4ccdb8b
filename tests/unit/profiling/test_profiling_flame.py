"""The flame graph."""

from __future__ import annotations

from collections import Counter
from xml.etree import ElementTree as Xml

import pytest

from profiling import flame
from profiling.flame import Box, boxes, tree
from profiling.stacks import Frame, Stack

MAIN, LEFT, RIGHT = Frame("main", "a.py"), Frame("left", "a.py"), Frame("right", "a.py")
STACKS: Counter[Stack] = Counter({(MAIN, LEFT): 6, (MAIN, RIGHT): 2, (MAIN,): 2})
SVG = "{http://www.w3.org/2000/svg}"


def test_a_function_is_as_wide_as_its_share_and_stands_on_its_caller() -> None:
    found = {box.frame: box for box in boxes(tree(STACKS))}

    assert found[MAIN] == Box(MAIN, 0.0, 1.0, 0, 10)
    assert found[LEFT] == Box(LEFT, 0.0, 0.6, 1, 6)
    assert found[RIGHT].left == pytest.approx(0.6)
    assert found[RIGHT].width == pytest.approx(0.2)


def test_the_same_function_below_other_callers_is_another_box() -> None:
    stacks: Counter[Stack] = Counter({(LEFT, MAIN): 1, (RIGHT, MAIN): 1})
    assert [box.frame for box in boxes(tree(stacks))].count(MAIN) == 2


def test_what_would_be_too_narrow_is_not_drawn() -> None:
    stacks: Counter[Stack] = Counter({(MAIN, LEFT): 1, (MAIN,): 1_000_000})
    assert [box.frame for box in boxes(tree(stacks))] == [MAIN]


def test_the_picture_is_xml_with_a_box_and_its_words_for_each_function() -> None:
    root = Xml.fromstring(flame.render("a & b", STACKS))

    groups = root.findall(f"{SVG}g")
    said = {group.findtext(f"{SVG}title") for group in groups}
    assert said == {
        "main (a.py): 100.0 %, 10 samples",
        "left (a.py): 60.0 %, 6 samples",
        "right (a.py): 20.0 %, 2 samples",
    }
    assert root.findtext(f"{SVG}text") == "a & b: 10 samples"


def test_callers_stand_below_what_they_call() -> None:
    root = Xml.fromstring(flame.render("x", STACKS))
    tops = {
        (group.findtext(f"{SVG}title") or "").split()[0]: int(rect.attrib["y"])
        for group in root.findall(f"{SVG}g")
        for rect in group.findall(f"{SVG}rect")
    }
    assert tops["main"] > tops["left"] == tops["right"]


def test_a_name_that_markup_would_end_is_escaped() -> None:
    drawn = flame.render("x", Counter({(Frame("<listcomp>", "a.py"),): 1}))
    assert "&lt;listcomp&gt;" in drawn
    Xml.fromstring(drawn)


def label(name: str, of: int) -> str | None:
    """Return what is written on the box of a function that has one of so many samples."""
    stacks: Counter[Stack] = Counter({(Frame(name, "a.py"),): 1, (MAIN,): of - 1})
    root = Xml.fromstring(flame.render("x", stacks))
    groups = {group.findtext(f"{SVG}title"): group for group in root.findall(f"{SVG}g")}
    (mine,) = (group for said, group in groups.items() if said and said.startswith(name))
    return mine.findtext(f"{SVG}text")


def test_a_name_is_cut_where_its_box_ends_and_left_out_where_nothing_of_it_fits() -> None:
    assert label("a_name_of_twenty_four_ch", of=2) == "a_name_of_twenty_four_ch"
    assert label("a_name_of_twenty_four_ch", of=20) == "a_name_of"
    assert label("a_name_of_twenty_four_ch", of=100) is None


def test_functions_of_a_room_have_its_colour_and_those_of_no_room_are_grey() -> None:
    core = [Frame(name, "spectra_operator/core/graph.py") for name in ("order", "roots")]
    engine, nobody = Frame("get", "spectra_operator/engine/queue.py"), Frame("copy", "copy.py")
    stacks: Counter[Stack] = Counter({(frame,): 1 for frame in (*core, engine, nobody)})

    root = Xml.fromstring(flame.render("x", stacks))

    colours = {
        (group.findtext(f"{SVG}title") or "").split()[0]: rect.attrib["fill"]
        for group in root.findall(f"{SVG}g")
        for rect in group.findall(f"{SVG}rect")
    }
    assert colours["order"] == colours["roots"] != colours["get"]
    assert colours["copy"] == "#d5d5d5"


def test_a_stack_deeper_than_python_may_call_is_drawn() -> None:
    deep = tuple(Frame(f"f{number}", "a.py") for number in range(5000))
    assert flame.render("x", Counter({deep: 1})).count("<g>") == 5000


def test_equal_stacks_give_equal_pictures() -> None:
    turned: Counter[Stack] = Counter(dict(reversed(list(STACKS.items()))))
    assert flame.render("x", STACKS) == flame.render("x", turned)


def test_no_samples_are_a_picture_too() -> None:
    Xml.fromstring(flame.render("x", Counter()))
