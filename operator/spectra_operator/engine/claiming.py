"""What phases ask of warm workers: room, a claim, its end, its removal from a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..core.attempts.evidence import Attempt
from ..core.pool.page import Claim, Forget, Give
from ..core.pool.scale_status import NO_REPLICAS
from .keys import Key
from .worker_book import KIND, WorkerRun

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
    """Return the room of every agent of a namespace that is in mode Pool, and of its gates."""
    found: dict[str, Room] = {}
    for agent in parts.agents.pools(namespace):
        run = parts.agents.get(agent)
        found[agent.name] = _room(parts, agent, run.places if run else {})
        preview = run.rollout.preview if run and not run.rollout.exposed else ""
        if preview:
            found[gate_room(agent.name, preview)] = _room(parts, agent, {preview: None})
    return found


def slots(parts: Parts, agent: Key) -> int:
    """Return what the workers of an agent in mode Pool do at once."""
    run = parts.agents.get(agent)
    workers = sum(worker.takes for _, worker in parts.workers.of(agent))
    return workers * run.spec.slots if run and run.spec else 0


def gate_room(agent: str, revision: str) -> str:
    """Return what the room is called that the gates of a revision have."""
    return f"{agent}/{revision}"


def _room(parts: Parts, agent: Key, places: Mapping[str, int | None]) -> Room:
    found = list(parts.workers.of(agent))
    workers = [run for _, run in found if run.revision in places]
    free = sum(_free(workers, revision, left) for revision, left in places.items())
    facts = parts.agent(agent.namespace, agent.name)
    if facts is not None and facts.spec.replicas == 0:
        return free, NO_REPLICAS, f"agent {agent.name} has spec.replicas 0: scale it up"
    if not workers:
        return 0, "NoWorker", f"agent {agent.name} has no worker yet"
    ready = sum(run.heard_at is not None and run.alive for run in workers)
    if not ready:
        return _starting(agent, [run for run in found if run[1].revision in places])
    busy = sum(len(run.page.claims) for run in workers)
    return free, "WorkersBusy", f"agent {agent.name}: {ready} workers are busy with {busy} tasks"


def _starting(agent: Key, workers: list[tuple[Key, WorkerRun]]) -> Room:
    """Return why there is no room while no worker is ready: the first trouble, if there is one."""
    for key, run in workers:
        if run.trouble is not None:
            text = f"agent {agent.name}: no worker is ready: {key.name} {run.trouble.text}"
            return 0, run.trouble.reason, text[:1024]
    many = "1 worker is" if len(workers) == 1 else f"{len(workers)} workers are"
    return 0, "WorkerStarting", f"agent {agent.name}: {many} starting"


def _free(workers: list[WorkerRun], revision: str, left: int | None) -> int:
    free = sum(run.free for run in workers if run.revision == revision)
    return free if left is None else min(free, left)


def call_for_workers(parts: Parts, namespace: str, agents: set[str]) -> None:
    """Ask for a look at the pools that have ready tasks: at once where there is no worker."""
    for key in parts.agents.pools(namespace):
        if key.name in agents:
            pause = CALL_SECONDS if any(parts.workers.of(key)) else 0.0
            parts.queue.add_at(key, parts.clock.monotonic() + pause)


def grant(
    parts: Parts, phase: Key, attempt: Attempt, text: str, trigger: float | None
) -> Attempt | None:
    """Give an attempt to a worker that waits, and return it as it is then; None if none does.

    One that has a revision already is given to that one alone. `text` is its input as JSON,
    `trigger` when the event came that made it possible.
    """
    found = _taker(parts, Key("Agent", phase.namespace, attempt.agent), attempt.revision)
    return found and give(parts, phase, attempt, text, Grant(*found, trigger))


@dataclass(frozen=True, slots=True)
class Grant:
    """Who takes an attempt, and what made it possible.

    `trigger` is when the event came, `after` names the claims on the same page from whose results
    the attempt follows, as far as these are not durable yet.
    """

    worker: Key
    run: WorkerRun
    trigger: float | None = None
    after: tuple[str, ...] = ()


def give(parts: Parts, phase: Key, attempt: Attempt, text: str, grant: Grant) -> Attempt:
    """Give an attempt to a worker that has room, and return it as it is then."""
    run, now = grant.run, parts.clock.now()
    claim = Claim(
        id=attempt.pod,
        phase=phase.name,
        phase_uid=attempt.phase_uid,
        task=attempt.task,
        index=attempt.index,
        number=attempt.number,
        epoch=run.page.epoch,
        instance=run.instance,
        at=now,
        workflow_uid=attempt.workflow_uid,
        selection=attempt.selection,
    )
    run.ops.append(Give(claim, grant.after))
    parts.metrics.claims_given.inc()
    run.inputs[claim.id] = text
    if grant.trigger is not None:
        run.triggers[claim.id] = grant.trigger
    parts.queue.add(grant.worker)
    worker, revision = grant.worker.name, run.revision
    return replace(attempt, revision=revision, worker=worker, created_at=now, started_at=now)


def _taker(parts: Parts, agent: Key, pinned: str) -> tuple[Key, WorkerRun] | None:
    """Return who takes the next attempt of an agent, and take the place that it needs."""
    if pinned:
        return parts.workers.best(agent, pinned)
    known = parts.agents.get(agent)
    for revision, _ in known.open_places() if known else ():
        found = parts.workers.best(agent, revision)
        if known is not None and found is not None:
            known.take_place(revision)
            return found
    return None


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
