"""Compiles a spec into the shape that decisions are made from: checks, graph, paths."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, TypeVar

from pydantic import ValidationError

from ...api.common import ApiModel
from ...api.phase import PhaseSpec
from ...api.task import Task
from ...api.template import WorkflowTemplateSpec
from ...api.workflow import WorkflowSpec
from .. import graph
from ..changes import editors_of
from ..names import revision_hash
from ..snapshot import PhaseShape, WorkflowShape
from .expand import ExpansionError, Templates, expand, template_names
from .items import has_items, items_known_before
from .paths import shown
from .patterns import pattern_problem, written_out
from .validate import Problem, phase_problems, workflow_problems
from .validate_written import written_workflow

M = TypeVar("M", bound=ApiModel)

_EMPTY = graph.build({})
NO_TEMPLATES: Mapping[str, Any] = MappingProxyType({})


def compile_workflow(
    body: Mapping[str, Any], templates: Mapping[str, Any] = NO_TEMPLATES
) -> WorkflowShape:
    """Compile a Workflow object. What is wrong with it stands in `problems`.

    `templates` has the specs of the WorkflowTemplates that it was pinned to, as they were
    written, by name; those that it needs and does not find stand in `missing_templates`.
    """
    meta = body["metadata"]
    written, problems = _parse(WorkflowSpec, body.get("spec"))
    if written is None:
        written = WorkflowSpec.model_construct(phases=[])
    pinned, wrong = _templates(templates)
    missing = tuple(n for n in template_names(written, pinned) if n not in templates)
    spec = written
    if not problems and not missing:
        spec, problems = _expanded(written, pinned, wrong)
    ordered = _EMPTY
    if not problems and not missing:
        ordered = graph.build({p.name: tuple(p.depends_on) for p in spec.all_phases})
    known = {phase.name: phase for phase in spec.all_phases}
    graphs = {n: _order(p.all_tasks) for n, p in known.items()} if ordered.order else {}
    ref = written.template_ref
    named = templates.get(ref.name) if ref else None
    return WorkflowShape(
        namespace=meta["namespace"],
        name=meta["name"],
        uid=meta["uid"],
        generation=meta.get("generation", 0),
        spec=spec,
        graph=ordered,
        problems=problems,
        depths={n: _depth(tasks) for n, tasks in graphs.items()},
        task_graphs=graphs,
        items={n: _items(p.all_tasks) for n, p in known.items()},
        phases=known if ordered.order else {},
        template=f"{ref.name}@{revision_hash(named)}" if ref and named is not None else "",
        missing_templates=missing,
        editors=editors_of(meta),
    )


def _templates(
    specs: Mapping[str, Any],
) -> tuple[dict[str, WorkflowTemplateSpec], tuple[Problem, ...]]:
    """Parse templates; one that its schema should have refused is a problem of who uses it."""
    found, problems = {}, []
    for name, text in specs.items():
        spec, wrong = _parse(WorkflowTemplateSpec, text)
        if spec is not None:
            found[name] = spec
        problems += [
            replace(p, message=f"template {name!r}: {p.field}: {p.message}") for p in wrong
        ]
    return found, tuple(replace(p, field="spec.templateRef") for p in problems)


def _expanded(
    written: WorkflowSpec, templates: Templates, wrong: tuple[Problem, ...]
) -> tuple[WorkflowSpec, tuple[Problem, ...]]:
    spec, found = written, [*wrong, *written_workflow(written)]
    if not found:
        try:
            spec = expand(written, templates)
        except ExpansionError as error:
            found += error.problems
    if not found and not spec.all_phases:
        text = "the template has no phases, so there is nothing to do; refer to one that has"
        found.append(Problem("MissingField", "spec.templateRef", text))
    told = {(problem.reason, problem.field) for problem in found}
    if spec is not written or not templates:
        found += (p for p in workflow_problems(spec) if (p.reason, p.field) not in told)
    return spec, tuple(found)


def _items(tasks: list[Task]) -> int:
    return sum(items_known_before(task) or 1 for task in tasks if not _is_empty(task))


def _is_empty(task: Task) -> bool:
    return has_items(task) and items_known_before(task) == 0


def compile_phase(body: Mapping[str, Any]) -> PhaseShape:
    """Compile a Phase object. What is wrong with it stands in `problems`."""
    meta = body["metadata"]
    spec, problems = _parse(PhaseSpec, body.get("spec"))
    if spec is None:
        spec = PhaseSpec.model_construct(tasks=[])
    else:
        spec, problems = _with_pattern(spec)
    tasks = {task.name: task for task in spec.tasks}
    ordered = _EMPTY if problems else _order(spec.tasks)
    return PhaseShape(
        namespace=meta["namespace"],
        name=meta["name"],
        uid=meta["uid"],
        generation=meta.get("generation", 0),
        spec=spec,
        tasks={} if problems else tasks,
        graph=ordered,
        problems=problems,
        paths=graph.longest_paths(ordered, lambda _: 1.0),
        deadlines={
            t.name: t.active_deadline_seconds for t in spec.tasks if t.active_deadline_seconds
        },
        conditional=frozenset(
            t.name for t in spec.tasks if t.when or t.for_each is not None or t.matrix
        ),
        editors=editors_of(meta),
    )


def _with_pattern(spec: PhaseSpec) -> tuple[PhaseSpec, tuple[Problem, ...]]:
    """Return a phase with its pattern written out, and what is wrong with it."""
    if spec.pattern is None:
        return spec, phase_problems(spec)
    problem = pattern_problem(spec.pattern, spec.tasks, "spec")
    if problem:
        return spec, (problem,)
    spec = spec.model_copy(update={"tasks": written_out(spec.pattern, spec.tasks)})
    return spec, phase_problems(spec)


def _order(tasks: list[Task]) -> graph.Graph:
    return graph.build({task.name: tuple(task.depends_on) for task in tasks})


def _depth(tasks: graph.Graph) -> float:
    return max(graph.longest_paths(tasks, lambda _: 1.0).values(), default=0.0)


def _parse(model: type[M], spec: Any) -> tuple[M | None, tuple[Problem, ...]]:
    """Parse a spec that the schema should have checked; a poison object must fail alone."""
    try:
        return model.model_validate(spec), ()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = shown(("spec", *first["loc"]), {"spec": spec})
        return None, (Problem("InvalidSpec", where, first["msg"]),)
