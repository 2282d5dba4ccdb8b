"""Everything that is wrong with one object: what the webhook and the linter both say."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from ...api.agent import AgentSpec
from ...api.common import ApiModel
from ...api.constants import MAX_SPEC_BYTES
from ...api.phase import PhaseSpec
from ...api.schedule import ScheduleSpec
from ...api.template import WorkflowTemplateSpec
from ...api.workflow import WorkflowSpec
from ..rollout.validate import agent_problems
from ..schedule.cron import CronError, parse_cron
from ..schedule.runs import SCHEDULED_TIME
from .expand import TEMPLATE_NOT_FOUND, ExpansionError, expand, with_patterns
from .nesting import PHASE_DEPTH, too_deep
from .paths import shown
from .patterns import pattern_problem, written_out
from .problems import Problem
from .validate import phase_problems, template_problems, workflow_problems
from .validate_written import written_workflow

SPEC_DEPTH = PHASE_DEPTH + 16
"""Levels of a whole spec: a value, and what it stands in."""


Templates = Mapping[str, WorkflowTemplateSpec]
"""The WorkflowTemplates that are known, by name."""


_NONE: Templates = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Review:
    """How a kind is reviewed.

    Attributes:
        model: What its spec is parsed with.
        problems: What is wrong with a parsed spec, given the templates that are known.
    """

    model: type[ApiModel]
    problems: Callable[[Any, Templates], Iterator[Problem]]


def _workflow(spec: WorkflowSpec, templates: Templates) -> Iterator[Problem]:
    yield from written_workflow(spec)
    whole, told = spec, set()
    try:
        whole = expand(spec, templates)
    except ExpansionError as error:
        whole = with_patterns(spec)
        found = [p for p in error.problems if _is_known(p, spec, templates)]
        told = {(p.reason, p.field) for p in found}
        yield from found
    yield from (p for p in workflow_problems(whole) if (p.reason, p.field) not in told)


def _is_known(problem: Problem, spec: WorkflowSpec, templates: Templates) -> bool:
    """Whether a problem of the expansion is one without any template that is not known here."""
    if problem.reason == TEMPLATE_NOT_FOUND:
        return False
    declared_here = spec.template_ref is None or spec.template_ref.name in templates
    return declared_here or not problem.field.startswith("spec.parameters")


def _template(spec: WorkflowTemplateSpec, _: Templates) -> Iterator[Problem]:
    yield from written_workflow(spec)
    yield from template_problems(with_patterns(spec))


def _phase(spec: PhaseSpec, _: Templates) -> Iterator[Problem]:
    if spec.pattern is not None and pattern_problem(spec.pattern, spec.tasks, "spec") is None:
        spec = spec.model_copy(update={"tasks": written_out(spec.pattern, spec.tasks)})
    yield from phase_problems(spec)


def _schedule(spec: ScheduleSpec, templates: Templates) -> Iterator[Problem]:
    try:
        parse_cron(spec.schedule, spec.time_zone)
    except CronError as error:
        field, _, text = str(error).partition(" ")
        yield Problem(error.reason, field, text)
    for problem in _workflow(_with_time(spec.workflow_template.spec), templates):
        field = problem.field.removeprefix("spec.")
        yield Problem(problem.reason, f"spec.workflowTemplate.spec.{field}", problem.message)


def _with_time(spec: WorkflowSpec) -> WorkflowSpec:
    """Return a schedule's workflow as its runs will be: the time that each is for is filled in."""
    filled = [
        parameter.model_copy(update={"value": "2026-01-01T00:00:00Z"})
        if parameter.name == SCHEDULED_TIME and parameter.value is None
        else parameter
        for parameter in spec.parameters
    ]
    return spec.model_copy(update={"parameters": filled}) if filled else spec


def _agent(spec: AgentSpec, _: Templates) -> Iterator[Problem]:
    yield from agent_problems(spec)


REVIEWS: Mapping[str, Review] = {
    "Agent": Review(AgentSpec, _agent),
    "Workflow": Review(WorkflowSpec, _workflow),
    "Phase": Review(PhaseSpec, _phase),
    "Schedule": Review(ScheduleSpec, _schedule),
    "WorkflowTemplate": Review(WorkflowTemplateSpec, _template),
}


def review(kind: str, spec: Any, templates: Templates = _NONE) -> tuple[Problem, ...]:
    """Return everything that is wrong with a spec; nothing for a kind that has no checks.

    A template that is not among those given is taken to be well; the reconcile pass knows more.
    The cost is bounded: size and depth are looked at before anything walks the spec.
    """
    reviewed = REVIEWS.get(kind)
    if reviewed is None:
        return ()
    if too_deep(spec, SPEC_DEPTH):
        text = f"nests deeper than {SPEC_DEPTH} levels; make its values flatter"
        return (Problem("TooDeep", "spec", text),)
    size = len(json.dumps(spec))
    if size > MAX_SPEC_BYTES:
        text = f"has {size} bytes, at most {MAX_SPEC_BYTES} work; split the {kind.lower()}"
        return (Problem("SpecTooLarge", "spec", text),)
    try:
        parsed = reviewed.model.model_validate(spec)
    except ValidationError as error:
        return tuple(
            Problem("InvalidSpec", shown(("spec", *e["loc"]), {"spec": spec}), e["msg"])
            for e in error.errors(include_url=False, include_input=False)
        )
    return tuple(dict.fromkeys(reviewed.problems(parsed, templates)))
