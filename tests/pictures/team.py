"""A team of agents whose work has its ups and downs: what the pictures show."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from random import Random
from typing import Any

from builders import pods
from builders.kubelet import Fate, evicted, fails, ok, oom
from builders.pods import Body
from builders.specs import a_retry, a_step, a_task, a_workflow, an_agent
from builders.workers import Deed
from spectra_operator.api import constants as c

IMAGES = {name: f"example/{name}:1" for name in ("planner", "researcher", "writer", "reviewer")}
BETTER, WORSE = "example/reviewer:2", "example/reviewer:3"
HOPELESS = "to-nowhere"
_SCALING = {
    "maxReplicas": 10,
    "cooldownSeconds": 20,
    "behavior": {"scaleDown": {"stabilizationWindowSeconds": 15}},
}
_ROLLOUT = {
    "maxUnproven": 12,
    "analysis": {"minTasks": 8, "conditions": ["failureRatio <= 0.2"]},
}


def agents() -> list[Body]:
    """Return two agents with a pod for each attempt, one that scales, and one that rolls out."""
    kinds: dict[str, dict[str, Any]] = {
        "planner": {"concurrency": 8},
        "writer": {"concurrency": 12},
        "researcher": {"mode": "Pool", "slots": 2, "scaling": _SCALING},
        "reviewer": {"mode": "Pool", "slots": 2, "replicas": 4, "rollout": _ROLLOUT},
    }
    return [
        an_agent(name, uid=f"uid-of-{name}", template={"image": IMAGES[name]}, **fields)
        for name, fields in kinds.items()
    ]


def a_report(number: int, chance: Random) -> Body:
    """Return a workflow of the team: plan, look into it, write, have it read.

    Some are to be sent to nowhere, and fail.
    """
    name, retry = f"report-{number}", a_retry(2, seconds=2)
    sources = a_task("research", agent="researcher", count=chance.randint(2, 9), retry=retry)
    draft = a_task("draft", agent="writer", retry=retry)
    polish = a_task("polish", agent="writer", depends_on=["draft"], retry=retry)
    read = a_task("review", agent="reviewer", count=3, retry=retry)
    outline = a_task("outline", agent="planner", retry=retry)
    phases = [
        a_step("plan", [outline]),
        a_step("look", [sources], depends_on=["plan"]),
        a_step("write", [draft, polish], depends_on=["look"]),
        a_step("read", [read], depends_on=["write"]),
    ]
    if number % 30 == 3:
        phases.append(a_step("send", [a_task(HOPELESS, agent="writer")], depends_on=["read"]))
    return a_workflow(phases, name=name, uid=f"uid-of-{name}")


def _running_after(start: float, pod: Body, when: float) -> Body:
    return pods.running(pod, when + start)


class Habits:
    """How attempts go: mostly well, each in a time of its own."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance

    def pod(self, pod: Body) -> Fate:
        """Say how a pod goes, whose container starts after a second or two."""
        is_hopeless = pod["metadata"]["labels"][c.LABEL_TASK] == HOPELESS
        start, fate = self._chance.randint(1, 2), fails() if is_hopeless else self._end()
        begun = partial(_running_after, start)
        return replace(fate, seconds=fate.seconds + start, beginning=begun)

    def _end(self) -> Fate:
        """Say how it ends: three in a hundred fail, and some are lost or run out of memory."""
        draw, seconds = self._chance.random(), self._chance.lognormvariate(0.6, 0.5)
        if draw < 0.03:
            return fails(seconds=seconds)
        if draw < 0.05:
            return oom()
        if draw < 0.06:
            return evicted()
        usage = {
            "inputTokens": self._chance.randint(400, 4000),
            "outputTokens": self._chance.randint(100, 900),
            "cost": f"{self._chance.uniform(0.01, 0.2):.3f}",
        }
        return ok(seconds=seconds, usage=usage)

    def research(self, document: Body) -> Deed:
        """Say how a claim goes: four in a hundred fail."""
        del document
        good = self._chance.random() > 0.04
        return Deed(self._chance.lognormvariate(0.8, 0.6), good, cost="0.02")

    def review(self, document: Body) -> Deed:
        """Do it well, in about two seconds."""
        del document
        return Deed(self._chance.lognormvariate(0.5, 0.4), cost="0.01")

    def hasty(self, document: Body) -> Deed:
        """Fail every second one, as a bad revision does."""
        del document
        return Deed(0.8, self._chance.random() > 0.5, cost="0.01")
