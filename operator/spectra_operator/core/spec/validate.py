"""Checks a spec that the schema cannot make: cycles, unknown names, paths, sizes.

The same checks serve admission, linting and the reconcile pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ...api.constants import MAX_SPEC_BYTES, RESERVED_PHASES
from ...api.phase import PhaseSpec
from ...api.task import Task
from ...api.template import WorkflowTemplateSpec
from ...api.workflow import PhaseTemplate, WorkflowSpec
from .. import graph
from ..language.facts import FIELDS, GIVEN, OUTCOME, UNDONE, WORKFLOW, Fields
from ..language.references import Place, phase_places, places, reads
from ..suggestions import nearest
from .items import has_items
from .nesting import PHASE_DEPTH, WORKFLOW_DEPTH, too_deep
from .problems import Problem
from .validate_references import (
    Known,
    item_problems,
    list_problems,
    output_of_phase,
    place_problems,
)
from .validate_tasks import task_problems
from .validate_values import parameter_problems
from .validate_written import written_phase

__all__ = ["Problem", "phase_problems", "template_problems", "workflow_problems"]


_SHOWN_OF_CYCLE = 10
_AT_THE_END: Mapping[str, Fields] = {"workflow": {**WORKFLOW, **OUTCOME}}
"""What tasks can use beside the usual once all phases have ended."""


def workflow_problems(spec: WorkflowSpec) -> tuple[Problem, ...]:
    """Return everything that is wrong with a workflow, in the order of its text."""
    return tuple(_workflow_depth(spec)) or tuple(_workflow(spec, needed=True))


def template_problems(spec: WorkflowTemplateSpec) -> tuple[Problem, ...]:
    """Return everything that is wrong with a template; its parameters may be without values."""
    body = WorkflowSpec.model_construct(**dict(spec))
    return tuple(_workflow_depth(body)) or tuple(_workflow(body, needed=False))


def phase_problems(spec: PhaseSpec) -> tuple[Problem, ...]:
    """Return everything that is wrong with a phase, in the order of its text."""
    deep = tuple(_phase_depth(spec))
    if deep:
        return deep
    return (
        *written_phase(spec),
        *_tasks(spec.tasks, "spec.tasks", _known_of(spec)),
        *_workspaces([("spec.tasks", task) for task in spec.tasks], spec),
        *_size(spec),
    )


def _workflow(spec: WorkflowSpec, *, needed: bool) -> Iterator[Problem]:
    yield from _unique([parameter.name for parameter in spec.parameters], "spec.parameters")
    if spec.template_ref is None:  # otherwise the template declares what the values must be
        yield from parameter_problems(spec.parameters, needed=needed)
    names = [phase.name for phase in spec.all_phases]
    yield from _unique(names, "spec.phases")
    parents = {phase.name: tuple(phase.depends_on) for phase in spec.all_phases}
    broken = list(_edges(parents, "spec.phases", "phase"))
    yield from broken
    ordered = None if broken else graph.build(parents)
    known = frozenset(parameter.name for parameter in spec.parameters)
    for phase in spec.all_phases:
        before = ordered.ancestors(phase.name) if ordered else frozenset(names)
        yield from _phase(phase, known, before)
    everything = Known({"parameters": known, "phases": frozenset(names)}, _AT_THE_END)
    yield from _tasks(spec.on_failure or [], "spec.onFailure", everything)
    yield from _tasks(spec.finally_ or [], "spec.finally", everything)
    yield from _phase_outputs(spec)
    if spec.template_ref is None:  # it may bring a workspace
        yield from _workspaces(_everywhere(spec), spec)
    yield from _size(spec)


def _phase(
    phase: PhaseTemplate, parameters: frozenset[str], before: frozenset[str]
) -> Iterator[Problem]:
    where = f"spec.phases[{phase.name}]"
    known = Known({"parameters": parameters, "phases": before})
    for place in phase_places(phase):
        yield from place_problems(place, where, known)
    own = parameters if phase.parameters is None else frozenset(phase.parameters)
    inside = Known({"parameters": own, "phases": before})
    yield from _tasks(phase.all_tasks, f"{where}.tasks", inside)
    if phase.fallback is not None:
        given = phase.fallback.parameters
        own = own if given is None else frozenset(given)
        inside = Known({"parameters": own, "phases": before})
        yield from _tasks(phase.fallback.all_tasks, f"{where}.fallback.tasks", inside)


def _workflow_depth(spec: WorkflowSpec) -> Iterator[Problem]:
    for parameter in spec.parameters:
        where = f"spec.parameters[{parameter.name}].value"
        yield from _depth(parameter.value, where, WORKFLOW_DEPTH)
    for phase in spec.all_phases:
        yield from _places_depth(phase_places(phase), f"spec.phases[{phase.name}]", WORKFLOW_DEPTH)
    for where, task in _everywhere(spec):
        yield from _places_depth(places(task), f"{where}[{task.name}]", WORKFLOW_DEPTH)


def _phase_depth(spec: PhaseSpec) -> Iterator[Problem]:
    for name, value in spec.parameters.items():
        yield from _depth(value, f"spec.parameters.{name}", PHASE_DEPTH)
    for name, value in spec.context.phases.items():
        yield from _depth(value, f"spec.context.phases.{name}", PHASE_DEPTH)
    for task in spec.tasks:
        yield from _places_depth(places(task), f"spec.tasks[{task.name}]", PHASE_DEPTH)


def _places_depth(found: Iterable[Place], where: str, limit: int) -> Iterator[Problem]:
    for place in found:
        yield from _depth(place.value, f"{where}.{place.field}", limit)


def _depth(value: Any, where: str, limit: int) -> Iterator[Problem]:
    if too_deep(value, limit):
        yield Problem("TooDeep", where, f"nests deeper than {limit} levels; make it flatter")


def _known_of(spec: PhaseSpec) -> Known:
    """Return what a phase's tasks can use: the operator froze what its place in a run gives."""
    context = spec.context
    fields: dict[str, Fields] = {}
    if context.workflow or spec.phase in RESERVED_PHASES:
        fields |= _AT_THE_END
    if context.tasks:
        fields["task"] = {**FIELDS["task"], **UNDONE, GIVEN: ""}
    names = {"parameters": frozenset(spec.parameters), "phases": frozenset(context.phases)}
    return Known(names, fields)


