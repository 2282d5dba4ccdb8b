"""Workflows that stand beside those that run: suspended ones, and ones that have ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable

from bench import bodies
from bench.scenarios import Crowd
from spectra_operator.api import constants as c
from spectra_operator.engine.keys import WORKFLOWS
from spectra_operator.kube.client import AiohttpClient
from spectra_operator.kube.resources import Body

AT_ONCE = 32
LOOK_SECONDS = 1.0
TASKS = 10
"""Of each workflow, so that ten thousand have a hundred thousand."""
MOMENT = "2026-01-01T00:00:00Z"
_ENDED = {
    "state": "Succeeded",
    "progress": f"{TASKS}/{TASKS}",
    "startedAt": MOMENT,
    "finishedAt": MOMENT,
}


async def gather_crowd(client: AiohttpClient, namespace: str, crowd: Crowd) -> None:
    """Create the workflows of a crowd; no engine may be running yet.

    Those that have ended are written as an operator leaves them: a label, and a status. Their
    Phase objects are left out.
    """

    async def suspended(number: int) -> None:
        body = bodies.a_workflow(f"suspended-{number:05}", [_phase()], suspend=True)
        await client.create(WORKFLOWS, namespace, body)

    async def finished(number: int) -> None:
        name = f"finished-{number:05}"
        body = bodies.a_workflow(name, [_phase()])
        body["metadata"]["labels"] = {c.LABEL_FINISHED: "true", c.LABEL_STATE: "Succeeded"}
        await client.create(WORKFLOWS, namespace, body)
        await client.patch(WORKFLOWS, namespace, name, {"status": _ENDED}, subresource="status")

    await at_once(map(suspended, range(crowd.suspended)))
    await at_once(map(finished, range(crowd.finished)))


async def until_taken_in(client: AiohttpClient, namespace: str, crowd: Crowd) -> None:
    """Wait until an operator has written of every suspended workflow that it is suspended."""
    while True:
        listing = await client.list(WORKFLOWS, namespace, label_selector=c.LIVE_SELECTOR)
        states = [(flow.get("status") or {}).get("state") for flow in listing.items]
        if states.count("Suspended") >= crowd.suspended:
            return
        await asyncio.sleep(LOOK_SECONDS)


async def at_once(calls: Iterable[Awaitable[None]]) -> None:
    """Await all, a few dozen at a time, in their order."""
    waiting = iter(calls)

    async def one_after_the_other() -> None:
        for call in waiting:
            await call

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(one_after_the_other())


def _phase() -> Body:
    return bodies.a_step("only", [bodies.a_task(f"t{n}") for n in range(TASKS)])
