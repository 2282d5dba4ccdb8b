"""What follows from results that are being written, before they are durable."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from ...api.constants import MAX_OUTPUT_BYTES
from ..attempts.evidence import Attempt
from ..graph import build
from ..orders import pending
from ..snapshot import PhaseShape, PhaseSnapshot
from . import settle
from .attention import look
from .decide import decide_phase
from .news import news
from .readiness import Ready, overdue
from .records import PhaseRecord

MOST_UNSEEN = 64
"""Ends that no pass has taken in yet, beyond which looking ahead costs as much as that pass."""


def following(
    snapshot: PhaseSnapshot, ended: Sequence[Attempt], agent: str
) -> tuple[PhaseRecord, tuple[str, ...]]:
    """Return the plain tasks of an agent that results make ready, in the order of the spec.

    Plain is what starts once, for the first time, with nothing to choose or to evaluate before:
    one item, no condition, no workspace, no choice of an agent. All else is for the pass that
    comes after the results are durable. The decision is that pass's own, made about the tasks
    concerned alone, so that a result in a large phase costs no more than in a small one. Concerned
    is also what ended since the last pass: it may be what a task's input is made of, or a failure
    by which nothing new may start.

    Args:
        snapshot: The phase without these results.
        ended: The attempts that hand them in, as they will be.
        agent: Whose tasks are looked for.

    Returns:
        The phase as it will be, and the names of the tasks.
    """
    record, shape = snapshot.known, snapshot.shape
    if record is None or record.ended or shape.problems:
        return record or snapshot.persisted, ()
    sources = {attempt.task for attempt in ended}
    unseen = _unseen(snapshot, record)
    touched = sources.union(attempt.task for attempt in unseen)
    found = {
        name
        for name in _children(shape, sources) - shape.conditional
        if all(p in touched or record.tasks[p].ended for p in shape.graph.parents[name])
    }
    if not found or len(unseen) > MOST_UNSEEN or not _have_room(record, (*ended, *unseen)):
        return record, ()
    planners = _planners(record)
    if _may_decide_otherwise(snapshot, record, touched, planners):
        return record, ()
    near = touched.union(found, *(shape.graph.parents[name] for name in found), planners)
    decision = decide_phase(_excerpt(snapshot, record, near, ended))
    record = replace(record, tasks={**record.tasks, **decision.record.tasks})
    ready = {r.task for r in decision.ready if _is_plain(record, r, agent)}
    return record, tuple(name for name in shape.tasks if name in ready and name in found)


def _children(shape: PhaseShape, sources: Collection[str]) -> set[str]:
    """Return the tasks that wait for others."""
    return {name for source in sources for name in shape.graph.children[source]}


def _unseen(snapshot: PhaseSnapshot, record: PhaseRecord) -> list[Attempt]:
    """Return the attempts that have ended, or been given up, since the last pass."""
    looked = look(snapshot, record, ordered=False).attempts
    return news((a for a in looked if not a.live or a.node_lost), record.tasks)


def _planners(record: PhaseRecord) -> set[str]:
    """Return the tasks whose plan is being carried out: its end is theirs."""
    return {name for name, task in record.tasks.items() if task.spawned and not task.ended}


def _may_decide_otherwise(
    snapshot: PhaseSnapshot,
    record: PhaseRecord,
    touched: Collection[str],
    planners: Collection[str],
) -> bool:
    """Whether what holds for the whole phase may change what a few of its tasks would become."""
    shape = snapshot.shape
    return (
        bool(settle.halted(shape, record.tasks, snapshot.levels))
        or bool(pending(snapshot.orders, record.applied))
        or any(child.view.ended for name, child in snapshot.children.items() if name in planners)
        or any(not record.tasks[name].ended for name in overdue(snapshot, record))
        or (shape.fails_fast and _may_fail_unseen(shape, record, touched))
    )


def _may_fail_unseen(shape: PhaseShape, record: PhaseRecord, touched: Collection[str]) -> bool:
    """Whether expressions are to be evaluated: one that gives nothing fails its task."""
    opening = not shape.conditional.isdisjoint(_children(shape, touched))
    return opening or settle.unfinished(shape, record.tasks)


def _have_room(record: PhaseRecord, ended: Sequence[Attempt]) -> bool:
    """Whether outputs of these ends fit whatever else there is: half of the room is left then."""
    growth = sum(
        record.tasks[attempt.task].output_growth(attempt.outcome.result.outputs)
        for attempt in ended
        if attempt.outcome
    )
    return 2 * (settle.output_budget(record) - growth) >= MAX_OUTPUT_BYTES


def _excerpt(
    snapshot: PhaseSnapshot, record: PhaseRecord, names: set[str], ended: Sequence[Attempt]
) -> PhaseSnapshot:
    """Return a picture of some tasks of a phase, with results taken in."""
    shape = snapshot.shape  # what is untried in the picture has all that it waits for in it
    by_pod = {attempt.pod: attempt for attempt in ended}
    parents = {
        name: tuple(p for p in shape.graph.parents[name] if p in names)
        for name in shape.tasks
        if name in names
    }
    return replace(
        snapshot,
        shape=replace(
            shape,
            tasks={name: shape.tasks[name] for name in parents},
            graph=build(parents),
            deadlines={n: s for n, s in shape.deadlines.items() if n in names},
            conditional=shape.conditional & names,
        ),
        known=replace(record, tasks={name: record.tasks[name] for name in parents}),
        attempts=tuple(by_pod.get(a.pod, a) for a in snapshot.attempts if a.task in names),
        children={n: child for n, child in snapshot.children.items() if n in names},
        glance=None,
    )


def _is_plain(record: PhaseRecord, ready: Ready, agent: str) -> bool:
    task = record.tasks[ready.task]
    untried = not task.fan_out and not task.open and not task.prior
    own = ready.agent == agent and not ready.way and not ready.requires
    return own and untried and not ready.mounts
