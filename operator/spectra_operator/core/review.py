"""Everything that is wrong with one object: what the webhook and the linter both say."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from ..api.common import ApiModel
from ..api.constants import MAX_SPEC_BYTES
from ..api.phase import PhaseSpec
from ..api.template import WorkflowTemplateSpec
from ..api.workflow import WorkflowSpec
from .nesting import PHASE_DEPTH, too_deep
from .problems import Problem
from .validate import phase_problems, template_problems, workflow_problems
from .validate_written import written_phase, written_workflow

SPEC_DEPTH = PHASE_DEPTH + 16
"""Levels of a whole spec: a value, and what it stands in."""


@dataclass(frozen=True, slots=True)
class Review:
    """How a kind is reviewed.

    Attributes:
        model: What its spec is parsed with.
        problems: What is wrong with a parsed spec.
    """

    model: type[ApiModel]
    problems: Callable[[Any], tuple[Problem, ...]]


def _workflow(spec: WorkflowSpec) -> tuple[Problem, ...]:
    return (*written_workflow(spec), *workflow_problems(spec))


def _template(spec: WorkflowTemplateSpec) -> tuple[Problem, ...]:
    return (*written_workflow(spec), *template_problems(spec))


def _phase(spec: PhaseSpec) -> tuple[Problem, ...]:
    return (*written_phase(spec), *phase_problems(spec))


REVIEWS: Mapping[str, Review] = {
    "Workflow": Review(WorkflowSpec, _workflow),
    "Phase": Review(PhaseSpec, _phase),
    "WorkflowTemplate": Review(WorkflowTemplateSpec, _template),
}


def review(kind: str, spec: Any) -> tuple[Problem, ...]:
    """Return everything that is wrong with a spec; nothing for a kind that has no checks.

    Its cost is bounded: size and depth are looked at before anything walks the spec.
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
            Problem("InvalidSpec", ".".join(["spec", *map(str, e["loc"])]), e["msg"])
            for e in error.errors(include_url=False, include_input=False)
        )
    return reviewed.problems(parsed)
