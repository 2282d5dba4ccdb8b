"""Workflows drawn by a seed, with the fates of all their attempts.

They fail under the policy Continue, where the end does not depend on the pace of things: a run
under any trouble must come to exactly the end of a calm one.
"""

from __future__ import annotations

import random
from collections import defaultdict
from typing import Any

from builders.campaign import end_state
from builders.engine import World
from builders.kubelet import Fate, evicted, fails, ok, oom
from builders.specs import Body, a_retry, a_step, a_task, a_workflow


class RandomRun:
    """One drawn workflow; the same seed gives the same."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._fates: dict[tuple[str, int], list[Fate]] = {}
        self._names = iter(f"t{number}" for number in range(100))
        steps: list[Body] = []
        for number in range(self._random.randint(1, 3)):
            parents = self._some([step["name"] for step in steps])
            tasks = self._tasks(self._random.randint(1, 4))
            limit = self._random.choice([None, None, 2])
            steps.append(a_step(f"p{number}", tasks, depends_on=parents, parallelism=limit))
        self.workflow = a_workflow(steps, failure_policy="Continue")

    async def begin(self, world: World) -> None:
        """Script the kubelet and apply the workflow."""
        for (task, index), fates in self._fates.items():
            world.kubelet.plan(task, *fates, index=index)
        await world.apply(self.workflow)

    def _tasks(self, count: int) -> list[Body]:
        tasks: list[Body] = []
        for _ in range(count):
            name = next(self._names)
            items = self._random.choice([None, None, 3])
            for index in range(items or 1):
                self._fates[name, index] = self._fate()
            task = a_task(
                name,
                depends_on=self._some([task["name"] for task in tasks]),
                count=items,
                retry=a_retry(limit=1, losses=1, seconds=self._random.choice([0, 3])),
                allow_failure=self._random.random() < 0.3 or None,
            )
            tasks.append(task)
        return tasks

    def _fate(self) -> list[Fate]:
        seconds = self._random.choice([0.0, 1.0, 4.0])
        bad = self._random.choices([[], [fails()], [evicted()], [oom(), fails()], [evicted()] * 2],
                                   [6, 2, 2, 1, 1])[0]  # fmt: skip
        return [*bad, ok({"n": self._random.randint(0, 9)}, seconds=seconds)]

    def _some(self, names: list[str]) -> list[str] | None:
        return [name for name in names if self._random.random() < 0.5] or None


async def history(world: World) -> Any:
    """Return the end of a run and how often each item ran; fail if an attempt came twice."""
    attempts: dict[tuple[str, str, int], list[int]] = defaultdict(list)
    for birth in world.kubelet.births:
        attempts[birth.phase, birth.task, birth.index].append(birth.number)
    for item, numbers in attempts.items():
        assert numbers == list(range(1, len(numbers) + 1)), (item, numbers)
    assert world.held_pods() == []
    assert world.operator.failed_passes() == 0
    return await end_state(world), dict(attempts)
