"""Why something does not go on: the chain from a task to the limit or dependency that blocks it.

Made from objects as the API server has them, so that it can be asked anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Body = Mapping[str, Any]

_ENDED = frozenset({"Succeeded", "Failed", "Skipped", "Cancelled"})
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


class UnknownPathError(ValueError):
    """There is no such phase or task; the message names those that there are."""


@dataclass(frozen=True, slots=True)
class Objects:
    """A workflow, its Phase objects by the phase's name, and the agents of its namespace.

    Tasks of phases to come are known if the workflow's spec is the expanded one.
    """

    workflow: Body
    phases: Mapping[str, Body] = field(default_factory=dict)
    agents: Mapping[str, Body] = field(default_factory=dict)


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
    _check(objects, phase, task)
    return _task(objects, phase, task) if task else _phase(objects, phase)


def _check(objects: Objects, phase: str, task: str) -> None:
    steps = _steps(objects)
    if phase not in steps:
        names = ", ".join(steps)
        raise UnknownPathError(f"the workflow has no phase {phase}; it has {names}")
    names = ", ".join(_tasks(objects, phase))
    if task and task not in _tasks(objects, phase):
        raise UnknownPathError(f"phase {phase} has no task {task}; it has {names}")


# The workflow


def _workflow(objects: Objects) -> Link:
    status = objects.workflow.get("status") or {}
    what, state = f"workflow {objects.workflow['metadata']['name']}", status.get("state", "new")
    text = status.get("message") or status.get("reason") or ""
    if state in ("Pending", "Suspended", "Rejected") or state in _ENDED:
        return Link(what, state, text)
    open_steps = {n: s for n, s in _steps(objects).items() if _state(s) not in _ENDED}
    name = _first(open_steps, _ACTIVE_FIRST)
    if name is None:
        return Link(what, state, text or "the operator has not looked at it yet")
    path = status.get("criticalPath", "").split(" ")[0]
    phase = path.partition("/")[0]
    if phase in open_steps:
        return Link(what, state, f"{path} decides about its end", path)
    return Link(what, state, text or f"phase {name} is not over", name)


def _steps(objects: Objects) -> dict[str, Body]:
    """Return what the workflow's status says of each phase, in order; empty if it says nothing."""
    known = {s["name"]: s for s in (objects.workflow.get("status") or {}).get("phases") or ()}
    named = [p["name"] for p in objects.workflow["spec"].get("phases") or ()]
    return {name: known.get(name, {}) for name in dict.fromkeys([*named, *known])}


# Phases


def _phase(objects: Objects, name: str) -> Link:
    steps = _steps(objects)
    step, what = steps[name], f"phase {name}"
    state, message = _state(step), step.get("message", "")
    if state in _ENDED:
        failed = [t for t, s in _statuses(objects, name).items() if _state(s) == "Failed"]
        return Link(what, state, message or "it is over", f"{name}/{failed[0]}" if failed else "")
    waits = {p: steps[p] for p in _parents(objects, name) if _state(steps[p]) not in _ENDED}
    if waits:
        text = f"it waits for {_names(waits, 'phase')}"
        return Link(what, state, text, _first(waits, _FURTHEST_FIRST) or "")
    if name not in objects.phases:
        return Link(what, state, message or _of_workflow(objects))
    tasks = {t: s for t, s in _statuses(objects, name).items() if _state(s) not in _ENDED}
    blocking = _first(tasks, _ACTIVE_FIRST)
    if blocking is None:
        return Link(what, state, message)
    text = f"{_names(tasks, 'task')} not over"
    return Link(what, state, text, f"{name}/{blocking}")


def _parents(objects: Objects, phase: str) -> list[str]:
    phases = objects.workflow["spec"].get("phases") or ()
    known: Body = next((p for p in phases if p["name"] == phase), {})
    return [name for name in known.get("dependsOn") or () if name in _steps(objects)]


def _of_workflow(objects: Objects) -> str:
    status = objects.workflow.get("status") or {}
    return status.get("message") or "it may start now; the operator has not created it yet"


# Tasks


