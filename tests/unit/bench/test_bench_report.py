from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from bench.cli import write
from bench.pictures import PICTURES, draw
from bench.report import number, render, table
from bench.results import Report, Result, spread
from builders.benchmarks import (
    MACHINE,
    a_cost,
    a_dispatch_run,
    a_paced_run,
    a_pod_run,
    a_spread,
)

COMMAND = "python -m bench --quick"

WHOLE: list[Result] = [
    a_pod_run("chain", hops=a_spread(0.009, 0.050)),
    a_pod_run("fan-out-100", pods=100),
    a_pod_run("fan-out-1000"),
    a_pod_run("fan-out-1000", engine="argo", cost=a_cost(requests={}), cold_start=None),
    a_dispatch_run(a_paced_run(), a_paced_run(shape="fan-outs", wanted=None)),
]


def rendered(results: Sequence[Result]) -> str:
    return render(Report(MACHINE, COMMAND, list(results)))


def row(text: str, *beginning: str) -> list[str]:
    """Return the cells of the first row that begins so."""
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[: len(beginning)] == list(beginning):
            return cells
    raise AssertionError(f"no row {beginning} in\n{text}")


def test_a_run_that_came_to_no_end_is_named_below_the_targets() -> None:
    text = render(Report(MACHINE, COMMAND, [], ["chain of 100: spectra, run 1: why"]))

    assert text.splitlines()[-1] == "FAILED: chain of 100: spectra, run 1: why"


def test_columns_line_up() -> None:
    assert table(["A", "Long"], [["wide cell", "1"], ["x", "2"]]).splitlines() == [
        "| A         | Long |",
        "| --------- | ---- |",
        "| wide cell | 1    |",
        "| x         | 2    |",
    ]


def test_the_report_names_the_machine_the_load_and_the_command() -> None:
    first = rendered([]).splitlines()[0]

    assert first == (
        "`python -m bench --quick` at commit abcdef1234: 2 cores of Model 1, 24 GiB, Linux 6.1;"
        " load when it began: 0.50 0.25 0.12"
    )


def test_each_target_has_its_limit_what_was_reached_and_a_verdict() -> None:
    text = rendered(WHOLE)

    assert row(text, "hop in a chain, p50")[1:] == ["≤ 20 ms", "9 ms", "met"]
    assert row(text, "memory a running task")[1:] == ["≤ 6 kB", "-", "not measured"]


@pytest.mark.parametrize(
    ("value", "shown"), [(0.01234, "0.0123"), (15.94, "15.9"), (126.4, "126"), (1880.2, "1880")]
)
def test_numbers_have_as_many_digits_as_mean_something(value: float, shown: str) -> None:
    assert number(value) == shown


def test_a_run_has_its_makespan_its_rate_and_the_ratio_to_the_raw_limit() -> None:
    cells = row(rendered(WHOLE), "fan-out-1000", "spectra")

    assert cells[2:8] == ["1", "1,000", "10.0", "100.0", "125.0", "80"]
    assert cells[11:13] == ["1.8", "1.40"]


def test_of_several_runs_the_median_and_the_range_are_shown() -> None:
    runs = [a_pod_run(run=n, makespan=seconds) for n, seconds in enumerate((8.0, 9.5, 12.0))]

    assert row(rendered(runs), "fan-out-1000", "spectra")[4] == "9.5 (8.0 to 12.0)"


def test_engines_stand_beside_each_other_scenario_by_scenario() -> None:
    lines = [line for line in rendered(WHOLE).splitlines() if line.startswith("| fan-out-1000")]

    assert [line.split("|")[2].strip() for line in lines[:2]] == ["argo", "spectra"]


def test_an_engine_that_tells_no_requests_has_none_in_the_report() -> None:
    text = rendered([a_pod_run(engine="argo", cost=a_cost(requests={}))])

    assert text.splitlines()[-1].split("|")[3].strip() == "-"


def test_requests_are_shown_for_each_task_the_most_frequent_first() -> None:
    cost = a_cost(requests={"patch phases": 10, "create pods": 1000})

    cells = rendered([a_pod_run(cost=cost)]).splitlines()[-1].split("|")

    assert cells[3].strip() == "create pods 1.00, patch phases 0.01"


def test_dispatch_has_a_row_for_each_rate_and_its_raw_limit() -> None:
    text = rendered(WHOLE)

    assert "raw Lease patches a second before and after: 500, 500" in text
    assert row(text, "chains")[:7] == ["chains", "200", "200", "900", "10.0", "90.0", "90.0"]
    assert row(text, "fan-outs")[1] == "-"


def test_the_percentiles_of_a_few_values_are_values() -> None:
    found = spread([0.4, 0.1, 0.3, 0.2])

    assert found is not None
    assert (found.count, found.p50, found.p99, found.most) == (4, 0.3, 0.4, 0.4)
    assert spread([]) is None


def test_the_folder_has_the_text_and_all_figures_as_json(tmp_path: Path) -> None:
    write(tmp_path, Report(MACHINE, COMMAND, WHOLE, ["chain: no end"]))

    assert row((tmp_path / "report.md").read_text(), "fan-out-1000", "spectra")
    told = json.loads((tmp_path / "results.json").read_text())
    assert told["command"] == COMMAND
    assert told["failures"] == ["chain: no end"]
    assert told["machine"]["cores"] == 2
    assert [run["scenario"] for run in told["runs"]][-1] == "dispatch"
    target = next(one for one in told["targets"] if one["what"] == "hop in a chain, p50")
    assert target == {
        "what": "hop in a chain, p50",
        "limit": 20,
        "unit": "ms",
        "reached": 9.0,
        "verdict": "met",
    }


def test_pictures_are_drawn_of_what_was_measured(tmp_path: Path) -> None:
    assert {path.stem for path in draw(tmp_path, WHOLE)} == set(PICTURES)
    for path in tmp_path.iterdir():
        assert path.read_text().startswith("<?xml")


def test_nothing_is_drawn_of_what_was_not(tmp_path: Path) -> None:
    assert draw(tmp_path, []) == []
    assert [path.stem for path in draw(tmp_path, [a_dispatch_run()])] == ["dispatch"]
    assert list(tmp_path.glob("*.svg")) == [tmp_path / "dispatch.svg"]


def test_equal_results_give_equal_pictures(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        draw(tmp_path / name, [a_dispatch_run()])

    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


@pytest.mark.parametrize("unit", ["MB", "%", "ms", "s", "kB", "times"])
def test_units_stand_behind_limits(unit: str) -> None:
    assert f" {unit} " in rendered([])


def test_the_memory_of_tables_says_its_own_unit_in_each_column() -> None:
    for head in ("RSS before MiB", "Peak MiB", "Settled MiB"):
        assert f" {head} " in rendered(WHOLE)
