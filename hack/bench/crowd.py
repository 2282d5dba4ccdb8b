"""Workflows that stand beside those that run: suspended ones, and ones that have ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Mapping
from datetime import UTC, datetime

from bench import bodies
from bench.scenarios import Crowd
from spectra_operator.api import constants as c
from spectra_operator.api.phase import PhaseState, TaskState
from spectra_operator.core.conditions import timestamp
from spectra_operator.core.phase.inputs import freeze_phase
from spectra_operator.core.phase.records import PhaseRecord, TaskRecord
from spectra_operator.core.phase.status import render_phase
from spectra_operator.core.snapshot import SUSPENDED
from spectra_operator.core.spec.compile import compile_workflow
from spectra_operator.core.workflow.objects import phase_body
from spectra_operator.core.workflow.records import StepRecord
from spectra_operator.engine.keys import PHASES, WORKFLOWS
from spectra_operator.kube.client import AiohttpClient
from spectra_operator.kube.resources import Body, Resource

AT_ONCE = 32
LOOK_SECONDS = 1.0
TASKS = 10
"""Of each workflow, so that ten thousand have a hundred thousand."""
STEP = "only"
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
_ENDED = {
    "state": "Succeeded",
    "progress": f"{TASKS}/{TASKS}",
    "startedAt": timestamp(MOMENT),
    "finishedAt": timestamp(MOMENT),
}
_FINISHED = {c.LABEL_FINISHED: "true", c.LABEL_STATE: "Succeeded"}
_NONE: Mapping[str, str] = {}


async def gather_crowd(client: AiohttpClient, namespace: str, crowd: Crowd) -> None:
    """Create the workflows of a crowd and their Phases; no engine may be running yet.

    They are written as an operator leaves them. Those that have ended have a label and a status,
    their Phases too; those that are suspended have done a part of their tasks.
    """

    async def suspended(number: int) -> None:
        body = bodies.a_workflow(f"suspended-{number:05}", [_step()], suspend=True)
        made = await client.create(WORKFLOWS, namespace, body)
        await _add_phase(client, made, _record(PhaseState.RUNNING, done=TASKS // 3))

    async def finished(number: int) -> None:
        name = f"finished-{number:05}"
        body = bodies.a_workflow(name, [_step()])
        body["metadata"]["labels"] = _FINISHED
        made = await client.create(WORKFLOWS, namespace, body)
        await client.patch(WORKFLOWS, namespace, name, {"status": _ENDED}, subresource="status")
        await _add_phase(client, made, _record(PhaseState.SUCCEEDED, done=TASKS), _FINISHED)

    await at_once(map(suspended, range(crowd.suspended)))
    await at_once(map(finished, range(crowd.finished)))


async def _add_phase(
    client: AiohttpClient, workflow: Body, record: PhaseRecord, labels: Mapping[str, str] = _NONE
) -> None:
    """Create the Phase of a workflow with what is recorded of its tasks."""
    shape = compile_workflow(workflow)
    frozen = freeze_phase(shape.spec, shape.phases[STEP], lambda _: {})
    body = phase_body(shape, STEP, StepRecord(), frozen, "0")
    body["metadata"]["labels"] |= labels
    made = await client.create(PHASES, shape.namespace, body)
    status = {"status": render_phase(record, MOMENT)}
    name = made["metadata"]["name"]
    await client.patch(PHASES, shape.namespace, name, status, subresource="status")


def _record(state: PhaseState, done: int) -> PhaseRecord:
    """Return a record of whose tasks the first few have succeeded."""
    ended = TaskRecord(
        TaskState.SUCCEEDED,
        succeeded=1,
        agent=bodies.AGENT,
        attempt=1,
        started_at=MOMENT,
        finished_at=MOMENT,
    )
    waits = TaskRecord(TaskState.READY)
    return PhaseRecord(
        generation=1,
        state=state,
        started_at=MOMENT,
        finished_at=MOMENT if state is PhaseState.SUCCEEDED else None,
        tasks={f"t{n}": ended if n < done else waits for n in range(TASKS)},
    )


async def until_taken_in(client: AiohttpClient, namespace: str, crowd: Crowd) -> None:
    """Wait until an operator has written that all suspended workflows and their Phases are."""
    while True:
        told = [await _suspended(client, kind, namespace) for kind in (WORKFLOWS, PHASES)]
        if min(told) >= crowd.suspended:
            return
        await asyncio.sleep(LOOK_SECONDS)


async def _suspended(client: AiohttpClient, kind: Resource, namespace: str) -> int:
    """Return of how many objects their status says so: Phases may be told of later."""
    listing = await client.list(kind, namespace, label_selector=c.LIVE_SELECTOR)
    statuses = [body.get("status") or {} for body in listing.items]
    return sum(status.get("reason") == SUSPENDED for status in statuses)


async def at_once(calls: Iterable[Awaitable[None]]) -> None:
    """Await all, a few dozen at a time, in their order."""
    waiting = iter(calls)

    async def one_after_the_other() -> None:
        for call in waiting:
            await call

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(one_after_the_other())


def _step() -> Body:
    return bodies.a_step(STEP, [bodies.a_task(f"t{n}") for n in range(TASKS)])
