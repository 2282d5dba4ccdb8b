"""docs/features.md names files that exist, for every feature."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
ROWS = [
    [cell.strip() for cell in line.strip("|\n ").split(" | ")]
    for line in (ROOT / "docs" / "features.md").read_text().splitlines()
    if line.startswith("| ") and not line.startswith("| Feature")
]


def test_the_table_has_a_row_for_each_feature() -> None:
    assert len(ROWS) >= 30
    assert len({row[0] for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_feature_has_a_field_an_example_a_test_and_a_page(row: list[str]) -> None:
    _, field, example, test, page = row
    assert "`" in field
    for cell, folder in ((example, "examples/"), (test, "tests/"), (page, "docs/")):
        [path] = re.findall(r"`([^`]+)`", cell)
        assert path.startswith(folder)
        assert (ROOT / path).exists(), path
