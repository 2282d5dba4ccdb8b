"""Folds the evidence of attempts into records. Evidence already recorded changes nothing.

Because a record says which attempts it contains, folding the same attempts again, or in another
order, gives the same record.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from ...api.constants import MAX_OUTPUT_BYTES
from ...api.phase import TaskState
from ..attempts import retry
from ..attempts.evidence import Attempt, Kind, Outcome
from ..names import spawned_name
from ..sparse import with_text
from .judging import Context, checked, judge
from .records import Checkpoint, Item, Spawned, TaskRecord

Contexts = Callable[[str], Context]
"""Returns the context of a task by its name."""


def fold(record: TaskRecord, attempt: Attempt, context: Context) -> TaskRecord:
    """Return the record with what this attempt proves."""
    recorded = record.recorded(attempt.index)
    if recorded is None or attempt.number <= recorded or attempt.index >= record.total:
        return record
    item = record.open.get(attempt.index) or Item(TaskState.READY, 0, prior=record.prior)
    gap = attempt.number - recorded - 1
    if gap:  # a status older than the pods (a restore): what it does not know of was lost
        item = replace(item, losses=item.losses + gap)
        record = replace(record, losses=record.losses + gap)
    outcome = judge(attempt, context.policy.of_way(item.way), item.reason)
    if outcome is None:
        return _running(record, attempt, item)
    record = _describe(record, attempt)
    return close(record, attempt, item, outcome, context)


def close(
    record: TaskRecord, attempt: Attempt, item: Item, outcome: Outcome, context: Context
) -> TaskRecord:
    """Return the record with the end of an attempt: a result, a plan, or a failure."""
    if outcome.kind is Kind.SUCCEEDED:
        outcome = checked(attempt, outcome, context)
    if outcome.kind is Kind.SUCCEEDED:
        if outcome.result.spawn:
            return _spawned(record, attempt, item, outcome, context)
        return _succeeded(record, attempt, outcome, context)
    record = replace(record, usage=record.usage + outcome.result.usage)
    if context.cancel:
        return _cancelled(record, attempt, context)
    if context.overdue:
        text = f"activeDeadlineSeconds of task {attempt.task} have passed"
        outcome = Outcome(Kind.FAILED, context.overdue, text, final=True)
    return _try_again(record, attempt, item, outcome, context)


def _spawned(
    record: TaskRecord, attempt: Attempt, item: Item, outcome: Outcome, context: Context
) -> TaskRecord:
    """Keep the plan: the task runs on in the Phase that is made from it."""
    result, phase = outcome.result, context.phase
    plan = Spawned(
        attempt=attempt.number,
        object_name=spawned_name(phase.name, phase.uid, attempt.task, attempt.number),
        tasks=result.spawn,
        outputs=result.outputs,
    )
    waiting = replace(
        item,
        state=TaskState.RUNNING,
        attempt=attempt.number,
        prior=item.prior + 1,
        not_before=None,
        reason="",
        checkpoint=None,
    )
    record = replace(
        record,
        prior=waiting.prior,
        usage=record.usage + result.usage,
        spawned=plan,
        reason="Spawned",
        message=f"its tasks run in phase {plan.object_name}",
    )
    return record.with_item(attempt.index, waiting)


def _describe(record: TaskRecord, attempt: Attempt) -> TaskRecord:
    started = attempt.started_at or attempt.created_at
    if record.started_at and started:
        started = min(record.started_at, started)
    same = record.pod in (attempt.pod, attempt.worker)
    return replace(
        record,
        agent=attempt.agent or record.agent,
        selection=attempt.selection or (record.selection if same else ""),
        revision=attempt.revision or record.revision,
        pod=_shown_pod(attempt),
        attempt=max(record.attempt, attempt.number),
        started_at=started or record.started_at,
    )


def _shown_pod(attempt: Attempt) -> str:
    """Return the pod that does the work: of a claim it is its worker's."""
    return attempt.worker or attempt.pod


def _running(record: TaskRecord, attempt: Attempt, item: Item) -> TaskRecord:
    if _is_known(record, attempt, item):
        return record
    running = replace(
        item,
        state=TaskState.RUNNING,
        attempt=attempt.number,
        not_before=None,
        reason=attempt.waiting,
    )
    if record.open.get(attempt.index) == running and record.pod == _shown_pod(attempt):
        return _said(record, attempt)
    return _said(_describe(record, attempt), attempt).with_item(attempt.index, running)


def _is_known(record: TaskRecord, attempt: Attempt, item: Item) -> bool:
    """Whether a fan-out's record already says all that a live attempt proves; most do."""
    return (
        record.fan_out
        and item.state is TaskState.RUNNING
        and item.attempt == attempt.number
        and item.reason == attempt.waiting
    )


