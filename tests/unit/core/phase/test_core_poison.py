"""What somebody wrote by hand into labels or a status never grows into gigabytes."""

from __future__ import annotations

from typing import Any

import pytest

from builders.pods import a_pod, running
from spectra_operator.api import constants as c
from spectra_operator.core import indexes
from spectra_operator.core.attempts.evidence import attempt_of
from spectra_operator.core.phase.status import parse_task

FAN_OUT: dict[str, Any] = {"state": "Running", "items": {"total": 3}}


@pytest.mark.parametrize(
    ("label", "value"),
    [
        (c.LABEL_ATTEMPT, "99999999999999999999999"),
        (c.LABEL_ATTEMPT, "0"),
        (c.LABEL_INDEX, "10000"),
        (c.LABEL_INDEX, "-1"),
    ],
)
def test_a_pod_with_an_impossible_number_is_not_an_attempt(label: str, value: str) -> None:
    pod = running(a_pod("x"), 1)
    assert attempt_of(pod) is not None
    pod["metadata"]["labels"] |= {label: value}
    assert attempt_of(pod) is None


@pytest.mark.parametrize("text", ["0-39999999999", "10000", "5-10000"])
def test_ranges_beyond_the_largest_fan_out_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a range"):
        indexes.parse(text)
    with pytest.raises(ValueError, match="not a range"):
        parse_task(FAN_OUT | {"items": {"total": 3, "succeeded": text}})


def test_an_open_item_beyond_the_largest_fan_out_is_refused() -> None:
    opened = {"39999999999": {"state": "Backoff"}}
    with pytest.raises(ValueError, match="not a range"):
        parse_task(FAN_OUT | {"items": {"total": 3, "open": opened}})


def test_more_items_than_a_fan_out_can_have_are_cut_off() -> None:
    assert parse_task(FAN_OUT | {"items": {"total": 10**12}}).total == c.MAX_COUNT
