"""The page that shows what was measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import page
from bench.errors import BenchError
from bench.page import BEGIN, DOCS, END, PAGE

AROUND = f"# Title\n\n{BEGIN}\nold\n{END}\n\nAfter.\n"


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / PAGE.name).write_text(AROUND)
    return docs


@pytest.fixture
def report(tmp_path: Path) -> Path:
    folder = tmp_path / "report"
    folder.mkdir()
    (folder / "report.md").write_text("| measured |\n")
    (folder / "hop-latency.svg").write_text("<svg/>")
    return folder


def test_a_report_and_its_pictures_come_between_the_marks(docs: Path, report: Path) -> None:
    page.fill(report, docs)

    assert (docs / PAGE.name).read_text() == (
        f"# Title\n\n{BEGIN}\n\n| measured |\n\n"
        f"![hop latency](performance/hop-latency.svg)\n\n{END}\n\nAfter.\n"
    )
    assert (docs / "performance" / "hop-latency.svg").read_text() == "<svg/>"


def test_filling_twice_is_filling_once(docs: Path, report: Path) -> None:
    page.fill(report, docs)
    once = (docs / PAGE.name).read_text()

    page.fill(report, docs)

    assert (docs / PAGE.name).read_text() == once


def test_a_folder_without_a_report_is_refused(docs: Path, tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"report\.md is missing: give the folder"):
        page.fill(tmp_path, docs)


def test_a_page_without_marks_is_refused(docs: Path, report: Path) -> None:
    (docs / PAGE.name).write_text("# Title\n")

    with pytest.raises(BenchError, match=r"the marks .* are missing"):
        page.fill(report, docs)


def test_the_projects_own_page_has_the_marks() -> None:
    text = (DOCS / PAGE.name).read_text()

    assert text.count(BEGIN) == text.count(END) == 1


def test_where_nothing_was_measured_the_targets_stand() -> None:
    assert page.empty().startswith("Not measured yet.")
    assert "| hop in a chain, p50" in page.empty()
