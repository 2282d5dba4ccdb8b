"""What the API server's rules say of names, agents and actions, for whoever asks before it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from ...api.action import NEED_TASK, WHOLE, ActionSpec, ActionType
from ...api.agent import AgentSpec, EnvVar, Mode
from ...api.constants import MAX_WORKFLOW_NAME
from ...api.rollout import Rollout
from ..orders import misfits
from ..spec.problems import Problem

_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_NAMED_BY_OTHERS = ("Agent", "WorkflowTemplate")
_LONGEST = {"Workflow": MAX_WORKFLOW_NAME, "Agent": 63, "WorkflowTemplate": 63}
_RANDOM = 5
"""Characters that the API server adds to a generateName."""
_OWN = "SPECTRA_"


def name_problems(kind: str, body: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what is wrong with an object's name."""
    meta = body.get("metadata")
    if not isinstance(meta, Mapping):
        text = "is missing; write {name: ...}"
        yield Problem("MissingField", "metadata", text)
        return
    field = "name" if meta.get("name") is not None else "generateName"
    name = meta.get(field)
    where = f"metadata.{field}"
    if name is None:
        yield Problem("MissingField", "metadata.name", "is missing; give the object a name")
        return
    if not isinstance(name, str):
        yield Problem("WrongType", where, f"is {str(name)[:40]}, not text; put it in quotes")
        return
    longest = _LONGEST.get(kind, 253)
    if len(name) + (_RANDOM if field == "generateName" else 0) > longest:
        text = f"has {len(name)} characters, at most {longest} work; shorten it"
        yield Problem("InvalidName", where, text)
    form = _LABEL if kind in _NAMED_BY_OTHERS else _SUBDOMAIN
    if not form.fullmatch(name.rstrip("-.") if field == "generateName" else name):
        text = f"is {name[:60]!r}; use a-z, 0-9 and -, and begin and end with a letter or a digit"
        yield Problem("InvalidName", where, text)


def object_problems(kind: str, spec: Any) -> Iterator[Problem]:
    """Yield what is wrong with an Agent or an Action whose structure is well."""
    try:
        if kind == "Agent":
            yield from _agent(AgentSpec.model_validate(spec))
        elif kind == "Action":
            yield from _action(ActionSpec.model_validate(spec))
    except ValidationError:
        return


def _agent(spec: AgentSpec) -> Iterator[Problem]:
    yield from _pool(spec)
    if spec.rollout is not None:
        yield from _rollout(spec.rollout)
    seen: set[str] = set()
    for variable in spec.template.env or ():
        where = f"spec.template.env[{variable.name}]"
        yield from _variable(variable, where)
        if variable.name in seen:
            text = f"{variable.name!r} stands twice; names must be unique"
            yield Problem("DuplicateName", where, text)
        seen.add(variable.name)


def _pool(spec: AgentSpec) -> Iterator[Problem]:
    if spec.mode is not Mode.POOL:
        for field in ("slots", "replicas", "scaling"):
            if field in spec.model_fields_set:
                text = "is for mode Pool; leave it out or set mode: Pool"
                yield Problem("ConflictingFields", f"spec.{field}", text)
    scaling = spec.scaling
    if scaling is not None and scaling.min_replicas > scaling.max_replicas:
        text = (
            f"{scaling.min_replicas} is larger than maxReplicas ({scaling.max_replicas}); "
            "lower it or raise maxReplicas"
        )
        yield Problem("InvalidRange", "spec.scaling.minReplicas", text)


def _rollout(rollout: Rollout) -> Iterator[Problem]:
    where, analysis = "spec.rollout.analysis", rollout.analysis
    if analysis is None:
        return
    if not analysis.conditions and analysis.prometheus is None:
        text = "give at least one, or prometheus, or leave analysis out"
        yield Problem("MissingField", f"{where}.conditions", text)
    if rollout.min_tasks > rollout.max_unproven:
        text = (
            f"{rollout.min_tasks} is larger than maxUnproven ({rollout.max_unproven}), so that it "
            "could never be reached; lower it or raise maxUnproven"
        )
        yield Problem("InvalidRange", f"{where}.minTasks", text)


def _variable(variable: EnvVar, where: str) -> Iterator[Problem]:
    if variable.name.startswith(_OWN):
        text = f"names that begin with {_OWN} belong to the operator; take another name"
        yield Problem("ReservedName", f"{where}.name", text)
    source = variable.value_from
    if source is None:
        return
    if variable.value is not None:
        text = "stands beside value; give one of them"
        yield Problem("ConflictingFields", f"{where}.valueFrom", text)
    if (source.secret_key_ref is None) == (source.config_map_key_ref is None):
        text = "give exactly one of secretKeyRef and configMapKeyRef"
        yield Problem("ConflictingFields", f"{where}.valueFrom", text)


def _action(spec: ActionSpec) -> Iterator[Problem]:
    yield from misfits(spec)
    if spec.target.kind == "Agent":
        return
    if spec.type in NEED_TASK and spec.task is None:
        text = f"is missing; name the task that {spec.type} is about"
        yield Problem("MissingField", "spec.task", text)
    if spec.type in WHOLE and spec.task is not None:
        text = f"{spec.type} is about the whole target; leave the task out"
        yield Problem("ConflictingFields", "spec.task", text)
    if spec.task is not None and spec.phase is None and spec.target.kind == "Workflow":
        yield Problem("MissingField", "spec.phase", "is missing; name the phase of the task")
    if spec.outputs is not None and spec.type is not ActionType.MARK_SUCCEEDED:
        text = f"goes with MarkSucceeded, and the type is {spec.type}; leave it out"
        yield Problem("ConflictingFields", "spec.outputs", text)