def _said(record: TaskRecord, attempt: Attempt) -> TaskRecord:
    """Show what keeps a single task's container from starting."""
    if record.fan_out:
        return record
    started = record.started_at
    if attempt.started_at and attempt.number == 1:
        started = attempt.started_at
    if (attempt.waiting, attempt.waiting_message[:1024], started) == (
        record.reason,
        record.message,
        record.started_at,
    ):
        return record
    return replace(
        record,
        reason=attempt.waiting,
        message=attempt.waiting_message[:1024],
        started_at=started,
    )


def _succeeded(
    record: TaskRecord, attempt: Attempt, outcome: Outcome, context: Context
) -> TaskRecord:
    result = outcome.result
    record = replace(record, usage=record.usage + result.usage)
    record = _closed(record, attempt)
    bit = 1 << attempt.index
    if result.outputs and record.output_growth(result.outputs) > context.output_bytes_left:
        text = f"the outputs of this phase would exceed {MAX_OUTPUT_BYTES} bytes"
        return replace(
            record,
            failed=record.failed | bit,
            failures=record.failures + 1,
            reason="OutputsTooLarge",
            message=text,
        )
    outputs: Mapping[int, str] = record.outputs
    if result.outputs:
        outputs = with_text(record.outputs, attempt.index, result.outputs)
    return replace(
        record,
        succeeded=record.succeeded | bit,
        outputs=outputs,
        reason="" if not record.failed else record.reason,
        message=outcome.message if not record.failed else record.message,
    )


def _cancelled(record: TaskRecord, attempt: Attempt, context: Context) -> TaskRecord:
    record = _closed(record, attempt)
    return replace(
        record,
        cancelled=record.cancelled | 1 << attempt.index,
        reason=context.cancel,
        message="stopped while it ran",
    )


def _try_again(
    record: TaskRecord, attempt: Attempt, item: Item, outcome: Outcome, context: Context
) -> TaskRecord:
    lost = outcome.kind is Kind.LOST
    failures, losses = item.failures + (not lost), item.losses + lost
    record = replace(
        record,
        failures=record.failures + (not lost),
        losses=record.losses + lost,
        reason=outcome.reason,
        message=outcome.message[:1024],
    )
    rules = context.policy.of_way(item.way).retry
    budget_left = losses <= rules.loss_limit if lost else failures <= rules.limit
    ruled_out = "" if lost else retry.refusal(rules, attempt, outcome, failures)
    if outcome.final or ruled_out or not budget_left:
        if lost:
            record = replace(
                record,
                reason="LossLimitExceeded",
                message=f"{losses} attempts were lost, the last by {outcome.reason}",
            )
        if ruled_out:
            record = replace(record, message=f"{record.message} ({ruled_out})"[:1024])
        return _given_up(record, attempt, item, context)
    ended = attempt.finished_at or context.now
    key = f"{context.phase.uid}/{attempt.task}/{attempt.index}"
    pause_ends = retry.not_before(rules.backoff, ended, losses if lost else failures, key)
    waiting = replace(
        item,
        state=TaskState.BACKOFF,
        attempt=attempt.number,
        failures=failures,
        losses=losses,
        not_before=pause_ends,
        reason=outcome.reason,
        checkpoint=_left(attempt, ended) or item.checkpoint,
    )
    return record.with_item(attempt.index, waiting)


def _left(attempt: Attempt, ended: datetime) -> Checkpoint | None:
    """Return what an attempt left; one that left nothing did not get further than the one before.

    Only bad ends keep it: after a success there is nothing to go on with.
    """
    return Checkpoint(attempt.checkpoint, ended) if attempt.checkpoint else None


def _given_up(record: TaskRecord, attempt: Attempt, item: Item, context: Context) -> TaskRecord:
    """Go the next way that the task offers; without one the item has failed.

    The checkpoint stays behind: another agent may not be able to read it.
    """
    if context.overdue or item.way >= len(context.policy.fallbacks):
        return replace(_closed(record, attempt), failed=record.failed | 1 << attempt.index)
    number = attempt.number
    onward = Item(TaskState.BACKOFF, number, reason=record.reason, prior=number, way=item.way + 1)
    if not record.fan_out:
        record = replace(record, prior=number, failures=0, losses=0, way=onward.way)
    return record.with_item(attempt.index, onward)


def _closed(record: TaskRecord, attempt: Attempt) -> TaskRecord:
    """Take the item off the open ones and note when the task's newest item ended."""
    ended = attempt.finished_at
    if record.finished_at and ended:
        ended = max(record.finished_at, ended)
    record = replace(record, finished_at=ended or record.finished_at)
    return record.with_item(attempt.index, None) if attempt.index in record.open else record
