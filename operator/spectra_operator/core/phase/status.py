"""A Phase's status: from a record to what the API server stores, and back."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from ...api.constants import MAX_COUNT
from ...api.phase import PhaseState, TaskState
from .. import indexes
from ..attempts.evidence import instant
from ..attempts.results import Usage
from ..change_status import parse_run, render_changes
from ..conditions import conditions, run_of, timestamp
from ..insight.estimate import in_words
from .attempt_status import (
    parse_checkpoint,
    parse_progress,
    precise,
    render_checkpoint,
    render_progress,
)
from .messages import MAX_REFUSAL_BYTES, fit
from .records import Item, PhaseRecord, Spawned, Tally, TaskRecord

Status = dict[str, Any]
Written = Callable[[datetime], str]
"""How a time is written: in whole seconds, or with fractions (`precise`)."""

_CENTS = Decimal("0.000000000001")


def render_phase(record: PhaseRecord, now: datetime, written: Written = timestamp) -> Status:
    """Return the status object of a phase; `written` are the starts and ends of its tasks."""
    tally = record.tally()
    accepted = record.state is not PhaseState.REJECTED
    succeeded = record.state is PhaseState.SUCCEEDED
    ends = (record.ended, succeeded)
    run = run_of(record, str(record.state), ends, accepted, now)
    status: Status = {
        "observedGeneration": record.generation,
        "state": str(record.state),
        "reason": record.reason,
        "message": record.message,
        "progress": tally.progress,
        "counts": render_tally(tally),
        "startedAt": record.started_at and timestamp(record.started_at),
        "finishedAt": record.finished_at and timestamp(record.finished_at),
        "duration": duration(record.started_at, record.finished_at),
        "tasks": {name: render_task(task, written) for name, task in record.tasks.items()},
        "actions": [
            {"uid": uid} | ({"refused": why[:1024]} if why else {})
            for uid, why in record.applied.items()
        ],
        "conditions": conditions(run),
        **render_changes(record),
    }
    fit(status["tasks"].values(), "message")
    fit(status["actions"], "refused", MAX_REFUSAL_BYTES)
    return _without_empty(status)


def render_task(record: TaskRecord, written: Written = timestamp) -> Status:
    """Return the status of one task; a fan-out's items as index ranges."""
    single = record.open.get(0) if not record.fan_out else None
    status: Status = {
        "state": str(record.state),
        "reason": record.reason,
        "message": record.message,
        "agent": record.agent,
        "selection": record.selection,
        "revision": record.revision,
        "pod": record.pod,
        "attempt": record.attempt,
        "prior": record.prior,
        "fallback": record.way,
        "failures": record.failures,
        "losses": record.losses,
        "notBefore": single and single.not_before and precise(single.not_before),
        "checkpoint": render_checkpoint(None if record.ended else single),
        "progress": record.progress and render_progress(record.progress),
        "startedAt": record.started_at and written(record.started_at),
        "finishedAt": record.finished_at and record.ended and written(record.finished_at),
        "spawned": record.spawned and _spawned(record.spawned),
        "items": _items(record) if record.fan_out else None,
        "outputs": _outputs(record),
        "usage": render_usage(record.usage),
    }
    return _without_empty(status)


def _spawned(plan: Spawned) -> Status:
    return _without_empty(
        {
            "attempt": plan.attempt,
            "objectName": plan.object_name,
            "tasks": plan.tasks,
            "outputs": plan.outputs,
        }
    )


def _parse_spawned(status: Mapping[str, Any] | None) -> Spawned | None:
    if not status:
        return None
    return Spawned(
        attempt=status["attempt"],
        object_name=status["objectName"],
        tasks=status.get("tasks", ""),
        outputs=status.get("outputs", ""),
    )


def render_tally(tally: Tally) -> Status:
    """Return counts; zeros are left out except the total."""
    return {"total": tally.total} | _without_empty(
        {
            "running": tally.running,
            "succeeded": tally.succeeded,
            "failed": tally.failed,
            "skipped": tally.skipped,
            "cancelled": tally.cancelled,
        }
    )


def render_usage(usage: Usage) -> Status | None:
    """Return what was used, the cost as a plain decimal, or None for nothing."""
    if usage == Usage():
        return None
    cost = f"{usage.cost.quantize(_CENTS):f}".rstrip("0").rstrip(".")
    return {
        "inputTokens": usage.input_tokens,
        "outputTokens": usage.output_tokens,
        "cost": cost or "0",
    }


def duration(started: datetime | None, finished: datetime | None) -> str:
    """Return how long something took in words; empty while it goes on."""
    return in_words((finished - started).total_seconds()) if started and finished else ""


def parse_phase(status: Mapping[str, Any] | None) -> PhaseRecord:
    """Return the record that a status holds; an empty status is an empty record."""
    if not status or not status.get("state"):
        return PhaseRecord()
    return PhaseRecord(
        **parse_run(status),
        state=PhaseState(status["state"]),
        tasks={name: parse_task(task) for name, task in (status.get("tasks") or {}).items()},
        applied={a["uid"]: a.get("refused", "") for a in status.get("actions") or ()},
    )