def _tasks(tasks: list[Task], where: str, known: Known) -> Iterator[Problem]:
    yield from _unique([task.name for task in tasks], where)
    parents = {task.name: tuple(task.depends_on) for task in tasks}
    broken = list(_edges(parents, where, "task"))
    yield from broken
    ordered = None if broken else graph.build(parents)
    fan_outs = frozenset(task.name for task in tasks if has_items(task))
    for task in tasks:
        field = f"{where}[{task.name}]"
        yield from task_problems(task, field)
        found = list(places(task))
        looks = any(ref.root == "tasks" for place in found for ref in reads(place))
        # The ancestors of a task deep in a dense graph are many.
        before = ordered.ancestors(task.name) if ordered and looks else frozenset(parents)
        here = Known({**known.names, "tasks": before}, known.fields)
        for place in found:
            yield from place_problems(place, field, here)
            yield from item_problems(place, task, field)
            yield from list_problems(place, field, fan_outs)


def _unique(names: list[str], where: str) -> Iterator[Problem]:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            yield Problem("DuplicateName", where, f"{name!r} stands twice; names must be unique")
        seen.add(name)


def _edges(parents: Mapping[str, tuple[str, ...]], where: str, what: str) -> Iterator[Problem]:
    unknown = False
    for name, depends_on in parents.items():
        for parent in depends_on:
            if parent not in parents:
                unknown = True
                near = nearest(parent, parents)
                hint = f"did you mean {near}?" if near else "name one of this list"
                text = f"there is no {what} {parent!r}; {hint}"
                yield Problem("UnknownDependency", f"{where}[{name}].dependsOn", text)
    if unknown:
        return
    try:
        graph.build(parents)
    except graph.CycleError as error:
        yield Problem(
            "DependencyCycle",
            f"{where}[{error.cycle[0]}].dependsOn",
            f"the {what}s wait for each other: {_round(error.cycle)}; remove one dependency",
        )


def _round(cycle: tuple[str, ...]) -> str:
    """Return a cycle for people: of a long one its begin and its end."""
    if len(cycle) <= _SHOWN_OF_CYCLE:
        return " -> ".join(cycle)
    left_out = len(cycle) - _SHOWN_OF_CYCLE
    return " -> ".join((*cycle[:6], f"({left_out} more)", *cycle[left_out + 6 :]))


def _phase_outputs(spec: WorkflowSpec) -> Iterator[Problem]:
    tasks = {phase.name: _all_tasks(phase) for phase in spec.all_phases}
    for where, task in _everywhere(spec):
        for place in places(task):
            field = f"{where}[{task.name}].{place.field}"
            for ref in reads(place):
                there = tasks.get(str(ref.steps[1]), {}) if len(ref.steps) > 1 else {}
                yield from output_of_phase(ref, field, there)


def _all_tasks(phase: PhaseTemplate) -> dict[str, Task]:
    other = phase.fallback.all_tasks if phase.fallback else []
    return {task.name: task for task in (*other, *phase.all_tasks)}


def _everywhere(spec: WorkflowSpec) -> Iterator[tuple[str, Task]]:
    for phase in spec.all_phases:
        where = f"spec.phases[{phase.name}]"
        yield from ((f"{where}.tasks", task) for task in phase.all_tasks)
        other = phase.fallback.all_tasks if phase.fallback else []
        yield from ((f"{where}.fallback.tasks", task) for task in other)
    yield from (("spec.onFailure", task) for task in spec.on_failure or [])
    yield from (("spec.finally", task) for task in spec.finally_ or [])


def _workspaces(
    tasks: Iterable[tuple[str, Task]], spec: WorkflowSpec | PhaseSpec
) -> Iterator[Problem]:
    for where, task in tasks if spec.workspace is None else ():
        if task.workspace is not None:
            text = "there is none to mount; give spec.workspace a size or a claimName"
            yield Problem("NoWorkspace", f"{where}[{task.name}].workspace", text)


def _size(spec: WorkflowSpec | PhaseSpec) -> Iterator[Problem]:
    dump: Callable[..., str] = spec.model_dump_json
    size = len(dump(by_alias=True, exclude_unset=True))
    if size > MAX_SPEC_BYTES:
        yield Problem(
            "SpecTooLarge",
            "spec",
            f"has {size} bytes, at most {MAX_SPEC_BYTES} work; split the workflow",
        )
