"""What follows from a page that is durable: phases see what it proves."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from ..core.attempts.evidence import Attempt, Kind
from ..core.pool.page import MAX_ENTRIES, Claim, Ending, Forget, Page, attempts_of
from . import pages
from .keys import Key
from .parts import Parts
from .phase_views import note_end
from .worker_book import KIND, WorkerRun

CONFIRMED_SECONDS = 0.2
"""How long a phase need not hear that what it gave is durable: all it can do is to show it."""
CROWDED = MAX_ENTRIES // 4
"""A page with so many ends wants statuses that take them in: every write of it carries them, and a
full page takes no claims."""
RESTARTED = "WorkerRestarted"
_TOLD = 256


def show(parts: Parts, key: Key, run: WorkerRun, page: Page) -> None:
    """Take a page as durable. Entries that stood on the one before are not looked at again."""
    before, run.page = run.page, page
    fresh = pages.news(before, page)
    _remember(run, fresh)
    for id_, attempt in attempts_of(fresh, key.name, run.agent, run.revision).items():
        claim = page.claims.get(id_) or page.endings[id_].claim
        phase = Key("Phase", key.namespace, claim.phase)
        known = parts.attempts.get(phase, id_)
        if not _is_mine(parts, (key, run), attempt, known):
            continue
        now = _with_memory(attempt, known)
        if known != now:
            parts.attempts.assume(phase, now)
            _tell(parts, phase, known, now)
            _note_conduct(run, known, now)
    for id_, claim in _claims(before).items():
        if id_ not in page.claims and id_ not in page.endings:
            _take_off(parts, key, run, claim)
    _call_for_statuses(parts, key.namespace, run.wanted.endings.values())


def _call_for_statuses(parts: Parts, namespace: str, endings: Collection[Ending]) -> None:
    """Let the phases whose ends crowd a page write their statuses at once."""
    if len(endings) < CROWDED:
        return
    for name in {ending.claim.phase for ending in endings}:
        phase = Key("Phase", namespace, name)
        run = parts.phases.get(phase)
        if run is not None and not run.crowds_pages:
            run.crowds_pages = True
            parts.queue.add(phase)


def drop(run: WorkerRun, claim: str) -> None:
    """Forget what was kept of a claim in memory."""
    for kept in (run.inputs, run.stopping, run.triggers):
        kept.pop(claim, None)
    run.delivered.discard(claim)


def _take_off(parts: Parts, key: Key, run: WorkerRun, claim: Claim) -> None:
    drop(run, claim.id)
    phase = Key("Phase", key.namespace, claim.phase)
    known = parts.attempts.get(phase, claim.id)
    if known is not None and known.worker == key.name:
        parts.attempts.forget(phase, claim.id)
        parts.queue.add(phase)


def _is_mine(
    parts: Parts, worker: tuple[Key, WorkerRun], attempt: Attempt, known: Attempt | None
) -> bool:
    """Whether a claim is this worker's; if it stands on two pages, the later one counts.

    If there is a pod for the same attempt, that counts: it cannot be taken back.

    A write of a leader that was deposed may come after its successor has given the same
    attempt to another worker. Nobody was told of the earlier claim then.
    """
    key, run = worker
    is_pod = known is not None and known.uid and not known.worker
    if known is None or (known.worker in ("", key.name) and not is_pod):
        return True
    other = parts.workers.get(Key(KIND, key.namespace, known.worker))
    mine = not is_pod and (attempt.started_at, key.name) > (known.started_at, known.worker)
    loser = other if mine else run
    if loser is not None:
        loser.ops.append(Forget(attempt.pod))
        loser.delivered.add(attempt.pod)
        parts.queue.add(Key(KIND, key.namespace, known.worker if mine else key.name))
    return mine


def _tell(parts: Parts, phase: Key, known: Attempt | None, attempt: Attempt) -> None:
    now = parts.clock.monotonic()
    parts.queue.add_at(Key("Agent", phase.namespace, attempt.agent), now + 1.0)
    if attempt.live and known is not None and known.live and not known.uid:
        parts.queue.add_at(phase, now + CONFIRMED_SECONDS)
        return
    parts.queue.add(phase)
    if attempt.live or (known is not None and not known.live):
        return
    run = parts.phases.get(phase)
    if run is not None and known is not None:
        run.trigger = now
    parts.agents.seen(phase.namespace, attempt, parts.clock.now())
    note_end(parts, phase, attempt)


def _note_conduct(run: WorkerRun, known: Attempt | None, attempt: Attempt) -> None:
    """Count an end that is the worker's own doing, once."""
    if attempt.outcome is None or known is None or not known.live:
        return
    good = attempt.outcome.kind is Kind.SUCCEEDED
    if good or attempt.outcome.kind is Kind.FAILED or attempt.outcome.reason == RESTARTED:
        run.conduct = run.conduct.after(good=good)


def _remember(run: WorkerRun, page: Page) -> None:
    """Keep the digests of the last results: whoever repeats one has not heard the answer."""
    for id_, ending in page.endings.items():
        run.told[id_] = ending.end.digest
    while len(run.told) > _TOLD:
        del run.told[next(iter(run.told))]


def _with_memory(attempt: Attempt, known: Attempt | None) -> Attempt:
    """Keep of a live attempt what no page tells: when its end was asked for, and how far it is."""
    if known is None or not (known.live and attempt.live):
        return attempt
    return replace(attempt, deleted_at=known.deleted_at, progress=known.progress)


def _claims(page: Page) -> dict[str, Claim]:
    return {**page.claims, **{id_: ending.claim for id_, ending in page.endings.items()}}
