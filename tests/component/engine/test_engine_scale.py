"""Large runs in small: every object keeps its size, and what would not fit ends cleanly.

tests/perf/test_scale.py does the same in large, on fake nodes of a real control plane.
"""

from __future__ import annotations

import pytest

from builders.engine import World
from builders.fake_api.store import StoreEvent
from builders.kubelet import fails, ok
from builders.specs import a_retry, a_step, a_task, a_workflow
from perf import shapes
from perf.sizes import size_of
from spectra_operator.kube.resources import Body

pytestmark = pytest.mark.timeout(180)

KIB = 1024


class _Largest:
    """The most bytes that any of our objects, and any status, had at any time."""

    def __init__(self, world: World) -> None:
        self.object = self.status = 0
        world.api._store.listen(self._look)

    def _look(self, event: StoreEvent) -> None:
        if event.resource.kind in ("Workflow", "Phase"):
            self.object = max(self.object, size_of(event.body))
            self.status = max(self.status, size_of(event.body.get("status") or {}))


def _flow(shape: shapes.Shape) -> Body:
    return a_workflow(shape.phases, failure_policy=shape.fields.get("failurePolicy"))


async def test_two_hundred_tasks_in_ten_phases_run_once_each(world: World) -> None:
    largest = _Largest(world)
    shape = shapes.ten_phases_of(20)
    for task in {t["name"] for phase in shape.phases for t in phase["tasks"]}:
        world.kubelet.plan(task, ok({"rows": 20_000, "path": "batches/0001.parquet"}))
    await world.apply(_flow(shape))
    assert (await world.finished(seconds=600))["state"] == "Succeeded"
    born = [(birth.phase, birth.task) for birth in world.kubelet.births]
    assert len(born) == len(set(born)) == 200
    assert largest.status < 60 * KIB
    assert largest.object < 700 * KIB


async def test_outputs_that_fit_no_status_fail_the_phase_and_every_pod_is_let_go(
    world: World,
) -> None:
    largest = _Largest(world)
    for index in range(150):
        world.kubelet.plan("item", ok({"text": "x" * 3000}), index=index)
    await world.apply(_flow(shapes.too_much(150)))
    status = await world.finished()
    assert status["state"] == "Failed"
    assert "OutputsTooLarge" in status["message"]
    assert largest.object < 700 * KIB
    assert not world.held_pods()
    await world.during(5)
    assert not world.operator.memory()


async def test_hundreds_of_long_messages_fit_into_a_status(world: World) -> None:
    largest = _Largest(world)
    shape = shapes.failures(200)
    for task in shape.phases[0]["tasks"]:
        world.kubelet.plan(task["name"], fails(text=shapes.CHINESE))
    await world.apply(_flow(shape))
    assert (await world.finished())["state"] == "Failed"
    assert largest.status < 300 * KIB
    assert len(world.kubelet.births) == 200


async def test_hundreds_of_items_that_pause_after_a_failure_all_come_again(world: World) -> None:
    largest = _Largest(world)
    for index in range(300):
        world.kubelet.plan("item", fails(), ok({"n": 1}), index=index)
    task = a_task("item", count=300, retry=a_retry(1, seconds=5))
    await world.apply(a_workflow([a_step("only", [task])]))
    assert (await world.finished())["state"] == "Succeeded"
    assert len(world.kubelet.births) == 600
    assert largest.status < 60 * KIB
