"""Claims as workers read them."""

from __future__ import annotations

import json
from typing import Any

from ..core.attempts.told import told_of
from ..core.phase.inputs import InputError, TaskInputs
from ..core.pool.page import Claim
from ..kube.documents import dumped, loaded
from .desk_calls import Work
from .keys import Key
from .parts import Parts
from .runs import PhaseRun
from .worker_book import WorkerRun


def input_of(run: PhaseRun, claim: Claim) -> str:
    """Return the input of a claim as JSON text, made as it was made when the claim was given.

    Raises:
        InputError: The phase is not what it was.
    """
    records = (run.known or run.persisted).tasks
    if claim.task not in records:
        raise InputError("PhaseNotDecided", f"nothing is known of task {claim.task} yet")
    way = records[claim.task].way_of(claim.index)
    return TaskInputs(run.shape, records, claim.task, way).text(claim.index)


def document(run: PhaseRun, claim: Claim, who: tuple[str, str], text: str) -> dict[str, Any]:
    """Return the document of a claim; `who` is agent and revision, `text` its input."""
    shape = run.shape
    ref = shape.spec.workflow_ref
    policy = run.policies.get(claim.task)
    told = told_of(shape.spec, claim.task, claim.index)
    return {
        "id": claim.id,
        "epoch": claim.epoch,
        "key": f"{shape.uid}/{claim.task}/{claim.index}",
        "workflow": ref.name if ref else "",
        "phase": shape.spec.phase or shape.name,
        "task": told.task,
        "index": told.index,
        "replay": told.replay,
        "attempt": claim.number,
        "agent": who[0],
        "revision": who[1],
        "input": loaded(text.encode()),
        "timeoutSeconds": policy.timeout if policy else None,
        "checkpoint": _checkpoint(run, claim),
    }


def _checkpoint(run: PhaseRun, claim: Claim) -> Any:
    """Return what the attempts before have left; nothing if somebody has spoilt it."""
    record = (run.known or run.persisted).tasks.get(claim.task)
    try:
        return json.loads((record.left(claim.index) if record else "") or "null")
    except (ValueError, RecursionError):
        return None


def work_of(parts: Parts, namespace: str, worker: WorkerRun, claim: Claim) -> Work:
    """Return a claim as its worker gets it.

    Raises:
        InputError: Its phase is gone, or is not what it was.
    """
    run = parts.phases.get(Key("Phase", namespace, claim.phase))
    if run is None or run.shape.uid != claim.phase_uid:
        raise InputError("PhaseGone", f"phase {claim.phase} is gone")
    text = worker.inputs.get(claim.id) or input_of(run, claim)
    found = document(run, claim, (worker.agent, worker.revision), text)
    parent = parts.traces.handed_to(run.shape, claim.task, claim.index, claim.number)
    found["traceparent"] = parent or None
    return Work(claim.id, claim.epoch, dumped(found).decode())
