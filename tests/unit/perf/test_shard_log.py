"""For how long shards were run by nobody, as two replicas' logs tell it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from perf.shard_log import Turn, gaps, turns


def a_log(path: Path, *lines: tuple[int, str]) -> Path:
    said = [{"ts": f"2026-01-01T00:00:{s:02}.500+00:00", "msg": text} for s, text in lines]
    path.write_text("".join(f"{json.dumps(each)}\n" for each in said) + '{"ts": "2026-')
    return path


def test_turns_are_read_from_all_logs_in_order(tmp_path: Path) -> None:
    one = a_log(tmp_path / "one.log", (3, "shard 4 given up"), (1, "unrelated: shard 4 given up"))
    two = a_log(tmp_path / "two.log", (4, "shard 4 taken over with 7 objects"))

    found = turns([two, one])

    assert [(turn.shard, turn.taken) for turn in found] == [(4, False), (4, True)]
    assert found[1].at - found[0].at == 1.0


def test_a_gap_is_from_the_end_of_a_term_to_the_next_take_over() -> None:
    found = [Turn(1.0, 4, False), Turn(1.5, 5, False), Turn(2.0, 5, True), Turn(4.0, 4, True)]
    assert gaps(found) == [0.5, 3.0]


@pytest.mark.parametrize(("died", "expected"), [(None, []), (7.0, [13.0])])
def test_a_shard_that_nobody_gave_up_counts_from_the_death_of_its_holder(
    died: float | None, expected: list[float]
) -> None:
    assert gaps([Turn(20.0, 4, True)], died) == expected
