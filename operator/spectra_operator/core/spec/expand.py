"""Expansion, from spec to spec: templates are put in, patterns written out, defaults filled in.

Everything that decides or checks works on the expanded spec; `kubectl spectra explain` shows it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from ...api.task import PhaseTemplateRef, Task
from ...api.template import WorkflowTemplateSpec
from ...api.values import Parameter
from ...api.workflow import PhaseBody, PhaseTemplate, WorkflowBody, WorkflowSpec
from ..language.typed import value_problem
from ..suggestions import listed
from .patterns import pattern_problem, written_out
from .validate import Problem

Templates = Mapping[str, WorkflowTemplateSpec]
"""WorkflowTemplates of the namespace by name."""
B = TypeVar("B", bound=PhaseBody)
S = TypeVar("S", bound=WorkflowBody)

TEMPLATE_NOT_FOUND = "TemplateNotFound"


class ExpansionError(ValueError):
    """A spec cannot be expanded; `problems` name the fields as they were written."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = problems


def template_names(spec: WorkflowSpec, templates: Templates) -> tuple[str, ...]:
    """Return the templates that a workflow needs, as far as those at hand tell."""
    names = [spec.template_ref.name] if spec.template_ref else []
    own = templates.get(names[0]) if names else None
    phases = spec.phases if spec.phases is not None or own is None else own.phases
    for phase in phases or ():
        for body in (phase, phase.fallback):
            if body is not None and body.template_ref is not None:
                names.append(body.template_ref.name)
    return tuple(dict.fromkeys(names))


def expand(spec: WorkflowSpec, templates: Templates) -> WorkflowSpec:
    """Return a spec whose phases all have tasks, and whose parameters all have values.

    Raises:
        ExpansionError: a template is missing or does not fit, a pattern has too few tasks, or a
            parameter has no value or a wrong one.
    """
    problems: list[Problem] = []
    merged = _merged(spec, templates, problems)
    phases = [_phase(phase, templates, problems) for phase in merged.all_phases]
    parameters = _with_values(merged.parameters, "spec.parameters", problems)
    if problems:
        raise ExpansionError(tuple(problems))
    update: dict[str, Any] = {"phases": phases} if merged.phases is not None else {}
    if parameters:
        update["parameters"] = parameters
    return merged.model_copy(update=update) if update else merged


def with_patterns(spec: S) -> S:
    """Return a spec with its patterns written out, as far as they can be without templates."""
    if spec.phases is None or not any(_has_pattern(phase) for phase in spec.phases):
        return spec
    nothing: list[Problem] = []
    phases = [_phase(phase, {}, nothing) for phase in spec.phases]
    return spec.model_copy(update={"phases": phases})


def _has_pattern(phase: PhaseTemplate) -> bool:
    return any(body is not None and body.pattern is not None for body in (phase, phase.fallback))


def expanded_tasks(body: PhaseBody, where: str) -> tuple[list[Task], Problem | None]:
    """Return the tasks of a phase with its pattern written out, or why it cannot be."""
    if body.pattern is None:
        return body.all_tasks, None
    problem = pattern_problem(body.pattern, body.all_tasks, where)
    return (
        (body.all_tasks, problem)
        if problem
        else (
            written_out(body.pattern, body.all_tasks),
            None,
        )
    )


def _merged(spec: WorkflowSpec, templates: Templates, problems: list[Problem]) -> WorkflowSpec:
    """Return a workflow with all that it does not say itself taken from its template."""
    if spec.template_ref is None:
        return spec
    template = templates.get(spec.template_ref.name)
    if template is None:
        problems.append(_not_found(spec.template_ref.name, "spec.templateRef.name"))
        return spec
    taken: dict[str, Any] = {"template_ref": None}
    taken |= {
        name: getattr(template, name)
        for name in WorkflowBody.model_fields
        if name in template.model_fields_set and name not in spec.model_fields_set
    }
    if template.parameters or spec.parameters:
        given = {parameter.name: _value(parameter) for parameter in spec.parameters}
        where = "spec.parameters"
        name = spec.template_ref.name
        taken["parameters"] = _given(template.parameters, given, (name, where), problems)
    return spec.model_copy(update=taken)


def _given(
    declared: list[Parameter],
    given: Mapping[str, Any],
    place: tuple[str, str],
    problems: list[Problem],
) -> list[Parameter]:
    """Return a template's parameters with the values given; `place` is (template, field)."""
    template, where = place
    known = {parameter.name for parameter in declared}
    for name in given:
        if name not in known:
            text = f"template {template!r} has no parameter {name!r}; remove it"
            problems.append(Problem("UnknownParameter", f"{where}[{name}]", text))
    return [
        p.model_copy(update={"value": given[p.name]}) if given.get(p.name) is not None else p
        for p in declared
    ]


