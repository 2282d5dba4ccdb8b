"""Why something does not go on: the chain from a task to the limit or dependency that blocks it.

Made from objects as the API server has them, so that it can be asked anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .run_objects import (
    ENDED,
    Body,
    Objects,
    UnknownPathError,
    check_path,
    parents_of,
    state_of,
    statuses_of,
    steps_of,
    tasks_of,
    to_follow,
    unborn_task_state,
)

__all__ = ["Link", "Objects", "UnknownPathError", "why"]

_FURTHEST_FIRST = ("Waiting", "Ready", "Backoff", "Running")
_ACTIVE_FIRST = ("Ready", "Backoff", "Running", "Waiting")
_MOST_LINKS = 64
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Link:
    """One reason: of what (`task build/compile`), its state, and why it is in it.

    `next` is the path of what it waits for, empty at the end of the chain.
    """

    what: str
    state: str
    why: str
    next: str = ""

    def __str__(self) -> str:
        return (
            f"{self.what} is {self.state}: {self.why}" if self.why else f"{self.what}: {self.state}"
        )


def why(objects: Objects, path: str = "") -> tuple[Link, ...]:
    """Return the chain of reasons for a task (`phase/task`), a phase, or the whole workflow.

    Each link explains the one before; the last names what blocks.

    Raises:
        UnknownPathError: the workflow has no such phase or task.
    """
    found: list[Link] = []
    while len(found) < _MOST_LINKS:
        link = _link(objects, path)
        found.append(link)
        if not link.next or any(link.next == known.next for known in found[:-1]):
            break
        path = link.next
    return tuple(found)


def _link(objects: Objects, path: str) -> Link:
    if path.startswith("agent:"):
        return _agent(objects, path.removeprefix("agent:"))
    phase, _, task = path.partition("/")
    if not phase:
        return _workflow(objects)
    check_path(objects, phase, task)
    return _task(objects, phase, task) if task else _phase(objects, phase)


# The workflow


def _workflow(objects: Objects) -> Link:
    status = objects.workflow.get("status") or {}
    what, state = f"workflow {objects.workflow['metadata']['name']}", status.get("state", "new")
    text = status.get("message") or status.get("reason") or ""
    if state in ("Pending", "Suspended", "Rejected") or state in ENDED:
        return Link(what, state, text)
    open_steps = {n: s for n, s in steps_of(objects).items() if state_of(s) not in ENDED}
    name = _first(open_steps, _ACTIVE_FIRST)
    if name is None:
        return Link(what, state, text or "the operator has not looked at it yet")
    path = status.get("criticalPath", "").split(" ")[0]
    phase = path.partition("/")[0]
    if phase in open_steps:
        return Link(what, state, f"{path} decides about its end", path)
    return Link(what, state, text or f"phase {name} is not over", name)


# Phases


def _phase(objects: Objects, name: str) -> Link:
    steps = steps_of(objects)
    if name in to_follow(objects):
        return _to_follow(objects, name)
    step, what = steps[name], f"phase {name}"
    state, message = state_of(step), step.get("message", "")
    if state in ENDED:
        return Link(what, state, message or "it is over", _cause(objects, name))
    waits = {p: steps[p] for p in parents_of(objects, name) if state_of(steps[p]) not in ENDED}
    if waits:
        text = f"it waits for {_names(waits, 'phase')}"
        return Link(what, state, text, _first(waits, _FURTHEST_FIRST) or "")
    if name not in objects.phases:
        return Link(what, state, message or _of_workflow(objects))
    tasks = {t: s for t, s in statuses_of(objects, name).items() if state_of(s) not in ENDED}
    blocking = _first(tasks, _ACTIVE_FIRST)
    if blocking is None:
        return Link(what, state, message)
    text = f"{_names(tasks, 'task')} not over"
    return Link(what, state, text, f"{name}/{blocking}")


def _to_follow(objects: Objects, name: str) -> Link:
    """Explain a phase that follows the end, before the workflow has come to it."""
    status = objects.workflow.get("status") or {}
    if status.get("state") in ENDED:
        return Link(f"phase {name}", "Skipped", "the workflow ended without it")
    waits = {n: s for n, s in steps_of(objects).items() if state_of(s) not in ENDED}
    text = "it follows the end of the phases"
    return Link(f"phase {name}", "Waiting", text, _first(waits, _FURTHEST_FIRST) or "")


def _cause(objects: Objects, name: str) -> str:
    """Return the path of what made a phase end as it did; empty if that was nothing else."""
    failed = [t for t, s in statuses_of(objects, name).items() if state_of(s) == "Failed"]
    if failed:
        return f"{name}/{failed[0]}"
    steps = steps_of(objects)
    if state_of(steps[name]) != "Skipped":
        return ""
    bad = [p for p in parents_of(objects, name) if state_of(steps[p]) != "Succeeded"]
    return bad[0] if bad else ""


def _of_workflow(objects: Objects) -> str:
    status = objects.workflow.get("status") or {}
    return status.get("message") or "it may start now; the operator has not created it yet"


# Tasks


def _task(objects: Objects, phase: str, name: str) -> Link:
    what = f"task {phase}/{name}"
    if phase not in objects.phases:
        state = unborn_task_state(steps_of(objects).get(phase, {}))
        text = "has not begun" if state == "Waiting" else f"never began, it is {state}"
        return Link(what, state, f"phase {phase} {text}", phase)
    status = statuses_of(objects, phase)[name]
    state = state_of(status)
    explain = {"Waiting": _waiting, "Ready": _ready, "Backoff": _backoff, "Running": _running}
    text, following = explain.get(state, _ended)(objects, phase, name)
    return Link(what, state, text, following)


Explained = tuple[str, str]


def _waiting(objects: Objects, phase: str, name: str) -> Explained:
    statuses = statuses_of(objects, phase)
    waits = {
        parent: statuses[parent]
        for parent in tasks_of(objects, phase)[name].get("dependsOn") or ()
        if state_of(statuses.get(parent) or {}) not in ENDED and parent in statuses
    }
    blocking = _first(waits, _FURTHEST_FIRST)
    if blocking is None:
        return statuses[name].get("message") or "the operator has not looked at it yet", ""
    return f"it waits for {_names(waits, 'task')}", f"{phase}/{blocking}"


def _ready(objects: Objects, phase: str, name: str) -> Explained:
    status = statuses_of(objects, phase)[name]
    reason, message = status.get("reason", ""), status.get("message", "")
    if not reason:
        return "nothing keeps it from starting", ""
    return message or reason, _limit(objects, phase, name, reason)


def _backoff(objects: Objects, phase: str, name: str) -> Explained:
    status = statuses_of(objects, phase)[name]
    attempts = f"attempt {status.get('attempt', 1)} ended with {_said(status)}"
    until = status.get("notBefore") or _earliest(status)
    return f"{attempts}; the next starts at {until}" if until else attempts, ""


def _running(objects: Objects, phase: str, name: str) -> Explained:
    status = statuses_of(objects, phase)[name]
    reason = status.get("reason", "")
    pod = f" in pod {status['pod']}" if status.get("pod") else ""
    text = f"attempt {status.get('attempt', 1)} runs{pod} since {status.get('startedAt', 'now')}"
    if status.get("items"):
        items = status["items"]
        text = f"items {items.get('running', '')} run, {items.get('total')} in all"
    if status.get("selection"):
        text += f"; chosen: {status['selection']}"
    if reason:
        text += f"; {_said(status)}"
    return text, _limit(objects, phase, name, reason)


def _ended(objects: Objects, phase: str, name: str) -> Explained:
    statuses = statuses_of(objects, phase)
    status = statuses[name]
    text = _said(status) or "it is over"
    bad = [
        parent
        for parent in tasks_of(objects, phase)[name].get("dependsOn") or ()
        if state_of(statuses.get(parent, {})) not in ("Succeeded", *_FURTHEST_FIRST)
    ]
    skipped = state_of(status) == "Skipped"
    return text, f"{phase}/{bad[0]}" if skipped and bad else ""


def _limit(objects: Objects, phase: str, name: str, reason: str) -> str:
    """Return the path of the limit that a reason speaks of."""
    if reason in ("AgentConcurrency", "AgentNotFound", "AgentNotReady", "QuotaExceeded"):
        task, status = tasks_of(objects, phase)[name], statuses_of(objects, phase)[name]
        return f"agent:{status.get('agent') or task.get('agent')}"
    return ""


def _agent(objects: Objects, name: str) -> Link:
    body = objects.agents.get(name)
    if body is None:
        return Link(f"agent {name}", "missing", "no Agent of that name exists in the namespace")
    status, limit = body.get("status") or {}, body["spec"].get("concurrency")
    load = f"{status.get('busy', 0)} of {limit or 'any number of'} slots in use"
    queued = f", {status['queued']} items wait for it" if status.get("queued") else ""
    holders = list(_holders(objects, name))
    held = f"; of this workflow it runs {', '.join(holders[:_NAMED])}" if holders else ""
    ready: Body = next((c for c in status.get("conditions") or () if c["type"] == "Ready"), {})
    if ready.get("status") == "False":
        return Link(f"agent {name}", "not ready", ready.get("message", ""))
    return Link(f"agent {name}", "busy", load + queued + held)


def _holders(objects: Objects, agent: str) -> Iterator[str]:
    for phase in objects.phases:
        for name, status in statuses_of(objects, phase).items():
            used = status.get("agent") or tasks_of(objects, phase)[name].get("agent")
            if state_of(status) == "Running" and used == agent:
                yield f"{phase}/{name}"


# What all have in common


def _said(status: Body) -> str:
    return ": ".join(filter(None, (status.get("reason"), status.get("message"))))


def _earliest(status: Body) -> str:
    items = (status.get("items") or {}).get("open") or {}
    return min((i["notBefore"] for i in items.values() if i.get("notBefore")), default="")


def _names(found: Mapping[str, Body], kind: str) -> str:
    first = ", ".join(list(found)[:_NAMED])
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return f"{kind}{'s' if len(found) > 1 else ''} {first}{more}"


def _first(found: Mapping[str, Body], order: tuple[str, ...]) -> str | None:
    """Return the one whose state comes first in the order; of equal ones the first."""
    known = [name for name in found if state_of(found[name]) in order]
    return min(known, key=lambda name: order.index(state_of(found[name])), default=None)
