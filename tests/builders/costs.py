"""Scenarios of which the cost is measured, and the measure: requests, bytes and passes per task."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from builders.engine import World
from builders.kubelet import ok
from builders.replica import SYSTEM
from builders.specs import a_chain, a_step, a_task, a_workflow, an_agent
from builders.workers import Deed
from spectra_operator.core.phase import following
from spectra_operator.core.phase.attention import look
from spectra_operator.core.phase.decide import PhaseDecision, decide_phase
from spectra_operator.core.snapshot import PhaseSnapshot
from spectra_operator.engine import phases
from spectra_operator.engine.worker_book import KIND as WORKER
from spectra_operator.kube.resources import EVENTS

IN_ALL = "all requests"
_ALWAYS = ("Agent", "Phase", "Workflow")


class Costs:
    """Counts what a run costs from now on; the operator's Leases, lists and watches are no part.

    A decision looks at every task of its phase, so the tasks it looks at are counted too, and the
    attempts that it looks at.
    """

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        self._world = world
        self._decided: Counter[str] = Counter()
        self._passes = self._all_passes()
        for decider in (phases, following):
            monkeypatch.setattr(decider, "decide_phase", self._counted)
        world.api.clear_log()

    def _counted(self, snapshot: PhaseSnapshot) -> PhaseDecision:
        self._decided["decisions over Phase"] += 1
        self._decided["tasks decided over"] += len(snapshot.shape.tasks)
        record = snapshot.known or snapshot.persisted
        looked = look(snapshot, record, ordered=bool(snapshot.orders)).attempts
        self._decided["attempts looked at"] += sum(1 for _ in looked)
        return decide_phase(snapshot)

    def per_task(self, tasks: int) -> dict[str, float]:
        """Return every figure, divided by the number of task items."""
        counts = Counter(self._decided)
        for entry in self._world.api.log:
            call = entry.call
            if call.namespace == SYSTEM or call.verb in ("watch", "list"):
                continue
            kind = call.plural + (f"/{call.subresource}" if call.subresource else "")
            counts[f"{call.verb} {kind}"] += 1
            counts[IN_ALL] += 1
            counts["bytes sent"] += call.bytes_in
        for kind, passes in self._all_passes().items():
            if passes or kind in _ALWAYS:
                counts[f"passes over {kind}"] = passes - self._passes[kind]
        return {name: round(count / tasks, 2) for name, count in sorted(counts.items())}

    def _all_passes(self) -> dict[str, int]:
        operator = self._world.operator
        return {kind: operator.passes(kind) for kind in (*_ALWAYS, WORKER)}


async def a_chain_of_20(world: World) -> int:
    """Run tasks of which each waits for the one before; each takes 5 s."""
    names = [f"t{number}" for number in range(20)]
    for name in names:
        world.kubelet.plan(name, ok({"n": 1}, seconds=5))
    await world.apply(a_workflow([a_step("build", a_chain(*names))]))
    await world.finished()
    await world.during(5)
    return len(names)


async def a_fan_out_of_100(world: World) -> int:
    """Run a hundred items at once; they end within 20 s, not all together."""
    for index in range(100):
        world.kubelet.plan("shard", ok({"n": index}, seconds=1 + index / 5), index=index)
    await world.apply(a_workflow([a_step("build", [a_task("shard", count=100)])]))
    await world.finished()
    await world.during(5)
    return 100


async def for_each_of_1000(world: World) -> int:
    """Run a task once for each of a fan-out's thousand outputs; a hundred end at a time."""
    each: dict[str, Any] = {"for_each": "${tasks.make.outputs}", "input": {"n": "${item.n}"}}
    for index in range(1000):
        world.kubelet.plan("make", ok({"n": index}, seconds=1 + index // 100), index=index)
        world.kubelet.plan("use", ok(seconds=1 + index // 100), index=index)
    tasks = [a_task("make", count=1000), a_task("use", depends_on=["make"], **each)]
    await world.apply(a_workflow([a_step("build", tasks)]))
    await world.finished()
    await world.during(5)
    assert world.kubelet.inputs["use", 999, 1] == {"n": 999}
    return 2000


async def a_hundred_conditions(world: World) -> int:
    """Run a hundred tasks that each ask for outputs of a fan-out; half of them are skipped."""
    for index in range(100):
        world.kubelet.plan("make", ok({"n": index}, seconds=1), index=index)
        world.kubelet.plan(f"t{index}", ok(seconds=1 + index / 10))
    tasks = [
        a_task(f"t{n}", depends_on=["make"], when=f"tasks.make.outputs[{n}].n % 2 == 0")
        for n in range(100)
    ]
    await world.apply(a_workflow([a_step("build", [a_task("make", count=100), *tasks])]))
    await world.finished()
    await world.during(5)
    assert len(world.kubelet.births) == 150
    return 200


async def fifty_workflows(world: World) -> int:
    """Run fifty workflows of one task each, applied within 10 s."""
    for number in range(50):
        await world.apply(a_workflow(name=f"flow-{number}"))
        await world.during(0.2)
    for number in range(50):
        await world.finished(f"flow-{number}")
    await world.during(5)
    assert await world.api.objects(EVENTS)
    return 50


async def warm_chains(world: World) -> int:
    """Run ten chains of ten tasks side by side on warm workers; a task takes 1 to 2 s."""
    await _warm_workers(world)
    tasks = []
    for chain in range(10):
        names = [f"c{chain}-{place}" for place in range(10)]
        for place, name in enumerate(names):
            world.workers.plan(name, Deed(seconds=1 + (7 * chain + 3 * place) % 10 / 10))
        tasks += a_chain(*names, agent="warm")
    await world.apply(a_workflow([a_step("build", tasks)]))
    await world.finished()
    await world.during(5)
    return len(tasks)


async def a_warm_fan_out(world: World) -> int:
    """Run three hundred items on the slots of warm workers; an item takes 1 to 2 s."""
    await _warm_workers(world)
    for index in range(300):
        world.workers.plan("shard", Deed(seconds=1 + index % 10 / 10), index=index)
    await world.apply(a_workflow([a_step("build", [a_task("shard", count=300, agent="warm")])]))
    await world.finished()
    await world.during(5)
    return 300


async def _warm_workers(world: World) -> None:
    """Have four workers of eight slots that wait for claims."""
    await world.apply(an_agent("warm", mode="Pool", replicas=4, slots=8))
    await world.until(lambda: len(world.workers.workers) == 4)
    await world.during(5)
