"""Random phases for the plays: small graphs, fates for every item, budgets that may run out."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from hypothesis import strategies as st

from builders.plays import Fates, Play
from builders.specs import Body, a_phase, a_retry, a_task

LIMIT, LOSSES = 2, 2
SEEDS = st.integers(0, 10**9)


@dataclass(frozen=True)
class Plot:
    """A phase and how its attempts end."""

    phase: Body
    fates: Fates

    def play(self, **fields: Any) -> Play:
        """Return a fresh play of it."""
        return Play(self.phase, self.fates, **fields)


def plot(seed: int, policy: str = "Continue", parallelism: int | None = None) -> Plot:
    """Return a phase of up to six tasks, some of them fan-outs, with fates for all items."""
    random = Random(seed)
    tasks = [_task(random, i) for i in range(random.randint(1, 6))]
    items = [(t["name"], i) for t in tasks for i in range(t.get("count", 1))]
    fates = {item: tuple(_fate(random) for _ in range(random.randint(0, 6))) for item in items}
    return Plot(a_phase(tasks, failure_policy=policy, parallelism=parallelism), fates)


def _task(random: Random, number: int) -> Body:
    before = [f"t{i}" for i in range(number) if random.random() < 0.4]
    return a_task(
        f"t{number}",
        depends_on=before,
        count=random.randint(1, 4) if random.random() < 0.3 else None,
        retry=a_retry(random.randint(0, LIMIT), losses=random.randint(0, LOSSES), seconds=2),
        allow_failure=True if random.random() < 0.2 else None,
    )


def _fate(random: Random) -> str:
    return random.choice(("ok", "fail", "lose"))
