"""Gates before the switch: made-up tasks, and recorded tasks done again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ...api.rollout import GateTaskSpec, PreGate, Replay
from ..language.expressions import (
    SMALL_COST,
    ExpressionError,
    compile_expression,
    condition,
)
from .conditions import PASSED, Finding, Verdict, together
from .records import GateResult, GateState, GateTask, RolloutSnapshot

DONE = ("outputs", "seconds", "cost")
"""What the condition of a made-up task may read."""
RECORDED = (*DONE, "recorded")
"""What the conditions of a replay may read."""
_LONGEST = 60
"""Characters of a value in a message."""


@dataclass(frozen=True, slots=True)
class Done:
    """How a task went. `outputs` is a JSON object; `timed` says whether `seconds` is known."""

    succeeded: bool
    outputs: Mapping[str, Any]
    seconds: float
    cost: float
    message: str = ""
    timed: bool = True


@dataclass(frozen=True, slots=True)
class GateProgress:
    """How the gates stand together.

    Attributes:
        finding: Failed as soon as one has; Passed when all have.
        steps: How many have passed, and how much of the others is done.
        replay: What came of the recorded tasks, or how many are done by now.
        run: Which to try now.
        wake_at: When one that could not be tried is tried again.
    """

    finding: Finding
    steps: int
    replay: str
    run: tuple[GateTask, ...]
    wake_at: datetime | None


def gate_tasks(gate: PreGate | None, rollout: int) -> tuple[GateTask, ...]:
    """Return the gates of a rollout, which is named by its number."""
    if gate is None:
        return ()
    made_up = [
        GateTask(f"{rollout}/{place}-{spec.task}", spec) for place, spec in enumerate(gate.tasks)
    ]
    replay = [GateTask(f"{rollout}/replay", gate.replay)] if gate.replay else []
    return (*made_up, *replay)


def gate_progress(snapshot: RolloutSnapshot, rollout: int) -> GateProgress:
    """Return how the gates of a rollout stand."""
    gates = gate_tasks(snapshot.spec.pre_gate, rollout)
    known = [snapshot.gates.get(gate.key) for gate in gates]
    findings = list(map(_finding, gates, known))
    again = {gate.key: _again_at(snapshot, gate) for gate in gates}
    later = [at for at in again.values() if at is not None and at > snapshot.now]
    due = [gate for gate in gates if (at := again[gate.key]) is not None and at <= snapshot.now]
    return GateProgress(
        finding=together(findings),
        steps=sum(map(_steps, known)),
        replay=_replay(gates, known),
        run=tuple(due),
        wake_at=min(later, default=None),
    )


def _again_at(snapshot: RolloutSnapshot, gate: GateTask) -> datetime | None:
    """Return when a gate is to be tried: now, after a pause, or not (again)."""
    known = snapshot.gates.get(gate.key)
    if known is None:
        return snapshot.now
    return known.at + timedelta(seconds=known.pause) if known.state is GateState.ERROR else None


def _steps(known: GateResult | None) -> int:
    """Return how many steps a gate has got on: a replay as many as tasks of it are done."""
    if known is None:
        return 0
    return known.steps + (known.state is GateState.PASSED)


def _replay(gates: Iterable[GateTask], known: Iterable[GateResult | None]) -> str:
    found = zip(gates, known, strict=True)
    texts = [each.message for gate, each in found if each and isinstance(gate.spec, Replay)]
    return next(iter(texts), "")


def judge_task(spec: GateTaskSpec, done: Done) -> Finding:
    """Return whether a made-up task went as expected."""
    if not done.succeeded:
        return Finding(Verdict.FAILED, f"the task failed: {done.message}")
    return together([_look(each, DONE, done, _values(done)) for each in [spec.expect] if each])


def judge_replay(spec: Replay, done: Done, recorded: Done) -> Finding:
    """Return whether a task that was done again went as well as it is recorded."""
    if not done.succeeded:
        return Finding(Verdict.FAILED, f"the task failed: {done.message}")
    values = {**_values(done), "recorded": _values(recorded)}
    known = [each for each in spec.conditions if recorded.timed or not reads_recorded_time(each)]
    return together([_look(each, RECORDED, done, values) for each in known])


def reads_recorded_time(source: str) -> bool:
    """Whether a condition of a replay reads how long a recorded task took."""
    return _reads(source, ("recorded",), ("recorded", "seconds"))


def _reads(source: str, *steps: tuple[str, ...]) -> bool:
    try:
        read = compile_expression(source, RECORDED).references
    except ExpressionError:
        return False
    return any(each.steps[:2] in steps for each in read)


def _values(done: Done) -> dict[str, Any]:
    return {"outputs": dict(done.outputs), "seconds": done.seconds, "cost": done.cost}


def _look(source: str, roots: tuple[str, ...], done: Done, values: Mapping[str, Any]) -> Finding:
    """A condition over outputs that gives nothing, such as of one that is missing, has failed.

    One over a time that may be too long has not: it is to be measured again.
    """
    try:
        expression = compile_expression(source, roots)
        if condition(expression, values, SMALL_COST):
            return PASSED
    except ExpressionError as error:
        return Finding(Verdict.FAILED, f"{source}: {error}")
    read = sorted(expression.references, key=str)
    told = ", ".join(f"{each} is {_shown(each.steps, values)}" for each in read)
    if not done.timed and _reads(source, ("seconds",)):
        return Finding(Verdict.ERROR, f"{source}: the operator changed while the task ran")
    return Finding(Verdict.FAILED, f"{source} does not hold{told and ': '}{told}")


def _shown(steps: tuple[str | int, ...], values: Mapping[str, Any]) -> str:
    found: Any = values
    for step in steps:
        found = found.get(step) if isinstance(found, Mapping) else None
    text = json.dumps(found)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _finding(gate: GateTask, known: GateResult | None) -> Finding:
    name = gate.key.partition("/")[2]
    if known is None or known.state is GateState.PENDING:
        so_far = f": {known.message}" if known and known.message else ""
        return Finding(Verdict.INCONCLUSIVE, f"gate {name} is tried{so_far}")
    if known.state is GateState.ERROR:
        return Finding(Verdict.ERROR, f"gate {name} could not be tried: {known.message}")
    if known.state is GateState.FAILED:
        return Finding(Verdict.FAILED, f"gate {name} failed: {known.message}")
    return PASSED
