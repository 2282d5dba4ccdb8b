"""Checks of a spec as it was written, before templates and patterns are expanded.

The API server makes most of them by CEL rules, see api/; they are here for whoever asks before
it, and for what rules cannot see.
"""

from __future__ import annotations

from collections.abc import Iterator

from ...api.constants import RESERVED_PHASES
from ...api.phase import PhaseSpec
from ...api.task import Pattern, Plan, Task
from ...api.workflow import PhaseBody, PhaseTemplate, WorkflowBody, WorkflowSpec, Workspace
from .patterns import pattern_problem
from .problems import Problem


def written_workflow(spec: WorkflowBody) -> Iterator[Problem]:
    """Yield what is wrong with how a workflow or a template is put together."""
    refers = isinstance(spec, WorkflowSpec) and spec.template_ref is not None
    if spec.phases is not None and refers:
        text = "stands beside templateRef; give phases or templateRef"
        yield Problem("ConflictingFields", "spec.phases", text)
    if spec.phases is None and not refers:
        yield Problem("MissingField", "spec.phases", "is missing; give at least one phase")
    for phase in spec.all_phases:
        yield from _phase(phase, f"spec.phases[{phase.name}]")
    if spec.workspace is not None:
        yield from _workspace(spec.workspace)


def written_phase(spec: PhaseSpec) -> Iterator[Problem]:
    """Yield what is wrong with how a phase that stands alone is put together."""
    yield from _plan(spec.plan, "spec.plan")
    yield from _pattern(spec.pattern, spec.tasks, "spec")


def _phase(phase: PhaseTemplate, where: str) -> Iterator[Problem]:
    if phase.name in RESERVED_PHASES:
        names = ", ".join(RESERVED_PHASES)
        text = f"{names} are phases that the operator makes; take another name"
        yield Problem("ReservedName", f"{where}.name", text)
    yield from _body(phase, where)
    yield from _plan(phase.plan, f"{where}.plan")
    if phase.fallback is not None:
        yield from _body(phase.fallback, f"{where}.fallback")


def _body(body: PhaseBody, where: str) -> Iterator[Problem]:
    if body.tasks is not None and body.template_ref is not None:
        text = "stands beside templateRef; give tasks or templateRef"
        yield Problem("ConflictingFields", f"{where}.tasks", text)
    if body.tasks is None and body.template_ref is None:
        text = "is missing; give at least one task, or templateRef"
        yield Problem("MissingField", f"{where}.tasks", text)
    if body.tasks is not None:
        yield from _pattern(body.pattern, body.tasks, where)


def _pattern(pattern: Pattern | None, tasks: list[Task], where: str) -> Iterator[Problem]:
    problem = pattern_problem(pattern, tasks, where) if pattern else None
    if problem:
        yield problem


def _plan(plan: Plan | None, where: str) -> Iterator[Problem]:
    if plan and plan.duration_days is not None and plan.duration_seconds is not None:
        text = "stands beside durationSeconds; give one of them"
        yield Problem("ConflictingFields", f"{where}.durationDays", text)


def _workspace(workspace: Workspace) -> Iterator[Problem]:
    where = "spec.workspace"
    if (workspace.claim_name is None) == (workspace.size is None):
        text = "give claimName for an existing claim, or size for one to be made"
        yield Problem("ConflictingFields", f"{where}.size", text)
    for name, value in (
        ("storageClassName", workspace.storage_class_name),
        ("accessModes", workspace.access_modes),
    ):
        if workspace.claim_name is not None and value is not None:
            text = "an existing claim has its own; leave it out, or give size instead of claimName"
            yield Problem("ConflictingFields", f"{where}.{name}", text)
