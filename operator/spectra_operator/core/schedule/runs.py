"""The workflows that a schedule makes, as bodies, and what their metadata says of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ...api import constants as c
from ..attempts.evidence import instant
from ..conditions import timestamp
from .records import RunView
from .status import parse_schedule

Body = dict[str, Any]

SCHEDULED_TIME = "scheduledTime"
"""Name of the parameter that gets the time that a run is for, if the workflow declares it."""


def run_body(schedule: Mapping[str, Any], run: RunView, shard: str) -> Body:
    """Return the Workflow of a run; `schedule` is the Schedule object."""
    meta = schedule["metadata"]
    template = schedule["spec"]["workflowTemplate"]
    given = template.get("metadata") or {}
    labels = {c.MANAGED_BY: c.MANAGER, c.LABEL_SHARD: shard, c.LABEL_SCHEDULE: meta["name"]}
    if run.backfill:
        labels[c.LABEL_BACKFILL] = "true"
    annotations = {c.ANNOTATION_SCHEDULED: timestamp(run.at)}
    return {
        "apiVersion": c.API_VERSION,
        "kind": "Workflow",
        "metadata": {
            "name": run.name,
            "namespace": meta["namespace"],
            "labels": {**(given.get("labels") or {}), **labels},
            "annotations": {**(given.get("annotations") or {}), **annotations},
            "ownerReferences": [
                {
                    "apiVersion": c.API_VERSION,
                    "kind": "Schedule",
                    "name": meta["name"],
                    "uid": meta["uid"],
                    "controller": True,
                    "blockOwnerDeletion": False,
                }
            ],
        },
        "spec": _with_time(template["spec"], run.at),
    }


def owner_of(workflow: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return name and UID of the schedule that made a workflow; None if none did."""
    for owner in workflow["metadata"].get("ownerReferences") or ():
        if owner.get("kind") == "Schedule" and owner.get("apiVersion") == c.API_VERSION:
            return owner["name"], owner["uid"]
    return None


def run_of_workflow(workflow: Mapping[str, Any], *, ended: bool) -> RunView | None:
    """Return the run that a workflow is; None if its annotation does not say for which time."""
    meta = workflow["metadata"]
    try:
        at = instant((meta.get("annotations") or {}).get(c.ANNOTATION_SCHEDULED))
    except ValueError:
        return None
    if at is None:
        return None
    backfill = c.LABEL_BACKFILL in (meta.get("labels") or {})
    return RunView(meta["name"], at, meta["uid"], ended=ended, backfill=backfill)


def is_decided(schedule: Mapping[str, Any], workflow: Mapping[str, Any]) -> bool:
    """Whether a schedule's status tells of a run, so that it would not be made again."""
    run = run_of_workflow(workflow, ended=True)
    record = parse_schedule(schedule.get("status"))
    if run is None:
        return True
    if not run.backfill:
        return record.decided_until is not None and run.at <= record.decided_until
    filled = record.backfill
    return filled is None or not filled.begin <= run.at <= filled.end or run.at <= filled.until


def _with_time(spec: Mapping[str, Any], at: datetime) -> Body:
    parameters = spec.get("parameters")
    if not parameters:
        return dict(spec)
    filled = [
        p | {"value": timestamp(at)} if p.get("name") == SCHEDULED_TIME else p for p in parameters
    ]
    return {**spec, "parameters": filled}
