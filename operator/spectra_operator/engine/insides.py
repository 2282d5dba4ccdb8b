"""What goes on inside, for probes and the status page: names and numbers, never a spec or value.

All of it is read when somebody asks; nothing is kept for it but the last long passes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from ..kube.clock import Clock
from ..kube.informer import Informer
from ..observability.debug_page import MOST_ROWS, Cell, Table, a_table
from .engine import LISTED, Engine
from .keys import Key
from .worker_book import WorkerRun, state_of

SILENT_WATCH_SECONDS = 150.0
"""Servers send a bookmark about every minute; a watch silent for longer is dead."""
LATE_LOOP_SECONDS = 5.0
"""A probe that is answered so late fails by itself, and Leases of 15 s are about to be lost."""
_SLOWEST = 20
_FOLLOWED = {
    "Pod": "pods of tasks",
    "WorkerPod": "pods of workers",
    "WorkerPage": "pages of workers",
}
"""What is followed by the kind of a cache, where that is no kind of Kubernetes' own."""


def ails(engine: Engine, lag: float) -> str:
    """Return why the process should be replaced, or nothing; `lag` is that of the event loop."""
    if lag > LATE_LOOP_SECONDS:
        return f"the event loop is {lag:.1f} s late"
    for kind, informer in engine.caches():
        silence = informer.seconds_of_silence()
        if informer.synced.is_set() and silence > SILENT_WATCH_SECONDS:
            return f"the watch of {_followed(kind, informer)} has been silent for {silence:.0f} s"
    return ""


def waits_for(engine: Engine) -> str:
    """Return what has yet to come before this replica can do its work, or nothing."""
    needed = ((kind, informer) for kind, informer in engine.caches() if kind in _FOLLOWED)
    missing = [_followed(*each) for each in needed if not each[1].synced.is_set()]
    if not missing:
        return ""
    return f"waits for the caches of {', '.join(missing)}, or for the CRDs to be installed"


def insides(engine: Engine, clock: Clock, lag: float) -> Sequence[Table]:
    """Return the tables of the status page."""
    return (
        _shards(engine),
        *_queues(engine, lag),
        _watches(engine),
        _caches(engine),
        _pools(engine, clock),
        _slowest(engine, clock),
    )


def _shards(engine: Engine) -> Table:
    rows = [
        (each.shard, each.held, each.admitting, each.led_seconds, each.holder)
        for each in engine.terms.standings()
    ]
    columns = ("shard", "held", "startsWork", "heldSeconds", "holder")
    return a_table("shards", columns, rows)


def _queues(engine: Engine, lag: float) -> Iterator[Table]:
    parts = engine.parts
    picture = parts.queue.picture(MOST_ROWS)
    numbers = (
        ("keys that want a pass now", picture.ready),
        ("seconds that the first of them has waited", picture.oldest_seconds),
        ("seconds that the event loop was late, at most, in the last 10", lag),
        ("keys that want a pass later", picture.later),
        ("keys whose last pass failed", picture.failing),
        ("writes that wait for their turn", len(parts.executor)),
        ("writes that may be under way at once", int(parts.executor.width.now)),
        ("analyses that wait for their queries", len(parts.inquiries)),
        ("finished objects that wait for their deletion", len(engine.history)),
    )
    yield a_table("queues", ("queue", "value"), numbers)
    heads = [(*_place(key), seconds) for key, seconds in picture.heads]
    yield a_table("next passes", ("kind", "namespace", "name", "waitedSeconds"), heads)
    failures = [(*_place(key), tries) for key, tries in picture.failures]
    yield a_table("failing passes", ("kind", "namespace", "name", "failuresInARow"), failures)


def _watches(engine: Engine) -> Table:
    rows = [
        (
            _FOLLOWED.get(kind, informer.plural),
            informer.plural,
            informer.namespace or "all",
            informer.synced.is_set(),
            len(informer),
            informer.seconds_since_activity(),
        )
        for kind, informer in engine.caches()
    ]
    columns = ("follows", "resource", "namespace", "synced", "objects", "quietSeconds")
    return a_table("watches", columns, rows)


def _caches(engine: Engine) -> Table:
    parts = engine.parts
    stored = parts.store.count()
    rows = [(f"{resource.kind} objects", stored[resource.kind]) for resource in LISTED]
    rows += [
        ("phases being carried out", len(parts.phases)),
        ("workflows being carried out", len(parts.workflows)),
        ("schedules being followed", len(parts.schedules)),
        ("phases with attempts", sum(1 for _ in parts.attempts.phases())),
        ("attempts that hold a slot", sum(parts.attempts.by_phase.values())),
        ("workers", len(parts.workers)),
        ("pods that are being released", len(parts.releasing)),
    ]
    return a_table("caches", ("cache", "objects"), rows)


def _pools(engine: Engine, clock: Clock) -> Table:
    now = clock.monotonic()
    fleets: dict[tuple[str, str], list[WorkerRun]] = {}
    for key, run in engine.parts.workers.some(lambda _: True):
        fleets.setdefault((key.namespace, run.agent), []).append(run)
    rows = []
    for (namespace, agent), fleet in sorted(fleets.items()):
        states = Counter(str(state_of(run, now)) for run in fleet)
        told = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
        claims = sum(len(run.page.claims) for run in fleet)
        writing = sum(run.in_flight is not None for run in fleet)
        waiting = sum(run.poll is not None for run in fleet)
        rows.append((namespace, agent, len(fleet), told, claims, waiting, writing))
    columns = ("namespace", "agent", "workers", "states", "claims", "waitForWork", "pagesWritten")
    return a_table("pools", columns, rows)


def _slowest(engine: Engine, clock: Clock) -> Table:
    now = clock.monotonic()
    slowest = sorted(engine.passes.long, key=lambda each: -each.seconds)[:_SLOWEST]
    rows = [(*_place(each.key), each.seconds, now - each.ended_at) for each in slowest]
    columns = ("kind", "namespace", "name", "seconds", "secondsAgo")
    return a_table("slowest passes of the last 200 longer than 2 ms", columns, rows)


def _place(key: Key) -> tuple[Cell, Cell, Cell]:
    return key.kind, key.namespace, key.name


def _followed(kind: str, informer: Informer) -> str:
    where = f" in {informer.namespace}" if informer.namespace else ""
    return f"{_FOLLOWED.get(kind, informer.plural)}{where}"
