"""Collapsed stacks, as py-spy writes them, and what is added up from them."""

from __future__ import annotations

from collections import Counter

import pytest

from profiling.stacks import Frame, Profile, Stack, below, own, parse, parse_frame, whole

MAIN = Frame("main", "app/__main__.py")
WORK = Frame("Worker.work", "app/work.py")
READ = Frame("read", "app/files.py")
LINES = """\
main (app/__main__.py:3);Worker.work (app/work.py:10) 25
main (app/__main__.py:3);Worker.work (app/work.py:12) 5
main (app/__main__.py:4);Worker.work (app/work.py:10);read (app/files.py:7) 10
"""


@pytest.mark.parametrize(
    ("text", "frame"),
    [
        ("main (app/__main__.py:3)", MAIN),
        ("<module> (a.py:1)", Frame("<module>", "a.py")),
        ("_run_code (<frozen runpy>:88)", Frame("_run_code", "<frozen runpy>")),
        ("f (<attrs generated methods a.B>:1)", Frame("f", "<attrs generated methods a.B>")),
        ("SSL_write (libssl.so.3)", Frame("SSL_write", "libssl.so.3")),
        ("process 12", Frame("process 12")),
    ],
)
def test_a_frame_is_a_function_and_its_file(text: str, frame: Frame) -> None:
    assert parse_frame(text) == frame


def test_a_frame_is_written_as_it_is_read() -> None:
    assert parse_frame(str(WORK)) == WORK
    assert parse_frame(str(Frame("process 12"))) == Frame("process 12")


def test_stacks_that_differ_in_lines_alone_are_one() -> None:
    assert parse(LINES.splitlines()) == {(MAIN, WORK): 30, (MAIN, WORK, READ): 10}


def test_empty_lines_are_nothing() -> None:
    assert parse(["", "\n"]) == Counter()


@pytest.mark.parametrize("line", ["main (a.py:3)", "main (a.py:3) many", "12"])
def test_a_line_without_a_count_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="not a collapsed stack"):
        parse([line])


def test_own_time_is_that_of_the_innermost_function() -> None:
    assert own(parse(LINES.splitlines())) == {WORK: 30, READ: 10}


def test_the_whole_time_has_that_of_what_is_called_too() -> None:
    assert whole(parse(LINES.splitlines())) == {MAIN: 40, WORK: 40, READ: 10}


def test_a_function_that_calls_itself_is_counted_once() -> None:
    assert whole(Counter({(MAIN, WORK, WORK): 3})) == {MAIN: 3, WORK: 3}


def test_what_stands_above_the_work_is_cut_off() -> None:
    stacks = Counter({(MAIN, WORK, READ): 2, (READ,): 1})
    assert below(stacks, ["Worker.work"]) == {(WORK, READ): 2, (READ,): 1}


def test_stacks_that_are_the_same_below_become_one() -> None:
    stacks: Counter[Stack] = Counter({(MAIN, WORK): 2, (READ, WORK): 1})
    assert below(stacks, ["Worker.work"]) == {(WORK,): 3}


def test_the_busy_share_is_of_all_looks() -> None:
    profile = Profile(parse(LINES.splitlines()), rate=100, seconds=2.0)
    assert profile.samples == 40
    assert profile.busy == 0.2


def test_several_threads_are_no_more_than_busy() -> None:
    assert Profile(Counter({(MAIN,): 300}), rate=100, seconds=2.0).busy == 1.0


def test_nothing_is_busy_in_no_time() -> None:
    assert Profile(Counter(), rate=100, seconds=0.0).busy == 0.0
