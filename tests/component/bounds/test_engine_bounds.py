"""What a run costs, in counts: requests, bytes and passes per task stay within their bounds.

The bounds stand in `tests/perf/bounds.yaml`. A figure that grows past its bound fails here; when
it grew for a good reason, the bound is raised in the same commit, which says the reason.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from builders.costs import (
    Costs,
    a_chain_of_20,
    a_fan_out_of_100,
    a_hundred_conditions,
    a_warm_fan_out,
    fifty_workflows,
    for_each_of_1000,
    warm_chains,
)
from builders.engine import World, a_running_world

BOUNDS = yaml.safe_load((Path(__file__).parents[2] / "perf" / "bounds.yaml").read_text())
SLACK = 0.2
SCENARIOS: dict[str, Callable[[World], Any]] = {
    "chain-of-20": a_chain_of_20,
    "fan-out-of-100": a_fan_out_of_100,
    "fifty-workflows": fifty_workflows,
    "for-each-of-1000": for_each_of_1000,
    "hundred-conditions": a_hundred_conditions,
    "warm-chains": warm_chains,
    "warm-fan-out": a_warm_fan_out,
}


@pytest.mark.parametrize("name", SCENARIOS)
async def test_a_run_costs_no_more_than_its_bounds_and_these_are_not_slack(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_running_world() as world:
        costs = Costs(world, monkeypatch)
        tasks = await SCENARIOS[name](world)
        found = costs.per_task(tasks)
    with capsys.disabled():
        print(f"\n{name}: " + ", ".join(f"{key} {value:g}" for key, value in found.items()))  # noqa: T201
    bounds = BOUNDS[name]
    assert set(found) == set(bounds), "bounds.yaml names every figure that is measured"
    over = {key: (value, bounds[key]) for key, value in found.items() if value > bounds[key]}
    assert not over, f"figure and bound: {over}"
    slack = {k: (v, bounds[k]) for k, v in found.items() if bounds[k] > 2 * v + SLACK}
    assert not slack, f"lower these bounds, the figures are far below: {slack}"
