"""What expressions may read beside names that people chose: the fields of each root.

The one place that says so; docs/expressions.md says it to users.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ..suggestions import nearest
from .cel_text import Reference

Fields = Mapping[str, str]
"""Fields of a root, each with what it gives as a sentence says it; empty for anything."""

_TEXT, _INTEGER, _MAP = "a text", "an integer", "a map"
WORKFLOW: Fields = {"name": _TEXT, "namespace": _TEXT, "uid": _TEXT, "priority": _INTEGER}
OUTCOME: Fields = {"state": _TEXT, "reason": _TEXT, "message": _TEXT}
"""What `workflow` has too once all phases have ended."""
UNDONE: Fields = {"outputs": "", "input": ""}
"""What `task` has too where a task is undone."""
GIVEN = "given"
"""Field of `task` in a rollback: the inputs of the compensation, resolved before."""
FIELDS: Mapping[str, Fields] = MappingProxyType(
    {
        "workflow": WORKFLOW,
        "phase": {"name": _TEXT},
        "task": {"name": _TEXT},
        "attempt": {
            "number": _INTEGER,
            "failures": _INTEGER,
            "exitCode": _INTEGER,
            "reason": _TEXT,
            "message": _TEXT,
            "outputs": _MAP,
        },
    }
)
"""Fields of the roots that have some, wherever the root can be used."""
OF_NAMED: Mapping[str, Fields] = MappingProxyType(
    {
        "tasks": {"outputs": "what a task returned", **OUTCOME},
        "phases": {"outputs": "what its tasks returned", "state": _TEXT},
    }
)
"""Fields of each entry of the roots whose entries are named."""
_ELSEWHERE = {
    "workflow": (OUTCOME, "only finally and onFailure know how the workflow ended"),
    "task": (UNDONE, "only compensate knows what the task returned and was given"),
}


def unknown_field(reference: Reference, fields: Mapping[str, Fields]) -> str:
    """Return why a path leads to no field of its root, what there is instead; or nothing."""
    there = fields.get(reference.root)
    if there is None or len(reference.steps) < 2 or reference.steps[1] in there:
        return ""
    step = str(reference.steps[1])
    text = f"{reference}: {reference.root} has no {step!r} here; it has {', '.join(there)}"
    more, hint = _ELSEWHERE.get(reference.root, ({}, ""))
    near = nearest(step, (*there, *more))
    asks = f"; did you mean {near}?" if near and near != step else ""
    if near not in more or near in there:
        return text + asks
    return f"{text}{asks or ';'} {hint}"


def gives(reference: Reference, fields: Mapping[str, Fields]) -> str:
    """Return what a path surely gives, as a sentence says it; empty if that is not known."""
    root, steps = reference.root, reference.steps
    if root in OF_NAMED:
        return OF_NAMED[root].get(str(steps[2]), "") if len(steps) == 3 else ""
    if len(steps) == 1:
        return _MAP if root in fields or root == "parameters" else ""
    return fields.get(root, {}).get(str(steps[1]), "") if len(steps) == 2 else ""
