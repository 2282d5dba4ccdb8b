"""What a line of the log concerns: the fields of the key that it names."""

from __future__ import annotations

import logging
from collections.abc import Callable

from ..core.tracing.ids import trace_of_body
from ..kube.resources import Body
from .effects import CreatePod, Effect
from .keys import Key
from .store import ObjectStore

_TRACED = ("Workflow", "Phase")


def concerns(store: ObjectStore) -> Callable[[object], dict[str, str]]:
    """Return who knows the fields of a line's argument; only keys have any."""

    def fields(argument: object) -> dict[str, str]:
        return fields_of(argument, store.get(argument)) if isinstance(argument, Key) else {}

    return fields


def fields_of(key: Key, body: Body | None) -> dict[str, str]:
    """Return the fields of a key: namespace, the object by its kind, its workflow and trace."""
    found = {"namespace": key.namespace, f"{key.kind[:1].lower()}{key.kind[1:]}": key.name}
    if body is None or key.kind not in _TRACED:
        return found
    spec = body.get("spec")
    if key.kind == "Phase" and isinstance(spec, dict):
        above = spec.get("workflowRef")
        if isinstance(above, dict):
            found["workflow"] = str(above.get("name"))
            found["phase"] = str(spec.get("phase") or key.name)
    return {**found, "trace": trace_of_body(body)}


def about(effect: Effect) -> dict[str, dict[str, str]]:
    """Return what a line about an effect adds to the fields of its key."""
    if isinstance(effect, CreatePod):
        attempt = effect.attempt
        item = {"task": attempt.task, "index": str(attempt.index)}
        return {"about": {**item, "attempt": str(attempt.number), "agent": attempt.agent}}
    pod = getattr(effect, "pod", "")
    return {"about": {"pod": pod} if pod else {}}


def about_task(task: str, attempt: int) -> dict[str, dict[str, str]]:
    """Return what a line about a task of a phase adds to the fields of the phase."""
    number = {"attempt": str(attempt)} if attempt else {}
    return {"about": {"task": task, **number} if task else {}}


def tell(logger: logging.Logger, effect: Effect, how: str) -> None:
    """Say at level debug what became of an effect."""
    if logger.isEnabledFor(logging.DEBUG):
        logger.debug("%s: %s %s", effect.key, type(effect).__name__, how, extra=about(effect))
