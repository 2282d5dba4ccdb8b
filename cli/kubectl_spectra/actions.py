"""Actions: what a request looks like, and waiting for what becomes of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from spectra_operator.api.action import ActionState, ActionType
from spectra_operator.api.constants import API_VERSION

from .cluster import Body, Cluster
from .errors import NotFound, TimedOut
from .following import Follower, Source
from .kinds import ACTIONS
from .targets import Target, TaskPath
from .watching import Deadline

_SETTLED = (ActionState.APPLIED, ActionState.REFUSED)


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for. `outputs` only with MarkSucceeded, `revision` only with Undo."""

    type: ActionType
    target: Target
    task: TaskPath | None = None
    outputs: dict[str, Any] | None = None
    revision: str | None = None


def action_body(request: Request, uid: str, actor: str, reason: str | None) -> Body:
    """Return the Action object of a request, named after what it is about.

    Args:
        request: What is asked for.
        uid: UID of the target, so that another of the same name is left alone.
        actor: User name of who asks.
        reason: Why; None for a sentence that says only how it was asked.
    """
    target = {"kind": request.target.kind.name, "name": request.target.name, "uid": uid}
    path = request.task
    spec = {
        "target": target,
        "type": str(request.type),
        "phase": path.phase if path else None,
        "task": path.task if path else None,
        "outputs": request.outputs,
        "revision": request.revision,
        "reason": reason or f"{request.type} asked for with kubectl spectra",
        "actor": actor,
    }
    return {
        "apiVersion": API_VERSION,
        "kind": ACTIONS.name,
        "metadata": {"generateName": f"{request.target.name}-{_in_small(request.type)}-"},
        "spec": {key: value for key, value in spec.items() if value is not None},
    }


def _in_small(kind: ActionType) -> str:
    """Return a type as a name may hold it: mark-succeeded."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", kind).lower()


def outcome(cluster: Cluster, action: Body, seconds: float) -> Body:
    """Wait until an action is applied or refused and return it.

    Raises:
        TimedOut: Neither came in time; the operator may be down.
        NotFound: The action was deleted meanwhile.
    """
    name = action["metadata"]["name"]
    deadline = Deadline(seconds)
    with Follower(cluster, [Source(ACTIONS, fields=f"metadata.name={name}")]) as follower:
        while True:
            body = follower.get(ACTIONS, name)
            if body is None:
                raise NotFound(f"action/{name} was deleted before it was applied")
            if (body.get("status") or {}).get("state") in _SETTLED:
                return body
            try:
                follower.wait(deadline.left)
            except TimedOut:
                text = f"action/{name} was neither applied nor refused within {seconds:.0f} s"
                raise TimedOut(f"{text}; does the operator run?") from None
