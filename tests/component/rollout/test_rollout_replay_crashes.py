"""The operator dies before and after each write of a replay: the end is the same."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from builders.campaign import Death, KillAfter, KillBefore, Tale
from builders.engine import World
from builders.specs import Body, a_step, a_task, a_workflow
from builders.workers import Deed, Habit
from component.rollout.rollout_cases import GOOD, NEXT, a_pool, change_image, peeked
from spectra_operator.engine.keys import PHASES

ENDS = {3: "Promoted", 4: "Aborted"}
REPLAY = {"last": 5, "conditions": ["outputs == recorded.outputs"]}


def totals(total: int) -> Habit:
    """Do any claim with this total, but the first task always with the right one."""
    return lambda document: Deed(outputs={"total": 3 if document["task"] == "one" else total})


def a_replayable_agent() -> Body:
    return a_pool(
        replicas=1, replayable=True, rollout={"preGate": {"replay": REPLAY}, "analysis": None}
    )


async def before(total: int, world: World) -> None:
    """Let two tasks be recorded."""
    world.workers.habits = {GOOD: totals(3), NEXT: totals(total)}
    one, two = a_task("one", input={"of": [1, 2]}), a_task("two", depends_on=["one"])
    await world.apply(a_workflow([a_step("build", [one, two])]))
    await world.finished()
    await world.during(30)


async def end(total: int, world: World) -> Any:
    """Let a rollout come to its end, and return that; no recorded task is done again twice."""
    await world.until(lambda: len(peeked(world).get("history") or ()) > 1, seconds=600)
    await world.during(30)
    found = peeked(world)
    assert found["state"] == ENDS[total]
    images, began = world.workers.images, world.workers.began
    again = sorted(task for task, _, _, worker in began if images[worker] == NEXT)
    assert again == ["one", "two"]
    (phase,) = [each for each in await world.api.objects(PHASES) if "gate" in each["spec"]]
    recorded = {each["task"] for each in phase["spec"]["context"]["tasks"].values()}
    assert recorded == {"one", "two"}
    history = [(each["outcome"], each["reason"]) for each in found["history"]]
    return history, found["active"], found["replay"], phase["status"]["state"]


def is_over(world: World) -> bool:
    return len(peeked(world)["history"]) > 1


@pytest.mark.timeout(240)
@pytest.mark.parametrize("kind", [KillBefore, KillAfter])
@pytest.mark.parametrize("total", [3, 4])
async def test_a_death_at_any_write_of_a_replay_changes_nothing_about_its_end(
    total: int, kind: Death
) -> None:
    agent, recorded = a_replayable_agent(), partial(before, total)
    await Tale(agent, change_image, partial(end, total), is_over, before=recorded).dies(kind, 10)
