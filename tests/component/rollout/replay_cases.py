"""Replayable agents, work that they remember, and what they then do again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from builders.engine import World
from builders.specs import Body, a_step, a_task, a_workflow
from builders.workers import Deed, Habit
from component.rollout.rollout_cases import (
    GOOD,
    NEXT,
    a_pool,
    change_image,
    peeked,
)
from spectra_operator.engine.keys import PHASES

SAME = "outputs == recorded.outputs"
TRICKY = "${tasks.one.outputs.total} and $${phases}"
ADDED = Deed(outputs={"total": 3}, cost="0.01")
AGAIN = ["one", "two"]


def replayed(last: int = 10, conditions: tuple[str, ...] = (SAME,), **fields: Any) -> Body:
    """Return a replayable pool whose revisions do recorded tasks again."""
    replay = {"last": last, "conditions": list(conditions)}
    rollout = {"preGate": {"replay": replay}, "analysis": None} | fields.pop("rollout", {})
    return a_pool(**({"replayable": True, "rollout": rollout} | fields))


def two_tasks() -> Body:
    """Return a workflow of two tasks, of which the second reads what the first returned."""
    one = a_task("one", input={"of": [1, 2]})
    two = a_task("two", depends_on=["one"], input={"sum": "${tasks.one.outputs.total}"})
    return a_workflow([a_step("build", [one, two])])


def adds(_: Body) -> Deed:
    """Do any claim in a second, for a cent, with a total of 3."""
    return ADDED


def seen_by(documents: list[Body], habit: Habit) -> Habit:
    """Return the habit, with the documents of the claims noted."""

    def do(document: Body) -> Deed:
        if document["id"] not in [each["id"] for each in documents]:
            documents.append(document)
        return habit(document)

    return do


async def recorded(world: World, work: Body | None = None, habit: Habit = adds) -> None:
    """Let work be done by the first revision."""
    world.workers.habits = {GOOD: habit, NEXT: habit}
    await world.apply(work or two_tasks())
    await world.finished()


async def rolled_out(world: World, habit: Habit = adds) -> Body:
    """Change the template to one with a habit, and return how its rollout ended."""
    world.workers.habits[NEXT] = habit
    await change_image(world)
    await world.until(is_over(world))
    await world.during(10)
    return peeked(world)


def is_over(world: World) -> Callable[[], bool]:
    """Return whether the rollout of the second template has come to an end."""
    return lambda: len(peeked(world).get("history") or ()) > 1


def done_by(world: World, image: str) -> list[str]:
    """Return the tasks that workers of an image have begun, in the order of their names."""
    began = world.workers.began
    return sorted(task for task, _, _, worker in began if world.workers.images[worker] == image)


async def replays(world: World) -> list[Body]:
    """Return the Phase objects of gates."""
    return [each for each in await world.api.objects(PHASES) if "gate" in each["spec"]]
