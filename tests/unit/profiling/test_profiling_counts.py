"""What is counted, and how two counts differ."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

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


def test_what_raises_is_counted_up_to_there_and_the_tracer_before_comes_back() -> None:
    before = sys.gettrace()
    with pytest.raises(ValueError, match="not a range"), counting() as tracing:
        indexes.parse("3-1")

    assert sys.gettrace() is before
    assert tracing.counts()[Frame("parse", RENDER.file)].entries == 1


def test_functions_of_one_name_in_one_file_are_one() -> None:
    def made(number: int) -> Callable[[], int]:
        if number:
            return lambda: 1
        return lambda: 2

    with counting("unit/profiling/") as tracing:
        made(0)()
        made(1)()

    found = {frame.name: count.entries for frame, count in tracing.counts().items()}
    assert found[made(0).__qualname__] == 2


def test_other_threads_are_not_counted() -> None:
    with ThreadPoolExecutor(1) as other, counting() as tracing:
        other.submit(indexes.render, 0b1011).result()

    assert tracing.counts() == {}


def test_a_generator_is_entered_for_each_value_and_once_for_its_end() -> None:
    def numbers() -> Iterator[int]:
        yield from (1, 2, 3)

    with counting("unit/profiling/") as tracing:
        list(numbers())

    (count,) = (c for frame, c in tracing.counts().items() if frame.name.endswith("numbers"))
    assert count.entries == 4


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


def test_a_change_is_of_the_work_for_each_task_whatever_their_number() -> None:
    twice = {frame: count + count for frame, count in some().functions.items()}
    text = render(Counts("fan-out-of-100", 20, twice), some())

    assert "10 bytecodes a task of 20, +0.0 % to those before" in text
    assert ["core", "6", "60.0 %", "0.2", "+0.0 %"] in cells(text)


def test_a_workload_in_which_the_operator_did_nothing_is_told_so() -> None:
    nothing = Counts("x", 3, {})
    assert render(nothing).startswith("x: 0 bytecodes a task of 3\n")
    assert render(nothing, nothing).startswith("x: 0 bytecodes a task of 3, - to those before\n")


def test_what_was_not_there_before_has_no_change() -> None:
    before = Counts("fan-out-of-100", 10, {CORE: Count(2, 60)})
    assert ["engine", "4", "40.0 %", "0.1", "-"] in cells(render(some(), before))


def test_only_the_first_functions_are_listed() -> None:
    many = {Frame(f"f{n}", RENDER.file): Count(1, 1000 - n) for n in range(60)}
    text = render(Counts("x", 1, many))
    assert sum(RENDER.file in line for line in text.splitlines()) == TOP
