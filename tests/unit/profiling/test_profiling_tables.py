"""A profile as text."""

from __future__ import annotations

from collections import Counter

from profiling import tables
from profiling.stacks import Frame, Profile, Stack

LOOP = Frame("Runner.run", "asyncio/runners.py")
CORE = Frame("decide_phase", "spectra_operator/core/phase/decide.py")


def rendered(stacks: dict[Stack, int], seconds: float = 1.0) -> list[str]:
    return tables.render("a run", Profile(Counter(stacks), 100, seconds)).splitlines()


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_head_says_how_much_was_seen_and_how_long_nothing_ran() -> None:
    (head, *_) = rendered({(LOOP,): 10, (LOOP, CORE): 30})
    assert head.startswith("a run: 40 samples at 100 a second in 1 s; idle 60.0 % of the time.")


def test_rooms_stand_in_the_order_of_their_time() -> None:
    rows = [cells(line) for line in rendered({(LOOP,): 10, (LOOP, CORE): 30})]
    assert ["core", "75.0 %", "30"] in rows
    assert rows.index(["core", "75.0 %", "30"]) < rows.index(["event loop", "25.0 %", "10"])


def test_a_function_has_its_own_time_and_that_with_its_calls() -> None:
    rows = [cells(line) for line in rendered({(LOOP,): 10, (LOOP, CORE): 30})]
    assert ["25.0 %", "100.0 %", "Runner.run", "asyncio/runners.py"] in rows
    assert ["75.0 %", "75.0 %", CORE.name, CORE.file] in rows


def test_only_the_first_functions_are_listed() -> None:
    many: dict[Stack, int] = {(Frame(f"f{n}", "a.py"),): n + 1 for n in range(60)}

    listed = [line for line in rendered(many) if "a.py" in line]

    assert len(listed) == tables.TOP
    assert "f59" in listed[0]


def test_a_run_in_which_nothing_ran_is_told_so() -> None:
    assert rendered({}, 12.0) == ["a run: nothing ran in 12 s"]


def test_processor_time_and_waiting_stand_beside_the_samples_that_count_both() -> None:
    profile = Profile(Counter({(LOOP, CORE): 1000}), 200, 8.0, cpu=3.0, waited=2.04)

    _, _, said, *_ = tables.render("a run", profile).splitlines()

    assert "had 3.0 s of processor time" in said
    assert "waited 2.0 s for a core" in said
    assert said.endswith("a sample is 3.0 ms of processor time.")


def test_nothing_is_said_of_a_processor_time_that_nobody_knows() -> None:
    assert "processor time" not in "".join(rendered({(LOOP,): 10}))
