"""What is counted, and how two counts differ."""

from __future__ import annotations

import asyncio
import json
import sys

from profiling.counting import Count, counting
from profiling.counts import TOP, Counts, from_json, render
from profiling.stacks import Frame
from spectra_operator.core import indexes

CORE = Frame("decide_phase", "spectra_operator/core/phase/decide.py")
ENGINE = Frame("Executor._work", "spectra_operator/engine/executor.py")
RENDER = Frame("render", "spectra_operator/core/indexes.py")


def some(core: int = 60, engine: int = 40) -> Counts:
    functions = {CORE: Count(2, core), ENGINE: Count(1, engine)}
    return Counts("fan-out-of-100", 10, functions)


def cells(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]


def test_a_function_of_the_package_is_counted() -> None:
    with counting() as tracing:
        indexes.render(0b1011)

    found = tracing.counts()
    assert found[RENDER].entries == 1
    assert found[RENDER].bytecodes > 10


def test_the_same_work_gives_the_same_counts() -> None:
    counts = []
    for _ in range(2):
        with counting() as tracing:
            indexes.render(0b101101)
        counts.append(tracing.counts())

    assert counts[0] == counts[1]


def test_more_turns_of_a_loop_are_more_bytecodes() -> None:
    found = []
    for mask in (0b1, 0b101, 0b10101):
        with counting() as tracing:
            indexes.render(mask)
        found.append(tracing.counts()[RENDER].bytecodes)

    first, second, third = found
    assert third - second == second - first > 0


def test_what_is_not_of_the_package_is_not_counted() -> None:
    with counting() as tracing:
        json.dumps({"a": 1}, indent=1)
        cells("| a |")

    assert tracing.counts() == {}


def test_a_coroutine_is_entered_again_when_it_goes_on() -> None:
    async def twice() -> None:
        for _ in range(2):
            await asyncio.sleep(0)

    with counting("unit/profiling/") as tracing:
        asyncio.run(twice())

    (count,) = (c for frame, c in tracing.counts().items() if frame.name.endswith("twice"))
    assert count.entries == 3


def test_a_tracer_that_was_there_comes_back() -> None:
    before = sys.gettrace()
    with counting():
        assert sys.gettrace() is not before
    assert sys.gettrace() is before


def test_counts_of_a_room_are_those_of_its_functions() -> None:
    other = Frame("Queue.get", "spectra_operator/engine/queue.py")
    counts = Counts("x", 1, {**some().functions, other: Count(3, 5)})

    assert counts.rooms() == {"core": Count(2, 60), "engine": Count(4, 45)}
    assert counts.total() == Count(6, 105)


def test_counts_come_back_from_their_file_as_they_were() -> None:
    assert from_json(json.loads(json.dumps(some().as_json()))) == some()


def test_the_report_is_for_each_task() -> None:
    text = render(some())

    assert text.startswith("fan-out-of-100: 10 bytecodes a task of 10\n")
    assert ["core", "6", "60.0 %", "0.2", "-"] in cells(text)
    assert [CORE.name, CORE.file, "6", "60.0 %", "0.2", "-"] in cells(text)


def test_a_change_is_told_for_the_whole_for_rooms_and_for_functions() -> None:
    text = render(some(core=66), some())

    assert "11 bytecodes a task of 10, +6.0 % to those before" in text
    assert ["core", "7", "62.3 %", "0.2", "+10.0 %"] in cells(text)
    assert [ENGINE.name, ENGINE.file, "4", "37.7 %", "0.1", "+0.0 %"] in cells(text)


def test_what_was_not_there_before_has_no_change() -> None:
    before = Counts("fan-out-of-100", 10, {CORE: Count(2, 60)})
    assert ["engine", "4", "40.0 %", "0.1", "-"] in cells(render(some(), before))


def test_only_the_first_functions_are_listed() -> None:
    many = {Frame(f"f{n}", RENDER.file): Count(1, 1000 - n) for n in range(60)}
    text = render(Counts("x", 1, many))
    assert sum(RENDER.file in line for line in text.splitlines()) == TOP
