"""What follows from results that are being written, before they are durable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ...api.constants import MAX_OUTPUT_BYTES
from ..attempts.evidence import Attempt
from ..graph import build
from ..orders import pending
from ..snapshot import PhaseShape, PhaseSnapshot
from . import settle
from .decide import decide_phase
from .readiness import Ready
from .records import PhaseRecord


def following(
    snapshot: PhaseSnapshot, ended: Sequence[Attempt], agent: str
) -> tuple[PhaseRecord, tuple[str, ...]]:
    """Return the plain tasks of an agent that results make ready, in the order of the spec.

    Plain is what starts once, for the first time, with nothing to choose or to evaluate before:
    one item, no condition, no workspace, no choice of an agent. All else is for the pass that
    comes after the results are durable. The decision is that pass's own, made about the tasks
    concerned alone, so that a result in a large phase costs no more than in a small one.

    Args:
        snapshot: The phase without these results.
        ended: The attempts that hand them in, as they will be.
        agent: Whose tasks are looked for.

    Returns:
        The phase as it will be, and the names of the tasks.
    """
    record, shape = snapshot.known, snapshot.shape
    sources = {attempt.task for attempt in ended}
    found = _children(shape, sources)
    if record is None or not found or _may_decide_otherwise(snapshot, record):
        return record or snapshot.persisted, ()
    near = sources.union(found, *(shape.graph.parents[name] for name in found))
    decision = decide_phase(_excerpt(snapshot, record, near, ended))
    record = replace(record, tasks={**record.tasks, **decision.record.tasks})
    ready = {r.task for r in decision.ready if _is_plain(record, r, agent)}
    return record, tuple(name for name in shape.tasks if name in ready and name in found)


def _children(shape: PhaseShape, sources: set[str]) -> set[str]:
    """Return the tasks that wait for others and can be decided about without evaluating."""
    children = {name for source in sources for name in shape.graph.children[source]}
    return children - shape.conditional


def _may_decide_otherwise(snapshot: PhaseSnapshot, record: PhaseRecord) -> bool:
    """Whether what holds for the whole phase may change what a few of its tasks would become."""
    budget = settle.output_budget(record)
    return (
        bool(settle.halted(snapshot.shape, record.tasks, snapshot.levels))
        or bool(pending(snapshot.orders, record.applied))
        or 2 * budget < MAX_OUTPUT_BYTES
    )


def _excerpt(
    snapshot: PhaseSnapshot, record: PhaseRecord, names: set[str], ended: Sequence[Attempt]
) -> PhaseSnapshot:
    """Return a picture of some tasks of a phase, with results taken in."""
    shape = snapshot.shape
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
    )


def _is_plain(record: PhaseRecord, ready: Ready, agent: str) -> bool:
    task = record.tasks[ready.task]
    untried = not task.fan_out and not task.open and not task.prior
    own = ready.agent == agent and not ready.way and not ready.requires
    return own and untried and not ready.mounts
