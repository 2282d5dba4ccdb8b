"""What heartbeats say of open claims: checkpoints go to the page, progress stays in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ..api.constants import MAX_CHECKPOINT_BYTES
from ..core.attempts.evidence import Attempt
from ..core.attempts.progress import progress_of
from ..core.pool.page import Claim, Note, apply
from ..core.pool.page_text import is_larger
from .desk_calls import Beat
from .keys import Key
from .parts import Parts
from .worker_book import WorkerRun

NOTE_SECONDS = 1.0
"""How long a checkpoint may wait for another change of its page to go with."""
SHOW_SECONDS = 1.0
"""How long the progress of a phase's claims may gather before it is looked at."""
NOTED_PAGE_BYTES = 128 * 1024
"""A page of this size keeps the checkpoints that it has, so that room is left for results."""


def take_beats(
    parts: Parts, key: Key, run: WorkerRun, claims: Mapping[str, Claim], beats: Iterable[Beat]
) -> None:
    """Take in what is said of claims that are open; `claims` has the open ones of the worker."""
    for beat in beats:
        claim = claims.get(beat.claim)
        if claim is None or claim.epoch != beat.epoch:
            continue
        if beat.checkpoint and beat.checkpoint != claim.checkpoint:
            _note(parts, key, run, beat)
        if beat.progress:
            _show_claim(parts, key, claim, beat.progress)


def _note(parts: Parts, key: Key, run: WorkerRun, beat: Beat) -> None:
    if len(beat.checkpoint.encode()) > MAX_CHECKPOINT_BYTES:
        return
    note = Note(beat.claim, beat.checkpoint)
    if is_larger(apply(run.wanted, [note]), NOTED_PAGE_BYTES):
        return
    run.ops = [op for op in run.ops if not (isinstance(op, Note) and op.id == note.id)]
    run.ops.append(note)
    parts.queue.add_at(key, run.write_within(parts.clock.monotonic() + NOTE_SECONDS))


def _show_claim(parts: Parts, key: Key, claim: Claim, text: str) -> None:
    phase = Key("Phase", key.namespace, claim.phase)
    known = parts.attempts.get(phase, claim.id)
    if known is not None and known.live and known.worker == key.name:
        show(parts, phase, known, text)


def show(parts: Parts, phase: Key, known: Attempt, text: str) -> None:
    """Take in how far a live attempt says that it is."""
    progress = progress_of(text)
    if progress is not None and progress != known.progress:
        parts.attempts.assume(phase, replace(known, progress=progress))
        parts.queue.add_at(phase, parts.clock.monotonic() + SHOW_SECONDS)
