"""Decides about schedules: what starts now, what is missed, what is replaced, when to look again.

The record's `decided_until` moves over a moment only once its run is known to exist, was refused
or is given up. So a run that was created just before a crash is asked for again under the same
name, and the one that is there is taken as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from ...api.constants import MAX_SCHEDULE_NAME
from ...api.schedule import ConcurrencyPolicy, ScheduleSpec
from .cron import Cron
from .records import (
    BackfillRecord,
    RunView,
    ScheduleDecision,
    ScheduleRecord,
    ScheduleSnapshot,
    Told,
)

MOST_COUNTED = 100
"""Moments of a gap that are counted one by one; of a longer gap only so many count as missed."""
MOST_SHOWN = 100
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class _Part:
    """What one of the two sources of runs, schedule and backfill, comes to."""

    record: ScheduleRecord
    create: tuple[RunView, ...] = ()
    told: tuple[Told, ...] = ()


def run_name(schedule: str, at: datetime) -> str:
    """Return the name of a run's Workflow: a function of schedule and moment."""
    minute = int(at.timestamp()) // 60
    return f"{schedule[:MAX_SCHEDULE_NAME].rstrip('-.')}-{minute}"


def decide_schedule(snapshot: ScheduleSnapshot) -> ScheduleDecision:
    """Return what to do for a schedule now."""
    record = _begin(snapshot)
    spec, cron = snapshot.spec, snapshot.cron
    if spec is None or cron is None:
        reason, message = snapshot.problem
        record = replace(record, reason=reason, message=message, next=None)
        return ScheduleDecision(record)
    suspended = spec.suspend
    text = "suspended; runs whose time passes meanwhile fall to catchUp" if suspended else ""
    record = replace(record, reason="Scheduled", message=text, suspended=suspended)
    if record.schedule != f"{spec.schedule} {spec.time_zone}":
        record = _anew(snapshot, spec, record)
    cancel = _replaced(snapshot, spec)
    if suspended:
        return ScheduleDecision(replace(record, next=None), cancel=cancel)
    regular = _regular(snapshot, spec, cron, record)
    filled = _backfill(snapshot, spec, cron, regular.record)
    following = cron.next(snapshot.now)
    why = filled.record.message if following else "no time in the next fifty years fits it"
    return ScheduleDecision(
        record=replace(filled.record, next=following, message=why),
        create=regular.create + filled.create,
        cancel=cancel,
        told=regular.told + filled.told,
        wake_at=following,
    )


def _begin(snapshot: ScheduleSnapshot) -> ScheduleRecord:
    """Return the persisted record with what the runs show now."""
    live = sorted((r for r in snapshot.runs.values() if _live(r)), key=lambda run: run.at)
    return replace(
        snapshot.persisted,
        generation=snapshot.generation,
        active=tuple(live[:MOST_SHOWN]),
        active_runs=len(live),
        last_successful=snapshot.last_successful or snapshot.persisted.last_successful,
    )


def _live(run: RunView) -> bool:
    return bool(run.uid) and not run.ended


def _anew(snapshot: ScheduleSnapshot, spec: ScheduleSpec, record: ScheduleRecord) -> ScheduleRecord:
    """Begin with the moment at which this schedule was first seen: the past is not its own."""
    since = snapshot.now if snapshot.persisted.reason else snapshot.created_at
    return replace(record, schedule=f"{spec.schedule} {spec.time_zone}", decided_until=since)


def _regular(
    snapshot: ScheduleSnapshot, spec: ScheduleSpec, cron: Cron, record: ScheduleRecord
) -> _Part:
    """Work off the moments that are due, oldest first; those that are given up are missed."""
    since = record.decided_until or snapshot.created_at
    due = cron.newest(since, snapshot.now, MOST_COUNTED)
    worth = _worth_a_run(snapshot, spec, due)
    told: list[Told] = []
    create: list[RunView] = []
    dropped: list[datetime] = []
    passed = True
    for at in due:
        name = run_name(snapshot.name, at)
        known = snapshot.runs.get(name)
        if known is not None:
            if passed:
                record, note = _passed(record, known, at)
                told.append(note)
        elif at in worth or name in snapshot.creating:
            passed = False
            if _must_wait(snapshot, spec, name, create):
                break
            create.append(RunView(name, at))
        elif passed:
            dropped.append(at)
            record = replace(record, decided_until=at, missed=record.missed + 1)
    if dropped:
        told.append(_tell_dropped(snapshot, spec, dropped, more=len(due) == MOST_COUNTED))
    return _Part(record, _new(snapshot, create), tuple(told))


