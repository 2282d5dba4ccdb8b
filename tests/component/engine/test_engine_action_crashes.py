"""Kill the operator at every write while endings, templates and actions are carried out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from builders.campaign import Death, KillAfter, KillBefore, Tale, but_events, nothing
from builders.engine import World
from builders.kubelet import fails, hangs, ok
from builders.specs import (
    NAMESPACE,
    Body,
    a_step,
    a_task,
    a_template,
    a_workflow,
    an_action,
    an_agent,
)
from spectra_operator.api import constants as c
from spectra_operator.engine.keys import ACTIONS, PHASES
from spectra_operator.kube.resources import CONTROLLER_REVISIONS, PERSISTENT_VOLUME_CLAIMS

pytestmark = pytest.mark.timeout(300)

Prepare = Callable[[World], Awaitable[None]]
CHAIN = [
    a_step("first", [a_task("a"), a_task("b", depends_on=["a"])]),
    a_step("second", [a_task("x")], depends_on=["first"]),
]


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is there before the operator may die, what is then applied, and what must have run."""

    prepare: Prepare
    begin: Prepare
    tasks: list[str]
    state: str


def with_finally(steps: list[Body], **fields: Any) -> Body:
    body = a_workflow(steps, **fields)
    body["spec"]["finally"] = [a_task("tidy")]
    return body


async def _begin_everything(world: World) -> None:
    """A template with a workspace, a fallback, a rollback and finally tasks."""
    world.kubelet.plan("risky", fails())
    world.kubelet.plan("bad", fails())
    undo = {"agent": "worker", "input": {"n": "${task.outputs.n}"}}
    world.kubelet.plan("plain", ok({"n": 1}))
    steps = [
        a_step("one", [a_task("risky")], fallback={"tasks": [a_task("plain", compensate=undo)]}),
        a_step("two", [a_task("bad")], depends_on=["one"]),
    ]
    fields: Body = {"failure_policy": "Rollback", "workspace": {"size": "1Gi"}}
    template = a_template(steps, **fields)
    template["spec"]["finally"] = [a_task("tidy")]
    template["spec"]["onFailure"] = [a_task("alarm")]
    flow = a_workflow()
    await world.apply(template, flow | {"spec": {"templateRef": {"name": "shape"}}})


async def _run_and_fail(world: World) -> None:
    world.kubelet.plan("b", fails())
    await world.apply(with_finally(CHAIN))
    await _until_ended(world)


async def _run_well(world: World) -> None:
    await world.apply(with_finally(CHAIN))
    await _until_ended(world)


async def _run_on(world: World) -> None:
    world.kubelet.plan("a", hangs())
    await world.apply(with_finally(CHAIN))
    await world.until(lambda: world.task_now("a").get("state") == "Running")


async def _until_ended(world: World) -> None:
    await world.finished()
    await world.until(lambda: not world.operator.memory())


def asking(kind: str, **fields: Any) -> Prepare:
    async def ask(world: World) -> None:
        await world.apply(an_action(kind, **fields))

    return ask


OF_B = {"phase": "first", "task": "b"}
SCENARIOS = {
    "everything": Scenario(
        nothing,
        _begin_everything,
        ["risky", "plain", "bad", "one-plain", "alarm", "tidy"],
        "Failed",
    ),
    "cancel": Scenario(_run_on, asking("Cancel"), ["a", "tidy"], "Cancelled"),
    "retry": Scenario(
        _run_and_fail, asking("Retry"), ["a", "b", "tidy", "b", "x", "tidy"], "Succeeded"
    ),
    "rerun": Scenario(
        _run_well,
        asking("Rerun", **OF_B),
        ["a", "b", "x", "tidy", "b", "x", "tidy"],
        "Succeeded",
    ),
    "skip": Scenario(
        _run_and_fail, asking("Skip", **OF_B), ["a", "b", "tidy", "x", "tidy"], "Succeeded"
    ),
    "refused": Scenario(_run_well, asking("Retry"), ["a", "b", "x", "tidy"], "Succeeded"),
}


def is_over(world: World) -> bool:
    """Whether the workflow has ended, and every Action is closed."""
    actions = world.api._store.all(ACTIONS)
    closed = all(c.LABEL_FINISHED in (a["metadata"].get("labels") or {}) for a in actions)
    return closed and world.is_finished()


async def the_end(world: World) -> Any:
    """What a run came to, without times and versions."""
    status = await world.status()
    steps = [
        (s["name"], s["state"], s.get("run"), s.get("fallback"), s["counts"])
        for s in status["phases"]
    ]
    orders = [(o["uid"], o.get("refused"), o.get("run")) for o in status.get("actions", ())]
    actions = [
        (a["metadata"]["name"], a["status"]["state"]) for a in await world.api.objects(ACTIONS)
    ]
    phases = sorted(p["metadata"]["name"] for p in await world.api.objects(PHASES, NAMESPACE))
    left = [
        len(await world.api.objects(k)) for k in (CONTROLLER_REVISIONS, PERSISTENT_VOLUME_CLAIMS)
    ]
    return status["state"], status.get("run"), steps, orders, actions, len(phases), left


async def ended(scenario: Scenario, world: World) -> Any:
    """Wait for the end of a run and of what was asked; return it, checked."""
    await world.until(lambda: is_over(world))
    await world.until(lambda: not world.operator.memory())
    assert world.kubelet.tasks() == scenario.tasks, world.kubelet.tasks()
    assert world.held_pods() == []
    assert world.operator.failed_passes() == 0
    assert world.status_now()["state"] == scenario.state
    return await the_end(world)


@pytest.mark.parametrize("kind", [KillBefore, KillAfter], ids=["before", "after"])
@pytest.mark.parametrize("name", SCENARIOS)
async def test_a_death_at_any_write_changes_nothing_about_the_end(name: str, kind: Death) -> None:
    told = SCENARIOS[name]
    end = partial(ended, told)
    tale = Tale(an_agent(), told.begin, end, is_over, before=told.prepare, chosen=but_events)
    await tale.dies(kind, 0)