def _task(objects: Objects, phase: str, name: str) -> Link:
    what = f"task {phase}/{name}"
    if phase not in objects.phases:
        return Link(what, "Waiting", f"phase {phase} has not begun", phase)
    status = _statuses(objects, phase)[name]
    state = _state(status)
    explain = {"Waiting": _waiting, "Ready": _ready, "Backoff": _backoff, "Running": _running}
    text, following = explain.get(state, _ended)(objects, phase, name)
    return Link(what, state, text, following)


Explained = tuple[str, str]


def _waiting(objects: Objects, phase: str, name: str) -> Explained:
    statuses = _statuses(objects, phase)
    waits = {
        parent: statuses[parent]
        for parent in _tasks(objects, phase)[name].get("dependsOn") or ()
        if _state(statuses.get(parent) or {}) not in _ENDED and parent in statuses
    }
    blocking = _first(waits, _FURTHEST_FIRST)
    if blocking is None:
        return statuses[name].get("message") or "the operator has not looked at it yet", ""
    return f"it waits for {_names(waits, 'task')}", f"{phase}/{blocking}"


def _ready(objects: Objects, phase: str, name: str) -> Explained:
    status = _statuses(objects, phase)[name]
    reason, message = status.get("reason", ""), status.get("message", "")
    if not reason:
        return "nothing keeps it from starting", ""
    return message or reason, _limit(objects, phase, name, reason)


def _backoff(objects: Objects, phase: str, name: str) -> Explained:
    status = _statuses(objects, phase)[name]
    attempts = f"attempt {status.get('attempt', 1)} ended with {_said(status)}"
    until = status.get("notBefore") or _earliest(status)
    return f"{attempts}; the next starts at {until}" if until else attempts, ""


def _running(objects: Objects, phase: str, name: str) -> Explained:
    status = _statuses(objects, phase)[name]
    reason = status.get("reason", "")
    pod = f" in pod {status['pod']}" if status.get("pod") else ""
    text = f"attempt {status.get('attempt', 1)} runs{pod} since {status.get('startedAt', 'now')}"
    if status.get("items"):
        items = status["items"]
        text = f"items {items.get('running', '')} run, {items.get('total')} in all"
    if reason:
        text += f"; {_said(status)}"
    return text, _limit(objects, phase, name, reason)


def _ended(objects: Objects, phase: str, name: str) -> Explained:
    statuses = _statuses(objects, phase)
    status = statuses[name]
    text = _said(status) or "it is over"
    bad = [
        parent
        for parent in _tasks(objects, phase)[name].get("dependsOn") or ()
        if _state(statuses.get(parent, {})) not in ("Succeeded", *_FURTHEST_FIRST)
    ]
    skipped = _state(status) == "Skipped"
    return text, f"{phase}/{bad[0]}" if skipped and bad else ""


def _limit(objects: Objects, phase: str, name: str, reason: str) -> str:
    """Return the path of the limit that a reason speaks of."""
    if reason in ("AgentConcurrency", "AgentNotFound", "AgentNotReady", "QuotaExceeded"):
        task, status = _tasks(objects, phase)[name], _statuses(objects, phase)[name]
        return f"agent:{status.get('agent') or task['agent']}"
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
        for name, status in _statuses(objects, phase).items():
            used = status.get("agent") or _tasks(objects, phase)[name]["agent"]
            if _state(status) == "Running" and used == agent:
                yield f"{phase}/{name}"


# What all have in common


def _tasks(objects: Objects, phase: str) -> dict[str, Body]:
    """Return the tasks of a phase by name: of its object, else of the workflow's spec."""
    phases = objects.workflow["spec"].get("phases") or ()
    written: Body = next((p for p in phases if p["name"] == phase), {})
    body = objects.phases.get(phase)
    tasks = (body["spec"] if body else written).get("tasks") or ()
    return {task["name"]: task for task in tasks}


def _statuses(objects: Objects, phase: str) -> dict[str, Body]:
    body = objects.phases.get(phase) or {}
    known = (body.get("status") or {}).get("tasks") or {}
    return {name: known.get(name) or {} for name in _tasks(objects, phase)}


def _state(status: Body) -> str:
    return str(status.get("state") or "Waiting")


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
    known = [name for name in found if _state(found[name]) in order]
    return min(known, key=lambda name: order.index(_state(found[name])), default=None)
