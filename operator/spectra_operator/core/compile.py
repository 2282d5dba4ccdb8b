"""Compiles a spec into the shape that decisions are made from: checks, graph, paths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from ..api.common import ApiModel
from ..api.phase import PhaseSpec
from ..api.task import Task
from ..api.workflow import PhaseTemplate, WorkflowSpec
from . import graph
from .snapshot import PhaseShape, WorkflowShape
from .validate import Problem, phase_problems, workflow_problems

M = TypeVar("M", bound=ApiModel)

_EMPTY = graph.build({})


def compile_workflow(body: Mapping[str, Any]) -> WorkflowShape:
    """Compile a Workflow object. What is wrong with it stands in `problems`."""
    meta = body["metadata"]
    spec, problems = _parse(WorkflowSpec, body.get("spec"))
    if spec is None:
        spec = WorkflowSpec.model_construct(phases=[])
    else:
        problems = workflow_problems(spec)
    ordered = _EMPTY
    depths: dict[str, float] = {}
    if not problems:
        ordered = graph.build({p.name: tuple(p.depends_on) for p in spec.all_phases})
        depths = {p.name: _depth(p) for p in spec.all_phases}
    return WorkflowShape(
        namespace=meta["namespace"],
        name=meta["name"],
        uid=meta["uid"],
        generation=meta.get("generation", 0),
        spec=spec,
        graph=ordered,
        problems=problems,
        depths=depths,
    )


def compile_phase(body: Mapping[str, Any]) -> PhaseShape:
    """Compile a Phase object. What is wrong with it stands in `problems`."""
    meta = body["metadata"]
    spec, problems = _parse(PhaseSpec, body.get("spec"))
    if spec is None:
        spec = PhaseSpec.model_construct(tasks=[])
    else:
        problems = phase_problems(spec)
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
    )


def _order(tasks: list[Task]) -> graph.Graph:
    return graph.build({task.name: tuple(task.depends_on) for task in tasks})


def _depth(phase: PhaseTemplate) -> float:
    return max(graph.longest_paths(_order(phase.all_tasks), lambda _: 1.0).values(), default=0.0)


def _parse(model: type[M], spec: Any) -> tuple[M | None, tuple[Problem, ...]]:
    """Parse a spec that the schema should have checked; a poison object must fail alone."""
    try:
        return model.model_validate(spec), ()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(["spec", *(str(part) for part in first["loc"])])
        return None, (Problem("InvalidSpec", where, first["msg"]),)
