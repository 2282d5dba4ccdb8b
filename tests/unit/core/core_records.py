"""Random records of tasks and phases, as the core could have made them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from hypothesis import strategies as st

from builders.pods import at
from spectra_operator.api.phase import PhaseState, TaskState
from spectra_operator.core.attempts.progress import Progress
from spectra_operator.core.attempts.results import Usage
from spectra_operator.core.phase.records import (
    ENDED,
    Checkpoint,
    Item,
    PhaseRecord,
    Spawned,
    TaskRecord,
)

WORDS = st.text("abc ü$", max_size=6)
SECONDS = st.none() | st.integers(0, 10**6).map(at)
EXACT = st.none() | st.integers(0, 10**9).map(lambda n: at(n / 1000))
OUTPUTS = st.dictionaries(
    st.sampled_from("xyz"), st.none() | st.integers() | WORDS, min_size=1
).map(lambda value: json.dumps(value, separators=(",", ":")))
USAGES = st.builds(
    Usage,
    st.integers(0, 10**6),
    st.integers(0, 10**6),
    st.decimals(0, 1000, places=4).map(lambda d: Decimal(d).quantize(Decimal("0.000000000001"))),
)
CHECKPOINTS = st.none() | st.builds(
    Checkpoint, OUTPUTS | st.just("[3]"), st.integers(0, 10**9).map(lambda n: at(n / 1000))
)
PROGRESS = st.builds(Progress, st.integers(0, 100), WORDS) | st.just(Progress(None, "half way"))
OPEN_STATES = (TaskState.WAITING, TaskState.READY)


@st.composite
def single_tasks(draw: st.DrawFn) -> TaskRecord:
    """Return the record of a task without count."""
    failures, losses = draw(st.integers(0, 3)), draw(st.integers(0, 3))
    prior = draw(st.just(0) | st.integers(1, 9))  # after a reset or a fallback
    way = draw(st.integers(0, min(prior, 2)))
    state = draw(st.sampled_from(list(TaskState)))
    record = TaskRecord(failures=failures, losses=losses, prior=prior, way=way)
    record = _described(draw, record)
    tried = prior + failures + losses
    if state is TaskState.RUNNING:
        left = draw(CHECKPOINTS) if failures or losses else None
        item = Item(state, tried + 1, failures, losses, prior=prior, way=way, checkpoint=left)
        said = draw(st.none() | PROGRESS)
        record = replace(record, state=state, attempt=item.attempt, open={0: item}, progress=said)
        return _planning(draw, record) if draw(st.booleans()) else record
    if state is TaskState.BACKOFF:
        record = replace(record, failures=failures + 1, attempt=tried + 1)
        item = Item(state, tried + 1, failures + 1, losses, draw(EXACT), prior=prior, way=way)
        item = replace(item, checkpoint=draw(CHECKPOINTS))
        return replace(record, state=state, open={0: item})
    if state is TaskState.SUCCEEDED:
        outputs = {0: draw(OUTPUTS)} if draw(st.booleans()) else {}
        return replace(record, state=state, attempt=tried + 1, succeeded=1, outputs=outputs)
    if state is TaskState.FAILED:
        return replace(record, state=state, failures=failures + 1, attempt=tried + 1, failed=1)
    if state is TaskState.CANCELLED:
        return replace(record, state=state, attempt=tried + 1, cancelled=1)
    reset = replace(record, state=state, failures=0, losses=0, way=0, attempt=prior)
    return replace(reset, started_at=None)


def _planning(draw: st.DrawFn, record: TaskRecord) -> TaskRecord:
    """Return a task whose plan is being carried out."""
    attempt = record.attempt
    plan = Spawned(attempt, "stage-plan", draw(st.sampled_from(["", "[]"])), draw(OUTPUTS))
    item = replace(record.open[0], prior=record.prior + 1, checkpoint=None)
    return replace(record, prior=item.prior, open={0: item}, spawned=plan)


@st.composite
def fan_outs(draw: st.DrawFn) -> TaskRecord:
    """Return the record of a task with count."""
    total = draw(st.integers(1, 6))
    places = [
        draw(st.sampled_from(["new", "run", "pause", "ok", "bad", "off"])) for _ in range(total)
    ]
    masks = {kind: sum(1 << i for i, p in enumerate(places) if p == kind) for kind in set(places)}
    prior = draw(st.just(0) | st.integers(1, 9))
    record = TaskRecord(
        total=total,
        fan_out=True,
        prior=prior,
        succeeded=masks.get("ok", 0),
        failed=masks.get("bad", 0),
        cancelled=masks.get("off", 0),
        open={i: _item(draw, p, prior) for i, p in enumerate(places) if p in ("run", "pause")},
        outputs={
            i: draw(OUTPUTS) for i, p in enumerate(places) if p == "ok" and draw(st.booleans())
        },
    )
    ended = [s for s in TaskState if s in ENDED]
    state = draw(st.sampled_from([TaskState.READY] if record.open else ended))
    return replace(_described(draw, record), state=state, attempt=draw(st.integers(1, 9)))


@st.composite
def phases(draw: st.DrawFn) -> PhaseRecord:
    """Return the record of a phase."""
    tasks = st.dictionaries(st.sampled_from("abcd"), single_tasks() | fan_outs(), max_size=4)
    suspended = draw(st.booleans())
    return PhaseRecord(
        generation=draw(st.integers(1, 9)),
        state=draw(st.sampled_from(list(PhaseState))),
        reason=draw(st.sampled_from(["", "TaskFailed"])),
        message=draw(WORDS),
        started_at=draw(SECONDS),
        finished_at=draw(SECONDS),
        suspended=suspended,
        suspended_changed_at=draw(st.integers(0, 10**6).map(at)),
        tasks=draw(tasks),
        applied=draw(st.dictionaries(st.uuids().map(str), WORDS.map(str.strip), max_size=3)),
    )


def _described(draw: st.DrawFn, record: TaskRecord) -> TaskRecord:
    ended: datetime | None = draw(SECONDS)
    return replace(
        record,
        reason=draw(st.sampled_from(["", "Error", "OOMKilled"])),
        message=draw(WORDS),
        agent=draw(st.sampled_from(["", "worker"])),
        revision=draw(st.sampled_from(["", "r1"])),
        pod=draw(st.sampled_from(["", "stage-a-0-1"])),
        started_at=draw(SECONDS),
        finished_at=ended,
        usage=draw(USAGES),
    )


def _item(draw: st.DrawFn, kind: str, before: int) -> Item:
    """Return an open item; `before` is where those that were never tried would begin."""
    way = draw(st.integers(0, 2))
    prior = before if not way else before + draw(st.integers(1, 3))
    failures, losses = draw(st.integers(0, 2)), draw(st.integers(0, 2))
    number = prior + failures + losses + 1
    if kind == "run":
        reason = draw(st.sampled_from(["", "ErrImagePull"])) if number > before + 1 else ""
        left = draw(CHECKPOINTS) if failures or losses else None
        return Item(TaskState.RUNNING, number, failures, losses, None, reason, prior, way, left)
    pause, left = draw(EXACT), draw(CHECKPOINTS)
    return Item(TaskState.BACKOFF, number, failures + 1, losses, pause, "Error", prior, way, left)
