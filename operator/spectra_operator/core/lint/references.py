"""What manifests of one set name in each other, and what of it is not among them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..spec.problems import Problem
from .findings import Manifest

_LISTS = ("tasks", "finally", "onFailure")


def reference_warnings(manifests: Sequence[Manifest]) -> Iterator[tuple[Manifest, Problem]]:
    """Yield names that no manifest of the set has; they may well be in the cluster.

    Agents are looked for only where the set has agents at all.
    """
    templates = _names(manifests, "WorkflowTemplate")
    agents = _names(manifests, "Agent")
    able = [_capabilities(manifest) for manifest in manifests if manifest.kind == "Agent"]
    for manifest in manifests:
        for field, body in _workflows(manifest):
            for where, name in _template_refs(body, field):
                if name not in templates:
                    text = f"WorkflowTemplate {name!r} is in none of the files, so what it says"
                    text = f"{text} was not checked; lint its file too"
                    yield manifest, Problem("TemplateNotSeen", where, text)
            for where, name in _agents(body, field) if agents else ():
                if name not in agents:
                    text = f"Agent {name!r} is in none of the files; it must be in the namespace"
                    yield manifest, Problem("AgentNotSeen", where, f"{text}, or is misspelt")
            for where, wanted in _required(body, field) if agents else ():
                if not any(wanted <= known for known in able):
                    text = f"no Agent of the files has {' and '.join(sorted(wanted))}; one must be"
                    text = f"{text} in the namespace, or a word is misspelt"
                    yield manifest, Problem("CapabilityNotSeen", where, text)


def _names(manifests: Sequence[Manifest], kind: str) -> set[str]:
    return {manifest.name for manifest in manifests if manifest.kind == kind}


def _workflows(manifest: Manifest) -> Iterator[tuple[str, Mapping[str, Any]]]:
    spec = manifest.body.get("spec") if isinstance(manifest.body, Mapping) else None
    if manifest.kind in ("Workflow", "WorkflowTemplate", "Phase") and isinstance(spec, Mapping):
        yield "spec", spec
    if manifest.kind == "Schedule":
        inner = _map(_map(spec).get("workflowTemplate")).get("spec")
        yield "spec.workflowTemplate.spec", _map(inner)


def _template_refs(body: Mapping[str, Any], where: str) -> Iterator[tuple[str, str]]:
    yield from _named(body.get("templateRef"), f"{where}.templateRef")
    for phase in _list(body.get("phases")):
        field = f"{where}.phases[{phase.get('name')}]"
        yield from _named(phase.get("templateRef"), f"{field}.templateRef")
        fallback = _map(phase.get("fallback"))
        yield from _named(fallback.get("templateRef"), f"{field}.fallback.templateRef")


def _named(reference: Any, where: str) -> Iterator[tuple[str, str]]:
    name = _map(reference).get("name")
    if isinstance(name, str):
        yield f"{where}.name", name


def _capabilities(agent: Manifest) -> frozenset[str]:
    spec = agent.body.get("spec") if isinstance(agent.body, Mapping) else None
    return _words(_map(spec).get("capabilities"))


def _words(value: Any) -> frozenset[str]:
    found = value if isinstance(value, list) else []
    return frozenset(word for word in found if isinstance(word, str))


def _agents(body: Mapping[str, Any], where: str) -> Iterator[tuple[str, str]]:
    for field, task in _tasks(body, where):
        yield from _task_agents(task, field)


def _required(body: Mapping[str, Any], where: str) -> Iterator[tuple[str, frozenset[str]]]:
    for field, task in _tasks(body, where):
        words = _words(_map(task.get("requires")).get("capabilities"))
        if words:
            yield f"{field}.requires.capabilities", words


def _tasks(body: Mapping[str, Any], where: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for key in _LISTS:
        for task in _list(body.get(key)):
            yield f"{where}.{key}[{task.get('name')}]", task
    for phase in _list(body.get("phases")):
        field = f"{where}.phases[{phase.get('name')}]"
        yield from _tasks({"tasks": phase.get("tasks")}, field)
        yield from _tasks({"tasks": _map(phase.get("fallback")).get("tasks")}, f"{field}.fallback")


def _task_agents(task: Mapping[str, Any], where: str) -> Iterator[tuple[str, str]]:
    ways = [(where, task), (f"{where}.compensate", _map(task.get("compensate")))]
    ways += [(f"{where}.fallback[{n}]", way) for n, way in enumerate(_list(task.get("fallback")))]
    for field, way in ways:
        if isinstance(way.get("agent"), str):
            yield f"{field}.agent", way["agent"]


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []
