"""The Phase object that tries a gate, and what its end says of the revision.

Its name is a function of what is tried, so that trying it again after a crash finds it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from ...api import constants as c
from ...api.phase import PhaseState
from ...api.rollout import GateTaskSpec
from ...api.workflow import PhaseRole
from ..attempts.objects import Body, owner
from ..conditions import timestamp
from ..names import short_hash
from ..phase.attempt_status import precise
from ..phase.records import PhaseRecord, TaskRecord
from ..phase.status import Written
from ..snapshot import PhaseShape
from .conditions import Verdict
from .gates import Done, judge_task
from .records import GateResult, GateState, GateTask

PRIORITY = 1_000_000
"""A gate holds up a rollout, which has a deadline; it goes before other tasks of its agent."""
KEPT_SECONDS = 3600
"""How long the phase of a gate stays for people to look at."""
DONE_ONCE: Body = {"limit": 0, "lossLimit": 0}
"""The retry policy of what is tried: a second attempt would hide the first."""
STATES: Mapping[Verdict, GateState] = MappingProxyType(
    {
        Verdict.PASSED: GateState.PASSED,
        Verdict.FAILED: GateState.FAILED,
        Verdict.ERROR: GateState.ERROR,
    }
)
"""How a gate stands by what was found."""
MAX_LOST = 4
"""Tries whose attempt was lost, by a crash or otherwise, that make a gate fail."""
_LONGEST_AGENT = 40
_A_SECOND = timedelta(seconds=1)
"""What a time in status may be cut off by."""


@dataclass(frozen=True, slots=True)
class GateTry:
    """One try of a gate. `number` counts them from 1: one that came to nothing is made again.

    `lost` is how many of those before it were lost.
    """

    agent: str
    agent_uid: str
    revision: str
    gate: GateTask
    number: int = 1
    lost: int = 0

    @property
    def what(self) -> str:
        """What is tried, the same for each try of it."""
        spec = self.gate.spec.model_dump_json(by_alias=True, exclude_none=True)
        return f"{self.agent_uid}/{self.revision}/{self.gate.key}/{spec}"

    @property
    def name(self) -> str:
        """Name of the Phase object."""
        prefix = self.agent[:_LONGEST_AGENT].rstrip("-.")
        return f"{prefix}-gate-{short_hash(f'{self.what}/{self.number}', 10)}"


def next_try(attempt: GateTry, result: GateResult) -> GateTry:
    """Return the try that follows one that came to nothing."""
    return replace(attempt, number=attempt.number + 1, lost=attempt.lost + result.lost)


def gate_body(attempt: GateTry, namespace: str, shard: str) -> Body:
    """Return the Phase object that tries a gate: one task, done once, by the revision alone."""
    spec = attempt.gate.spec
    if not isinstance(spec, GateTaskSpec):
        raise TypeError(f"gate {attempt.gate.key} is no task")
    task: Body = {"name": spec.task, "agent": attempt.agent, "retry": DONE_ONCE}
    if spec.input:
        task["input"] = spec.model_dump(mode="json", by_alias=True)["input"]
    return gate_phase(attempt, (namespace, shard), [task])


def gate_phase(attempt: GateTry, place: tuple[str, str], tasks: list[Body]) -> Body:
    """Return a Phase object whose tasks are done by the revision alone.

    Args:
        attempt: What it is made for.
        place: Namespace and shard.
        tasks: The tasks, as a spec has them.
    """
    namespace, shard = place
    return {
        "apiVersion": c.API_VERSION,
        "kind": "Phase",
        "metadata": {
            "name": attempt.name,
            "namespace": namespace,
            "labels": {
                c.MANAGED_BY: c.MANAGER,
                c.LABEL_SHARD: shard,
                c.LABEL_AGENT: attempt.agent,
                c.LABEL_ROLE: str(PhaseRole.GATE),
            },
            "ownerReferences": [owner("Agent", attempt.agent, attempt.agent_uid)],
        },
        "spec": {
            "role": str(PhaseRole.GATE),
            "gate": {"agent": attempt.agent, "revision": attempt.revision},
            "priority": PRIORITY,
            "ttlSecondsAfterFinished": KEPT_SECONDS,
            "tasks": tasks,
        },
    }


@dataclass(frozen=True, slots=True)
class Moment:
    """When a gate is looked at, and since when the same operator has heard what workers say."""

    now: datetime
    led_since: datetime | None = None


def times_of(shape: PhaseShape) -> Written:
    """Return how the status of a phase has times: a gate is judged by them, so it has fractions.

    Other phases are many, and whole seconds are what people read.
    """
    return precise if shape.spec.gate is not None else timestamp


def gate_result(attempt: GateTry, record: PhaseRecord, moment: Moment) -> GateResult:
    """Return how a gate stands, by its phase as it stands in status."""
    now = moment.now
    if not record.ended:
        return GateResult(GateState.PENDING, now)
    at, spec = record.finished_at or now, attempt.gate.spec
    task = next(iter(record.tasks.values()), None)
    judged = task is not None and record.state in (PhaseState.SUCCEEDED, PhaseState.FAILED)
    if task is None or not judged or not isinstance(spec, GateTaskSpec):
        return GateResult(GateState.ERROR, at, f"phase {attempt.name}: {why(record)}")
    if task.failed and not task.failures:  # lost to others than itself
        return lost(attempt, f"{task.message}; see phase {attempt.name}", at)
    finding = judge_task(spec, done(task, moment))
    return GateResult(STATES[finding.verdict], at, finding.text)


def lost(attempt: GateTry, text: str, at: datetime) -> GateResult:
    """A try that is lost says nothing of the revision, unless each one is."""
    if attempt.lost + 1 < MAX_LOST:
        return GateResult(GateState.ERROR, at, text, lost=True)
    return GateResult(GateState.FAILED, at, f"{MAX_LOST} tries were lost: {text}", lost=True)


def done(task: TaskRecord, moment: Moment) -> Done:
    """Return how a task went that was tried.

    Its end is when somebody heard of it; so where the operator changed in between, it may have
    taken less time than it seems.
    """
    begin, end, since = task.started_at, task.finished_at, moment.led_since
    changed = begin and end and since and begin < since < end + _A_SECOND
    return Done(
        succeeded=not task.failed and bool(task.succeeded),
        outputs=_outputs(task),
        seconds=(end - begin).total_seconds() if begin and end else 0.0,
        cost=float(task.usage.cost),
        message=f"{task.reason}: {task.message}"[:512],
        timed=not changed,
    )


def _outputs(task: TaskRecord) -> Mapping[str, Any]:
    outputs = json.loads(task.outputs.get(0) or "{}")
    return outputs if isinstance(outputs, dict) else {}


def why(record: PhaseRecord) -> str:
    """Return how a phase ended that says nothing of the revision."""
    return f"{record.state}: {record.reason}: {record.message}"[:512]
