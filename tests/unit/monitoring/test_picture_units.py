"""Values in pictures: written as Grafana writes them, on scales with round marks."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.dashboards.parts import Unit
from monitoring.pictures.units import shown, ticks


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0, Unit.COUNT, "0"),
        (4, Unit.COUNT, "4"),
        (0.015, Unit.COUNT, "0.015"),
        (1540, Unit.COUNT, "1.54 K"),
        (2.5e6, Unit.COUNT, "2.5 Mil"),
        (1540, Unit.PLAIN, "1540"),
        (0.325, Unit.SHARE, "32.5%"),
        (-1.6, Unit.SHARE, "-160%"),
        (0, Unit.SECONDS, "0 s"),
        (0.00035, Unit.SECONDS, "350 µs"),
        (0.0145, Unit.SECONDS, "14.5 ms"),
        (12, Unit.SECONDS, "12 s"),
        (90, Unit.SECONDS, "1.5 min"),
        (7200, Unit.SECONDS, "2 hour"),
        (172800, Unit.SECONDS, "2 day"),
        (3 * 1024**2, Unit.BYTES, "3 MiB"),
        (1500, Unit.BYTES_RATE, "1.5 kB/s"),
        (0.2, Unit.RATE, "0.2 ops/s"),
        (math.nan, Unit.RATE, "-"),
    ],
)
def test_a_value_is_written_with_its_unit(value: float, unit: Unit, text: str) -> None:
    assert shown(value, unit) == text


def test_a_number_has_as_many_decimals_as_is_asked_for() -> None:
    assert shown(17.96, Unit.PLAIN, 0) == "18"
    assert shown(0.5, Unit.SHARE, 1) == "50.0%"


@pytest.mark.parametrize(
    ("top", "unit", "marks"),
    [
        (1, Unit.SHARE, ["0%", "25%", "50%", "75%", "100%"]),
        (0.013, Unit.SECONDS, ["0 s", "5 ms", "10 ms", "15 ms"]),
        (103, Unit.SECONDS, ["0 s", "30 s", "1 min", "1.5 min", "2 min"]),
        (4000, Unit.SECONDS, ["0 s", "30 min", "1 hour", "1.5 hour"]),
        (2.9e8, Unit.BYTES, ["0 B", "100 MiB", "200 MiB", "300 MiB"]),
    ],
)
def test_the_marks_of_a_scale_are_round_in_its_unit(
    top: float, unit: Unit, marks: list[str]
) -> None:
    assert [shown(each, unit) for each in ticks(top, unit)] == marks


@given(top=st.floats(1e-6, 1e8), unit=st.sampled_from(Unit))
def test_a_scale_begins_at_zero_and_reaches_the_top_in_a_few_marks(top: float, unit: Unit) -> None:
    marks = ticks(top, unit)
    assert marks[0] == 0
    assert top * 0.998 <= marks[-1]
    assert 2 <= len(marks) <= 8
    assert len({shown(each, unit) for each in marks}) == len(marks)
