"""What keeps a revision under way from the switch."""

from __future__ import annotations

from .analysis import analysis_of
from .gates import GateProgress
from .records import Turn


def needed_of(turn: Turn) -> int:
    """Return how many workers must be ready before the switch.

    What is bounded at first needs one. What gets all the work at once needs as many as the tasks
    make wanted, or they would wait for the rest; what comes back cannot wait for more than one.
    """
    snapshot = turn.snapshot
    if not snapshot.pooled:
        return 0
    bounded = analysis_of(turn) is not None or turn.record.proven
    return 1 if bounded else max(snapshot.desired, 1)


def obstacle(turn: Turn, gates: GateProgress, *, ready: bool) -> str:
    """Return what the revision under way still lacks."""
    snapshot, revision = turn.snapshot, turn.record.preview
    if revision not in snapshot.stored:
        return f"revision {revision} is being stored"
    if ready:
        return gates.finding.text
    workers = snapshot.workers_of(revision)
    few = (
        f"{workers.ready} of {needed_of(turn)} workers ready"
        if workers.ready
        else "no ready worker"
    )
    text = f"revision {revision} has {few}: {workers.starting} start, {workers.failing} failed"
    return f"{text}; worker {workers.trouble}" if workers.trouble else text
