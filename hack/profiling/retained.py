"""What a fan-out leaves in memory, measured in this process: an operator and a played cluster.

Two fan-outs are run one after the other, each in a world of its own, and looked at when all their
tasks run, when these have ended beside one that goes on, and when the workflow has ended. What the
larger one has more is divided by how many tasks it has more.

    python -m profiling.retained    # prints the bytes of a task as JSON
"""

from __future__ import annotations

import asyncio
import gc
import json
import tracemalloc
from collections import Counter

from builders.engine import World, a_running_world
from builders.kubelet import hangs, ok
from builders.specs import a_step, a_task, a_workflow
from profiling.memory import Memory, Site, held

SIZES = (200, 1200)
WARM_UP = 20
FRAMES = 8
"""How far a stack is looked at: from an allocation to who wanted it."""
REST_SECONDS = 10.0
"""For what is written about once a second, and what is forgotten later."""
ENDING_SECONDS = 600.0


async def of_a_fan_out(small: int, large: int) -> Memory:
    """Return what a task of a fan-out keeps in memory, by the moment in its life."""
    await looked_at(WARM_UP)  # what is made once and kept, such as compiled patterns
    fewer = await looked_at(small)
    more = await looked_at(large)
    return Memory.between(fewer, more, large - small)


async def looked_at(tasks: int) -> dict[str, Counter[Site]]:
    """Return the bytes that were allocated for a fan-out and are there yet, by moment and site."""
    async with a_running_world() as world:
        await world.during(REST_SECONDS)
        tracemalloc.clear_traces()
        return await _moments(world, tasks)


async def _moments(world: World, tasks: int) -> dict[str, Counter[Site]]:
    found = {}
    for index in range(tasks):
        world.kubelet.plan("shard", hangs(), index=index)
    world.kubelet.plan("other", hangs())
    several = [a_task("shard", count=tasks), a_task("other")]
    await world.apply(a_workflow([a_step("build", several)]))
    await world.until(lambda: len(world.kubelet.births) == tasks + 1)
    await world.during(REST_SECONDS)
    found["running"] = _now(world)
    for index in range(tasks):
        await world.kubelet.end("shard", ok({"n": index}), index=index)
    await world.until(lambda: len(world.held_pods()) == 1, seconds=ENDING_SECONDS)
    await world.during(REST_SECONDS)
    found["ended beside another"] = _now(world)
    await world.kubelet.end("other", ok())
    await world.finished(seconds=ENDING_SECONDS)
    await world.during(REST_SECONDS)
    found["workflow ended"] = _now(world)
    return found


def _now(world: World) -> Counter[Site]:
    world.clock.forget_woken()
    gc.collect()
    return held(tracemalloc.take_snapshot())


def main() -> None:
    """Print what a task keeps."""
    tracemalloc.start(FRAMES)
    print(json.dumps(asyncio.run(of_a_fan_out(*SIZES)).as_json()))


if __name__ == "__main__":
    main()
