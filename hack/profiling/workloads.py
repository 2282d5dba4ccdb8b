"""Fixed runs whose work is counted: an engine against a fake API server, on a clock that stands.

All but the smallest are scenarios of `tests/perf/bounds.yaml`. Both are in this process, so a run
is the same each time: nothing waits for real time, and hashes have a fixed seed.

    python -m profiling.workloads fan-out-of-100    # prints the counts as JSON
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Sequence

from builders.costs import (
    a_chain_of_20,
    a_fan_out_of_100,
    a_warm_fan_out,
    fifty_workflows,
    warm_chains,
)
from builders.engine import World, a_running_world
from builders.specs import a_workflow
from profiling.counting import counting
from profiling.counts import Counts


async def one_workflow(world: World) -> int:
    """Run a workflow of one task."""
    await world.apply(a_workflow())
    await world.finished()
    await world.during(5)
    return 1


WORKLOADS: dict[str, Callable[[World], Awaitable[int]]] = {
    "chain-of-20": a_chain_of_20,
    "fan-out-of-100": a_fan_out_of_100,
    "fifty-workflows": fifty_workflows,
    "one-workflow": one_workflow,
    "warm-chains": warm_chains,
    "warm-fan-out": a_warm_fan_out,
}


async def counted(name: str) -> Counts:
    """Return what the operator's code does in a workload, its start left out."""
    async with a_running_world() as world:
        with counting() as tracing:
            tasks = await WORKLOADS[name](world)
    return Counts(name, tasks, tracing.counts())


def main(arguments: Sequence[str]) -> None:
    """Print the counts of the workload that is named.

    Raises:
        SystemExit: It is not named, or there is none of that name.
    """
    parser = argparse.ArgumentParser(prog="python -m profiling.workloads")
    parser.add_argument("workload", choices=sorted(WORKLOADS))
    name = parser.parse_args(arguments).workload
    print(json.dumps(asyncio.run(counted(name)).as_json()))


if __name__ == "__main__":
    main(sys.argv[1:])