def _worth_a_run(
    snapshot: ScheduleSnapshot, spec: ScheduleSpec, due: list[datetime]
) -> list[datetime]:
    """Return the moments that are still to be started: the newest, within the deadline."""
    replaces = spec.concurrency_policy is ConcurrencyPolicy.REPLACE
    newest = due[-1:] if replaces else due[-spec.catch_up.limit :]
    if spec.starting_deadline_seconds is None:
        return newest
    oldest = snapshot.now - timedelta(seconds=spec.starting_deadline_seconds)
    return [at for at in newest if at >= oldest]


def _must_wait(
    snapshot: ScheduleSnapshot, spec: ScheduleSpec, name: str, create: list[RunView]
) -> bool:
    """Whether a run has to wait until those before it have ended."""
    if spec.concurrency_policy is not ConcurrencyPolicy.FORBID:
        return False
    return bool(create) or _busy(snapshot, name)


def _passed(record: ScheduleRecord, run: RunView, at: datetime) -> tuple[ScheduleRecord, Told]:
    """Move on over a moment whose run exists or never can."""
    if run.refused:
        note = Told("RunRefused", f"the run of {_at(at)} cannot be created: {run.refused}")
        return replace(record, decided_until=at, missed=record.missed + 1), note
    newest = max(at, record.last_schedule or at)
    record = replace(record, decided_until=at, last_schedule=newest)
    return record, Told("RunStarted", f"the run of {_at(at)} is {run.name}")


def _busy(snapshot: ScheduleSnapshot, but: str) -> bool:
    """Whether a run of the schedule, not of its backfill, exists or is on its way."""
    live = [r for r in snapshot.runs.values() if _live(r)]
    return any(not r.backfill and r.name != but for r in (*live, *snapshot.creating.values()))


def _tell_dropped(
    snapshot: ScheduleSnapshot, spec: ScheduleSpec, dropped: list[datetime], *, more: bool
) -> Told:
    span = _at(dropped[0]) if len(dropped) == 1 else f"{_at(dropped[0])} to {_at(dropped[-1])}"
    if spec.concurrency_policy is ConcurrencyPolicy.FORBID and _busy(snapshot, ""):
        text = f"run of {span} not started: an earlier one still runs, and the policy is Forbid"
        return Told("RunSkipped", text)
    number = "1 run" if len(dropped) == 1 else f"{len(dropped)} runs"
    least = "at least " if more else ""
    return Told("RunsMissed", f"{least}{number} not started, of {span}: their time had passed")


def _replaced(snapshot: ScheduleSnapshot, spec: ScheduleSpec) -> tuple[RunView, ...]:
    """Return the live runs to which a later one exists, if later ones replace them."""
    if spec.concurrency_policy is not ConcurrencyPolicy.REPLACE:
        return ()
    regular = [r for r in snapshot.runs.values() if r.uid and not r.backfill]
    known = [*(run.at for run in regular), *filter(None, [snapshot.persisted.last_schedule])]
    return tuple(r for r in regular if _live(r) and r.at < max(known))


def _backfill(
    snapshot: ScheduleSnapshot, spec: ScheduleSpec, cron: Cron, record: ScheduleRecord
) -> _Part:
    """Work off a range of past moments, a few at a time."""
    wanted = spec.backfill
    if wanted is None:
        return _Part(replace(record, backfill=None))
    begin, end = _utc(wanted.from_), _utc(wanted.to)
    state = record.backfill
    if state is None or (state.begin, state.end) != (begin, end):
        state = BackfillRecord(begin, end, until=begin - _SECOND)
    if state.complete:
        return _Part(replace(record, backfill=state))
    live = [r for r in (*snapshot.runs.values(), *snapshot.creating.values()) if r.backfill]
    room = wanted.max_concurrent - sum(not r.ended and not r.refused for r in live)
    create: list[RunView] = []
    passed = True
    for at in cron.between(state.until, min(end, snapshot.now)):
        name = run_name(snapshot.name, at)
        known = snapshot.runs.get(name)
        if known is not None and passed:
            state = replace(state, until=at, started=state.started + (not known.refused))
            continue
        passed = False
        if known is None and name not in snapshot.creating:
            if room <= 0:
                break
            room -= 1
            create.append(RunView(name, at, backfill=True))
    told: tuple[Told, ...] = ()
    if passed:
        state = replace(state, complete=True)
        told = (Told("BackfillComplete", f"{state.started} runs from {_at(begin)} to {_at(end)}"),)
    return _Part(replace(record, backfill=state), _new(snapshot, create), told)


def _new(snapshot: ScheduleSnapshot, wanted: list[RunView]) -> tuple[RunView, ...]:
    return tuple(run for run in wanted if run.name not in snapshot.creating)


def _utc(at: datetime) -> datetime:
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def _at(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%MZ")
