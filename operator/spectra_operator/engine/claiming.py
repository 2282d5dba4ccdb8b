"""What phases ask of warm workers: room, a claim, its end, its removal from a page."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..core.attempts.evidence import Attempt
from ..core.pool.page import Claim, Forget, Give
from .keys import Key
from .worker_book import KIND

if TYPE_CHECKING:
    from .parts import Parts

FORGET_SECONDS = 0.5
"""How long a recorded claim may stay on its page; mostly the next write takes it off."""
CALL_SECONDS = 0.2
"""How long ready tasks may gather before a pool that has workers is looked at."""
STOP_SECONDS = 30
"""What a cancelled claim gets to end by itself if nothing else is said."""

Room = tuple[int, str, str]
"""How many attempts an agent may start now; reason and message why no more."""


def rooms(parts: Parts, namespace: str) -> dict[str, Room]:
    """Return the room of every agent of a namespace that is in mode Pool."""
    return {
        name: _room(parts, Key("Agent", namespace, name), revision)
        for name, revision in parts.agents.pools(namespace)
    }


def _room(parts: Parts, agent: Key, revision: str) -> Room:
    workers = [run for _, run in parts.workers.of(agent) if run.revision == revision]
    free = sum(run.free for run in workers)
    if not workers:
        return 0, "NoWorker", f"agent {agent.name} has no worker yet"
    ready = sum(run.heard_at is not None and run.alive for run in workers)
    if not ready:
        return 0, "WorkerStarting", f"agent {agent.name}: {len(workers)} workers are starting"
    busy = sum(len(run.wanted.claims) for run in workers)
    return free, "WorkersBusy", f"agent {agent.name}: {ready} workers are busy with {busy} tasks"


def call_for_workers(parts: Parts, namespace: str, agents: set[str]) -> None:
    """Ask for a look at the pools that have ready tasks: at once where there is no worker."""
    for name, _ in parts.agents.pools(namespace):
        if name in agents:
            key = Key("Agent", namespace, name)
            pause = CALL_SECONDS if any(parts.workers.of(key)) else 0.0
            parts.queue.add_at(key, parts.clock.monotonic() + pause)


def grant(parts: Parts, phase: Key, attempt: Attempt, text: str, trigger: float | None) -> str:
    """Give an attempt to a worker that waits, and return its name; empty if none does.

    `text` is its input as JSON, `trigger` when the event came that made it possible.
    """
    found = parts.workers.best(Key("Agent", phase.namespace, attempt.agent), attempt.revision)
    if found is None:
        return ""
    key, run = found
    claim = Claim(
        id=attempt.pod,
        phase=phase.name,
        phase_uid=attempt.phase_uid,
        task=attempt.task,
        index=attempt.index,
        number=attempt.number,
        epoch=run.page.epoch,
        instance=run.instance,
        at=parts.clock.now(),
        workflow_uid=attempt.workflow_uid,
        selection=attempt.selection,
    )
    run.ops.append(Give(claim))
    run.inputs[claim.id] = text
    if trigger is not None:
        run.triggers[claim.id] = trigger
    parts.queue.add(key)
    return key.name


def stop(parts: Parts, phase: Key, attempt: Attempt, grace: int | None) -> None:
    """Ask a worker to end a claim; what has not ended by itself after a while is ended."""
    key = Key(KIND, phase.namespace, attempt.worker)
    run = parts.workers.get(key)
    if run is None or attempt.pod in run.stopping:
        return
    seconds = _grace(parts, phase.namespace, attempt.agent) if grace is None else grace
    run.stopping[attempt.pod] = parts.clock.monotonic() + seconds
    parts.attempts.assume(phase, replace(attempt, deleted_at=parts.clock.now()))
    parts.queue.add(key)
    parts.queue.add(phase)


def _grace(parts: Parts, namespace: str, agent: str) -> int:
    facts = parts.agent(namespace, agent)
    own = facts.spec.template.termination_grace_period_seconds if facts else None
    return STOP_SECONDS if own is None else own


def forget(parts: Parts, phase: Key, attempt: Attempt) -> None:
    """Take a claim off its page: its end stands in status, or nobody waits for it."""
    key = Key(KIND, phase.namespace, attempt.worker)
    run = parts.workers.get(key)
    if run is None or not attempt.uid:
        parts.attempts.forget(phase, attempt.pod)
    if run is None:
        return
    ops = (*(run.in_flight or ()), *run.ops)
    if any(isinstance(op, Forget) and op.id == attempt.pod for op in ops):
        return
    run.ops.append(Forget(attempt.pod))
    parts.queue.add_at(key, run.write_within(parts.clock.monotonic() + FORGET_SECONDS))
