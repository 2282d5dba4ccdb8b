"""What a task keeps in memory: whose an allocation is, and what is told of it."""

from __future__ import annotations

import json
import tracemalloc
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from profiling import cli
from profiling.memory import Memory, Site, from_json, held, render, site_of
from spectra_operator.core import names

SLIM = Site("spectra_operator/engine/slim.py", 47)
LOADED = Site("spectra_operator/kube/documents.py", 35)
HOME = "/x/operator/"


def a_memory() -> Memory:
    running = {SLIM: 657.0, LOADED: 873.5}
    return Memory(1000, {"running": running, "workflow ended": {SLIM: 55.0}})


def test_what_a_library_allocates_is_its_callers_in_the_operator() -> None:
    stack = [(HOME + SLIM.file, SLIM.line), ("/lib/dataclasses.py", 1503), ("<string>", 3)]
    assert site_of(stack) == SLIM


def test_the_innermost_line_of_the_operator_is_the_site() -> None:
    stack = [(HOME + "spectra_operator/kube/informer.py", 180), (HOME + SLIM.file, SLIM.line)]
    assert site_of(stack) == SLIM


@pytest.mark.parametrize("player", ["fake_api/store.py", "kubelet.py", "pods.py"])
def test_what_is_played_is_not_the_operators_even_if_it_calls_the_operators_code(
    player: str,
) -> None:
    ours = ("/x/operator/spectra_operator/kube/resources.py", 9)
    assert site_of([(f"/x/tests/builders/{player}", 3), ours]) is None


def test_what_plays_the_process_of_the_operator_is_no_part_of_the_cluster() -> None:
    stack = [("/x/tests/builders/replica.py", 180), (HOME + SLIM.file, SLIM.line)]
    assert site_of(stack) == SLIM


def test_an_allocation_of_nobody_in_the_operator_has_no_site() -> None:
    assert site_of([("/lib/asyncio/events.py", 80)]) is None


def test_what_the_operators_code_made_and_somebody_keeps_is_held() -> None:
    tracemalloc.start(4)
    try:
        kept = [names.short_hash(f"kept/{number}", 8) for number in range(100)]
        found = held(tracemalloc.take_snapshot())
    finally:
        tracemalloc.stop()

    assert len(kept) == 100
    assert {site.file for site in found} == {"spectra_operator/core/names.py"}
    assert sum(found.values()) >= 100 * 57


def test_a_task_keeps_what_a_larger_fan_out_has_more_for_each_task_more() -> None:
    fewer = {"running": Counter({SLIM: 1000, LOADED: 500})}
    more = {"running": Counter({SLIM: 4000})}

    memory = Memory.between(fewer, more, 10)

    assert memory.moments == {"running": {SLIM: 300.0, LOADED: -50.0}}


def test_it_is_told_by_room_by_file_and_by_line_at_each_moment() -> None:
    told = render(a_memory(), lambda site: f"kept = {site.line} | more")

    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in told.splitlines()]
    assert ["Room", "running", "workflow ended"] in rows
    assert ["kube: JSON read", "874", "0"] in rows
    assert ["engine", "657", "55"] in rows
    assert ["spectra_operator/engine/slim.py", "657", "55"] in rows
    assert ["all", "1,530", "55"] in rows
    assert str(SLIM) in told
    assert "kept = 47 \\| more" in told


def test_it_is_the_same_after_json() -> None:
    assert from_json(json.loads(json.dumps(a_memory().as_json()))) == a_memory()


@pytest.mark.parametrize(
    "told",
    [{}, [], {"tasks": 1, "moments": []}, {"tasks": 1, "moments": {"running": {"slim": 1}}}],
)
def test_what_is_no_memory_is_refused(told: Any) -> None:
    with pytest.raises(ValueError, match="no bytes by moments and sites"):
        from_json(told)


def test_the_command_keeps_the_numbers_and_the_report(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[Any] = []

    def told(*given: Any) -> Memory:
        asked.append(given[0])
        return a_memory()

    monkeypatch.setattr(cli, "told", told)

    assert cli.main(["--output", str(tmp_path), "memory"]) == 0

    assert asked == [["profiling.retained"]]
    assert from_json(json.loads((tmp_path / "memory.json").read_text())) == a_memory()
    report = (tmp_path / "memory.md").read_text()
    assert "1,530" in report
    assert report in capsys.readouterr().out
