"""The arithmetic of docs/scale.md."""

from __future__ import annotations

import pytest

from bench import scale
from bench.errors import BenchError
from bench.scale import BEGIN, END, PAGE, costs, short, table, worked_out

FIRST = """\
| For each | Pod | Workflow | Claim | Fast |
|---|---|---|---|---|
| operator, ms of processor time | 86.4 | 864 | 8.64 | 1 |
| API server, ms | 20 | 100 | 4 | 1 |
| etcd, ms | 1 | 10 | | |
| scheduler, ms | 2 | 3 | 0 | 0 |
| controller manager, ms | 3 | 6 | 0 | 0 |
| etcd, kB of versions until they are compacted | 144 | 60 | 8 | 4 |
| operator, KiB of memory while it runs | 10 | 30 | less than a pod | |
"""
WHOLE = f"# Title\n\n{FIRST}\nText.\n\n{BEGIN}\nold\n{END}\n\nAfter.\n"


def rows(page: str) -> dict[str, list[str]]:
    """The first line of each name, by its name."""
    found: dict[str, list[str]] = {}
    for line in table(costs(page)).splitlines():
        name, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        found.setdefault(name, cells)
    return found


def test_the_page_has_the_arithmetic_of_its_costs() -> None:
    page = PAGE.read_text()
    assert worked_out(page) == page, "run python -m bench.scale"


def test_costs_are_read_by_their_rows() -> None:
    found = costs(WHOLE)

    assert found[scale.API] == [20, 100, 4, 1]
    assert found[scale.ETCD] == [1, 10, None, None]
    assert found[scale.MEMORY] == [10, 30, None, None]


def test_cores_are_tasks_a_second_times_their_milliseconds() -> None:
    # A million a day are 1,000,000 / 86,400 a second; 86.4 ms each make one core of them.
    assert rows(WHOLE)["operator, cores"] == ["1.0, 5.0", "10, 50", "100, 500"]


def test_costs_of_several_programs_are_added_up() -> None:
    found = rows(WHOLE)["etcd, scheduler and controller manager, cores"]
    assert found[0] == "0.069, 0.35"


def test_history_is_what_is_written_until_it_is_compacted() -> None:
    assert rows(WHOLE)["etcd's history, GB"] == ["1.0, 5.0", "10, 50", "100, 500"]


def test_tasks_that_take_a_minute_are_alive_for_so_long() -> None:
    assert rows(WHOLE)["pods alive, if a task takes a minute"][1] == "6,900, 35,000"


def test_only_what_stands_between_the_marks_is_written() -> None:
    page = worked_out(WHOLE)

    assert page.startswith(f"# Title\n\n{FIRST}\nText.\n\n{BEGIN}\n\n| Mean, peak |")
    assert page.endswith(f"|\n\n{END}\n\nAfter.\n")
    assert worked_out(page) == page


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.0089, "0.0089"),
        (0.25, "0.25"),
        (1, "1.0"),
        (0.999, "1.0"),
        (41.3, "41"),
        (347_200, "350,000"),
    ],
)
def test_numbers_have_two_digits_that_mean_something(value: float, text: str) -> None:
    assert short(value) == text


@pytest.mark.parametrize(
    ("page", "said"),
    [
        (WHOLE.replace("| For each |", "| Each |"), "the table that begins with"),
        (WHOLE.replace(END, ""), "the marks"),
        (WHOLE.replace("| 20 |", "| unknown |"), "'API server, ms' has no number in column 1"),
        (WHOLE.replace("| scheduler, ms", "| a scheduler"), "'scheduler, ms' has no number"),
    ],
)
def test_a_page_that_cannot_be_worked_out_is_refused(page: str, said: str) -> None:
    with pytest.raises(BenchError, match=said):
        worked_out(page)
