"""How a namespace stands, as text: what a failed test shows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from builders.recorder import Recorder
from e2e.harness.following import Follower

_MOST_LINES = 60
_LAST_LINES = 12
TERMS = '"shard '
"""In the operator's lines that tell who leads from when to when."""


def describe(world: Follower, recorder: Recorder) -> str:
    """Return status, tasks, pods and Events of a namespace as last seen."""
    lines = [f"namespace {world.namespace}"]
    for kind in ("Workflow", "Phase", "Agent"):
        for body in world.all(kind):
            lines += _object(kind, body)
    lines += list(_pods(world, recorder))[:_MOST_LINES]
    events = sorted(world.all("Event"), key=lambda e: int(e["metadata"]["resourceVersion"]))
    lines += [
        f"event {e['involvedObject']['kind']}/{e['involvedObject']['name']} {e['reason']}:"
        f" {e.get('message', '')[:160]} (x{e.get('count') or 1})"
        for e in events[-_MOST_LINES:]
    ]
    return "\n".join(lines)


def said(logs: Path, namespace: str, operator_namespace: str) -> str:
    """Return the last words of the pods that are there, and the operator's about a namespace.

    Args:
        logs: Where the kubelet keeps the logs of pods; it may be missing.
        namespace: The namespace.
        operator_namespace: Where the operator runs.
    """
    parts: list[str] = []
    for file in sorted(logs.glob(f"{namespace}_*/*/*.log")):
        parts += _last(file, _lines(file))
    for file in sorted(logs.glob(f"{operator_namespace}_*/*/*.log")):
        parts += _last(file, [x for x in _lines(file) if namespace in x or TERMS in x])
    return "\n".join(parts)


def _last(file: Path, lines: list[str]) -> list[str]:
    return [f"log of {file.parents[1].name}", *lines[-_LAST_LINES:]] if lines else []


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(errors="replace").splitlines()
    except FileNotFoundError:  # its pod has gone just now
        return []


def _object(kind: str, body: dict[str, Any]) -> Iterator[str]:
    status = body.get("status") or {}
    words = [str(status.get(key, "")) for key in ("state", "progress", "reason", "message")]
    yield f"{kind} {body['metadata']['name']}: {' | '.join(words)}"
    if kind == "Agent":
        yield f"  {status}"
    tasks = status.get("tasks") or {}
    for name, task in list(tasks.items())[:_MOST_LINES]:
        shown = {k: v for k, v in task.items() if k != "outputs"}
        yield f"  task {name}: {shown}"


def _pods(world: Follower, recorder: Recorder) -> Iterator[str]:
    for trail in recorder.trails:
        body = world.get("Pod", trail.name)
        held = (body or {}).get("metadata", {}).get("finalizers", [])
        where = "gone" if trail.removed else f"there, held by {held}"
        yield (
            f"pod {trail.name}: {trail.item} attempt {trail.attempt}, {trail.phase}, {where},"
            f" created at {trail.created}, ended at {trail.ended}"
        )