def _with_values(
    parameters: list[Parameter], where: str, problems: list[Problem]
) -> list[Parameter]:
    """Return parameters whose value is the one given or else the default."""
    found = []
    for parameter in parameters:
        value = _value(parameter)
        field = f"{where}[{parameter.name}].value"
        if value is None:
            text = "has neither a value nor a default; give one"
            problems.append(Problem("MissingParameter", field, text))
        elif text := value_problem(value, parameter):
            fix = f"{text}; change the value, or what the parameter allows"
            problems.append(Problem("InvalidParameter", field, fix))
        same = parameter.value is not None or value is None
        found.append(parameter if same else parameter.model_copy(update={"value": value}))
    return found


def _value(parameter: Parameter) -> Any:
    return parameter.default if parameter.value is None else parameter.value


def _phase(phase: PhaseTemplate, templates: Templates, problems: list[Problem]) -> PhaseTemplate:
    where = f"spec.phases[{phase.name}]"
    phase = _body(phase, where, templates, problems)
    if phase.fallback is None:
        return phase
    fallback = _body(phase.fallback, f"{where}.fallback", templates, problems)
    return phase.model_copy(update={"fallback": fallback})


def _body(body: B, where: str, templates: Templates, problems: list[Problem]) -> B:
    """Return what a phase does with its tasks in it and its pattern written out."""
    if body.template_ref is not None:
        body = _from_template(body, body.template_ref, where, templates, problems)
    if body.pattern is None:
        return body
    tasks, problem = expanded_tasks(body, where)
    if problem:
        problems.append(problem)
        return body
    return body.model_copy(update={"tasks": tasks, "pattern": None})


def _from_template(
    body: B,
    ref: PhaseTemplateRef,
    where: str,
    templates: Templates,
    problems: list[Problem],
) -> B:
    template = templates.get(ref.name)
    if template is None:
        problems.append(_not_found(ref.name, f"{where}.templateRef.name"))
        return body
    source = _source(template, ref, where, problems)
    if source is None:
        return body
    given = body.parameters or {}
    declared = _given(template.parameters, given, (ref.name, f"{where}.parameters"), problems)
    values = dict(_phase_values(declared, f"{where}.parameters", problems))
    update: dict[str, Any] = {"tasks": source.tasks, "parameters": values, "template_ref": None}
    if body.pattern is None:
        update["pattern"] = source.pattern
    return body.model_copy(update=update)


def _phase_values(
    declared: list[Parameter], where: str, problems: list[Problem]
) -> Iterator[tuple[str, Any]]:
    """Yield the values of a template's parameters; those with ${...} are known only at run time."""
    for parameter in declared:
        value = _value(parameter)
        field = f"{where}.{parameter.name}"
        if value is None:
            text = "the template gives no default; give a value"
            problems.append(Problem("MissingParameter", field, text))
        elif "${" not in json.dumps(value) and (text := value_problem(value, parameter)):
            problems.append(Problem("InvalidParameter", field, f"{text}; change the value"))
        yield parameter.name, value


def _source(
    template: WorkflowTemplateSpec, ref: PhaseTemplateRef, where: str, problems: list[Problem]
) -> PhaseTemplate | None:
    """Return the phase of a template that is meant."""
    phases = {phase.name: phase for phase in template.all_phases}
    field = f"{where}.templateRef.phase"
    names = listed(phases)
    if ref.phase is None and len(phases) != 1:
        text = f"template {ref.name!r} has {len(phases)} phases; name one of {names}"
        problems.append(Problem("UnknownPhase", field, text))
        return None
    found = phases.get(ref.phase) if ref.phase else next(iter(phases.values()))
    if found is None:
        text = f"template {ref.name!r} has no phase {ref.phase!r}; name one of {names}"
        problems.append(Problem("UnknownPhase", field, text))
        return None
    if found.template_ref is not None or found.parameters is not None:
        text = (
            f"phase {found.name!r} of template {ref.name!r} takes tasks or parameters from "
            "elsewhere itself; refer to a phase with tasks of its own and no parameters"
        )
        problems.append(Problem("TemplateNested", field, text))
        return None
    return found


def _not_found(name: str, where: str) -> Problem:
    text = f"there is no WorkflowTemplate {name!r} in this namespace; apply it"
    return Problem(TEMPLATE_NOT_FOUND, where, text)
