"""The Phase object that does recorded tasks again, and what its end says of the revision.

It holds what was chosen: so whoever finds it goes on with the same tasks, whatever has become of
the phases that they were recorded in.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ...api.phase import PhaseState
from ...api.rollout import Replay
from ..attempts.objects import Body
from ..language.templates import escape
from ..phase.records import PhaseRecord, TaskRecord
from .conditions import Finding, Verdict, together
from .gate_phase import DONE_ONCE, GateTry, Moment, done, gate_phase, lost, why
from .gates import Done, judge_replay, reads_recorded_time
from .recorded import Recorded, Wanted
from .records import GateResult, GateState

AT_ONCE = 4
"""Recorded tasks that are done again at the same time; it is a trial, not a rush."""
LOOK_AGAIN_SECONDS = 60
"""Pause before recorded tasks are looked for again, where there were none: it takes some reads."""
_LONGEST_NAME = 40
_KEPT = ("outputs", "timeoutSeconds", "pendingTimeoutSeconds")
"""Fields of a task that hold when it is done again."""
_TOLD = 3
"""Tasks that a message tells of."""


def replay_body(attempt: GateTry, place: tuple[str, str], found: Sequence[Recorded]) -> Body:
    """Return the Phase object that does recorded tasks again; `place` is namespace and shard."""
    names = [
        f"r{number}-{each.task}"[:_LONGEST_NAME].rstrip("-") for number, each in enumerate(found)
    ]
    tasks = [_task(attempt.agent, name, each) for name, each in zip(names, found, strict=True)]
    body = gate_phase(attempt, place, tasks)
    body["spec"]["parallelism"] = AT_ONCE
    known = {name: _written(each) for name, each in zip(names, found, strict=True)}
    body["spec"]["context"] = {"tasks": known}
    return body


def _task(agent: str, name: str, recorded: Recorded) -> Body:
    spec = recorded.spec.model_dump(mode="json", by_alias=True, exclude_unset=True)
    task: Body = {"name": name, "agent": agent, "retry": DONE_ONCE}
    if recorded.input:
        task["input"] = _literal(recorded.input)
    return task | {field: spec[field] for field in _KEPT if field in spec}


def _literal(value: Any) -> Any:
    """Return what stands for a value where expressions may stand: it is none, whatever it says."""
    if isinstance(value, str):
        return escape(value)
    if isinstance(value, Mapping):
        return {key: _literal(each) for key, each in value.items()}
    return [_literal(each) for each in value] if isinstance(value, list) else value


def _written(recorded: Recorded) -> Body:
    """Outputs stay text: an object would come back with 1.0 as 1."""
    written = {
        "phase": recorded.phase,
        "task": recorded.task,
        "index": recorded.index,
        "outputs": recorded.outputs,
        "cost": recorded.cost,
        "seconds": recorded.seconds,
    }
    return {field: value for field, value in written.items() if value is not None}


def replay_result(
    attempt: GateTry, spec: Mapping[str, Any], record: PhaseRecord, moment: Moment
) -> GateResult:
    """Return how a replay stands, by the spec and the status of its phase."""
    now = moment.now
    known: Mapping[str, Any] = (spec.get("context") or {}).get("tasks") or {}
    ended = [task for task in record.tasks.values() if task.succeeded]
    steps, many = len(ended), len(known)
    if not record.ended:
        text = f"{steps} of {many} recorded tasks are done again"
        return GateResult(GateState.PENDING, now, text, steps)
    at, replay = record.finished_at or now, attempt.gate.spec
    judged = record.state in (PhaseState.SUCCEEDED, PhaseState.FAILED)
    if not judged or not known or not isinstance(replay, Replay):
        return GateResult(GateState.ERROR, at, f"phase {attempt.name}: {why(record)}", steps)
    findings = [_finding(replay, record.tasks.get(n), known[n], moment) for n in known]
    finding = together(findings)
    if finding.verdict is Verdict.FAILED:
        return GateResult(GateState.FAILED, at, _worst(findings), steps)
    if any(task.failed and not task.failures for task in record.tasks.values()):
        return lost(attempt, f"{finding.text}; see phase {attempt.name}"[:512], at)
    if finding.verdict is not Verdict.PASSED:
        return GateResult(GateState.ERROR, at, f"phase {attempt.name}: {finding.text}"[:512], steps)
    return GateResult(GateState.PASSED, at, _passed(replay, known), steps)


def nothing_recorded(wanted: Wanted, *, did_something: bool, now: datetime) -> GateResult:
    """Return how a replay stands for which no recorded task was found.

    A stable revision that has done nothing yet leaves nothing to compare with, and nobody who
    depends on it. One that has done tasks of which none is left is not known to be matched.
    """
    stable = wanted.revision
    if not did_something:
        text = f"nothing was done again: revision {stable} has not done any task yet"
        return GateResult(GateState.PASSED, now, text)
    text = (
        f"no task that revision {stable} has done can be done again: they were deleted, failed at "
        "first, or need more than their input; let it do one, or take preGate.replay out"
    )
    return GateResult(GateState.ERROR, now, text, pause=LOOK_AGAIN_SECONDS)


def _finding(
    replay: Replay, task: TaskRecord | None, known: Mapping[str, Any], moment: Moment
) -> Finding:
    """Return how one task went. What was not tried since another had failed is not known."""
    item = f"[{known['index']}]" if "index" in known else ""
    name = f"{known['task']}{item} of phase {known['phase']}"
    if task is None or not (task.succeeded or task.failures):
        return Finding(Verdict.ERROR, f"{name} was not done again: {task and task.reason}")
    finding = judge_replay(replay, done(task, moment), _recorded(known))
    return Finding(finding.verdict, f"{name}: {finding.text}") if finding.text else finding


def _recorded(known: Mapping[str, Any]) -> Done:
    seconds = known.get("seconds")
    return Done(
        succeeded=True,
        outputs=json.loads(known["outputs"]),
        seconds=float(seconds or 0),
        cost=float(known["cost"]),
        timed=seconds is not None,
    )


def _worst(findings: Sequence[Finding]) -> str:
    failed = [each.text for each in findings if each.verdict is Verdict.FAILED]
    more = len(failed) - _TOLD
    told = "; ".join(text[:300] for text in failed[:_TOLD])
    return f"{told}; and {more} more" if more > 0 else told


def _passed(replay: Replay, known: Mapping[str, Any]) -> str:
    fewer = f" (of {replay.last} asked for, no more can be)" if len(known) < replay.last else ""
    untimed = sum("seconds" not in each for each in known.values())
    asked = untimed and any(map(reads_recorded_time, replay.conditions))
    missing = f"; how long {untimed} of them took is not known" if asked else ""
    return f"{len(known)} recorded tasks were done again as well as before{fewer}{missing}"