def parse_task(status: Mapping[str, Any]) -> TaskRecord:
    """Return the record that a task's status holds."""
    record = TaskRecord(
        state=TaskState(status["state"]),
        reason=status.get("reason", ""),
        message=status.get("message", ""),
        agent=status.get("agent", ""),
        selection=status.get("selection", ""),
        revision=status.get("revision", ""),
        pod=status.get("pod", ""),
        attempt=status.get("attempt", 0),
        prior=status.get("prior", 0),
        way=status.get("fallback", 0),
        failures=status.get("failures", 0),
        losses=status.get("losses", 0),
        spawned=_parse_spawned(status.get("spawned")),
        progress=parse_progress(status.get("progress")),
        started_at=instant(status.get("startedAt")),
        finished_at=instant(status.get("finishedAt")),
        usage=parse_usage(status.get("usage")),
    )
    items = status.get("items")
    return _parse_items(record, status, items) if items else _parse_single(record, status)


def parse_usage(usage: Mapping[str, Any] | None) -> Usage:
    """Return the usage that a status holds."""
    if not usage:
        return Usage()
    return Usage(
        usage.get("inputTokens", 0), usage.get("outputTokens", 0), Decimal(usage.get("cost", "0"))
    )


def _items(record: TaskRecord) -> Status:
    return {"total": record.total} | _without_empty(
        {
            "running": indexes.render(record.running_mask),
            "succeeded": indexes.render(record.succeeded),
            "failed": indexes.render(record.failed),
            "cancelled": indexes.render(record.cancelled),
            "open": {
                str(index): _item(item)
                for index, item in sorted(record.open.items())
                if item.recorded != record.prior or item.state is not TaskState.RUNNING
            },
        }
    )


def _item(item: Item) -> Status:
    return {"state": str(item.state)} | _without_empty(
        {
            "attempt": item.attempt,
            "prior": item.prior,
            "fallback": item.way,
            "failures": item.failures,
            "losses": item.losses,
            "notBefore": item.not_before and precise(item.not_before),
            "reason": item.reason,
            "checkpoint": render_checkpoint(item),
        }
    )


def _outputs(record: TaskRecord) -> str | None:
    """A single task's outputs as they came; a fan-out's as an array by index."""
    if not record.outputs:
        return None
    if not record.fan_out:
        return record.outputs[0]
    return "[" + ",".join(record.outputs.get(i, "null") for i in range(record.total)) + "]"


def _parse_single(record: TaskRecord, status: Mapping[str, Any]) -> TaskRecord:
    state = record.state
    record = replace(
        record,
        succeeded=int(state is TaskState.SUCCEEDED),
        failed=int(state is TaskState.FAILED),
        cancelled=int(state is TaskState.CANCELLED and record.attempt > 0),
    )
    if status.get("outputs"):
        record = replace(record, outputs={0: status["outputs"]})
    recorded = record.prior + record.failures + record.losses
    unbegun = record.attempt == record.prior and not record.way
    if record.ended or (unbegun and not record.spawned):
        return record
    running = record.attempt > recorded or record.spawned is not None
    item = Item(
        state=TaskState.RUNNING if running else TaskState.BACKOFF,
        attempt=record.attempt,
        failures=record.failures,
        losses=record.losses,
        not_before=instant(status.get("notBefore")),
        prior=record.prior,
        way=record.way,
        checkpoint=parse_checkpoint(status),
    )
    return replace(record, open={0: item})


def _parse_items(
    record: TaskRecord, status: Mapping[str, Any], items: Mapping[str, Any]
) -> TaskRecord:
    opened = {
        index: Item(TaskState.RUNNING, record.prior + 1, prior=record.prior)
        for index in indexes.iterate(indexes.parse(items.get("running", "")))
    }
    for key, value in (items.get("open") or {}).items():
        opened[next(indexes.iterate(indexes.parse(key)))] = Item(
            state=TaskState(value["state"]),
            attempt=value.get("attempt", 0),
            failures=value.get("failures", 0),
            losses=value.get("losses", 0),
            not_before=instant(value.get("notBefore")),
            reason=value.get("reason", ""),
            prior=value.get("prior", 0),
            way=value.get("fallback", 0),
            checkpoint=parse_checkpoint(value),
        )
    outputs = json.loads(status.get("outputs") or "[]")
    return replace(
        record,
        total=min(items["total"], MAX_COUNT),
        fan_out=True,
        succeeded=indexes.parse(items.get("succeeded", "")),
        failed=indexes.parse(items.get("failed", "")),
        cancelled=indexes.parse(items.get("cancelled", "")),
        open=opened,
        outputs={
            i: json.dumps(value, separators=(",", ":"))
            for i, value in enumerate(outputs)
            if value is not None
        },
    )


def _without_empty(status: Status) -> Status:
    return {k: v for k, v in status.items() if v not in (None, "", 0, False, [], {})}
