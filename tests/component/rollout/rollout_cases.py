"""Agents with a good and a bad revision, work for them, and what must hold of every rollout."""

from __future__ import annotations

from collections import Counter
from typing import Any

from builders.engine import World
from builders.specs import NAMESPACE, Body, a_retry, a_step, a_task, a_workflow, an_agent
from builders.workers import Deed, once
from spectra_operator.engine.keys import AGENTS
from spectra_operator.kube.resources import EVENTS

GOOD, NEXT = "example/worker:1", "example/worker:2"
BOUND = 6
ANALYSIS = {
    "minTasks": 4,
    "conditions": [
        "failureRatio <= 0.2",
        "p95Seconds <= 4 * stable.p95Seconds",
        "costPerTask <= 2 * stable.costPerTask",
    ],
}
COUNT = 60


def a_pool(**fields: Any) -> Body:
    """Return an agent with four workers, whose revisions are bounded and judged."""
    rollout = {"maxUnproven": BOUND, "analysis": ANALYSIS} | fields.pop("rollout", {})
    given: dict[str, Any] = {"mode": "Pool", "replicas": 4, "rollout": rollout} | fields
    agent = an_agent(**given)
    agent["spec"]["template"]["image"] = GOOD
    return agent


def the_work(count: int = COUNT) -> Body:
    """Return a workflow of so many items, each tried again as often as it fails."""
    return a_workflow([a_step("build", [a_task("each", count=count, retry=a_retry(20))])])


def well(document: Body) -> Deed:
    """Do any claim well, in a second and for a cent."""
    return Deed(outputs={"n": document["index"]}, cost="0.01")


def fails_some(document: Body) -> Deed:
    """Fail every third item."""
    return Deed(succeeded=document["index"] % 3 != 0, cost="0.01")


def slowly(document: Body) -> Deed:
    """Do any claim well, and take ten times as long."""
    return Deed(seconds=10, outputs={"n": document["index"]}, cost="0.01")


def dearly(document: Body) -> Deed:
    """Do any claim well, for ten times the cost."""
    return Deed(outputs={"n": document["index"]}, cost="0.10")


async def change_image(world: World, image: str = NEXT) -> None:
    """Change the template of the agent."""
    await world.change("Agent", "worker", template={"image": image})


async def rollout(world: World) -> Body:
    """Return what the status of the agent says of its rollout."""
    found: Body = (await world.agent())["status"]["rollout"]
    return found


def peeked(world: World) -> Body:
    """Return the same as it is now, for conditions."""
    return ((world.peek(AGENTS, "worker") or {}).get("status") or {}).get("rollout") or {}


def begun_with(world: World, image: str) -> int:
    """Return how many claims workers of an image have begun."""
    images = Counter(world.workers.images[worker] for _, _, _, worker in world.workers.began)
    return images[image]


def check(world: World, count: int = COUNT) -> None:
    """Check that every item was done well once, and that nothing was done again after that."""
    workers = world.workers
    assert once(workers.began)
    assert not workers.refused
    done = set()
    for _, index, _, worker in workers.began:
        assert index not in done
        habit = workers.habits[workers.images[worker]]
        if habit({"index": index}).succeeded:
            done.add(index)
    assert len(done) == count


async def events(world: World) -> list[str]:
    """Return the reasons of the agent's Events, in order."""
    found = [
        each
        for each in await world.api.objects(EVENTS, NAMESPACE)
        if each["involvedObject"]["kind"] == "Agent"
    ]
    found.sort(key=lambda each: each["metadata"]["name"])
    return [each["reason"] for each in found]
