"""What works and is probably not meant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import ValidationError

from ...api.agent import AgentSpec, Mode
from ...api.common import FailurePolicy, RetryPolicy
from ...api.phase import PhaseSpec
from ...api.rollout import Rollout, RolloutStrategy
from ...api.schedule import ScheduleSpec
from ...api.task import Task
from ...api.template import WorkflowTemplateSpec
from ...api.workflow import WorkflowBody, WorkflowSpec
from ..language.references import phase_places, places, reads
from ..spec.items import has_items
from ..spec.problems import Problem

_MANY = 20
"""Retries of one way that keep the next one waiting for long."""
_BODIES = {"Workflow": WorkflowSpec, "WorkflowTemplate": WorkflowTemplateSpec}


def warnings(kind: str, spec: Any) -> Iterator[Problem]:
    """Yield what is odd in a spec in which nothing is wrong."""
    try:
        if kind in _BODIES:
            yield from _body(_BODIES[kind].model_validate(spec), "spec")
        elif kind == "Schedule":
            found = ScheduleSpec.model_validate(spec).workflow_template.spec
            yield from _body(found, "spec.workflowTemplate.spec", given=("scheduledTime",))
        elif kind == "Phase":
            phase = PhaseSpec.model_validate(spec)
            yield from _tasks(phase.tasks, "spec.tasks", undone=False)
        elif kind == "Agent":
            yield from _agent(AgentSpec.model_validate(spec))
    except ValidationError:
        return


def _body(spec: WorkflowBody, where: str, given: tuple[str, ...] = ()) -> Iterator[Problem]:
    undone = spec.failure_policy is FailurePolicy.ROLLBACK
    for phase in spec.all_phases:
        field = f"{where}.phases[{phase.name}]"
        yield from _tasks(phase.all_tasks, f"{field}.tasks", undone=undone)
        other = phase.fallback.all_tasks if phase.fallback else []
        yield from _tasks(other, f"{field}.fallback.tasks", undone=undone)
    yield from _tasks(spec.on_failure or [], f"{where}.onFailure", undone=False)
    yield from _tasks(spec.finally_ or [], f"{where}.finally", undone=False)
    if spec.phases is None or any(phase.template_ref for phase in spec.all_phases):
        return  # what a template holds is not seen here
    if undone and not any(t.compensate for p in spec.all_phases for t in p.all_tasks):
        text = "no task has compensate, so there is nothing to roll back; add one, or use Fail"
        yield Problem("NothingToUndo", f"{where}.failurePolicy", text)
    yield from _unused(spec, where, given)


def _tasks(tasks: Iterable[Task], where: str, *, undone: bool) -> Iterator[Problem]:
    for task in tasks:
        yield from _task(task, f"{where}[{task.name}]", undone=undone)


def _task(task: Task, where: str, *, undone: bool) -> Iterator[Problem]:
    if task.compensate is not None and not undone:
        text = "is run only by failurePolicy: Rollback; set the policy, or leave it out"
        yield Problem("NeverUsed", f"{where}.compensate", text)
    if task.parallelism is not None and not has_items(task):
        text = "bounds items, and the task has none; leave it out"
        yield Problem("NeverUsed", f"{where}.parallelism", text)
    if task.count is not None and task.parallelism is not None and task.parallelism > task.count:
        text = f"is more than count {task.count}; a smaller number says the same"
        yield Problem("NeverUsed", f"{where}.parallelism", text)
    limit, attempt = task.active_deadline_seconds, task.timeout_seconds
    if limit is not None and attempt is not None and limit < attempt:
        text = f"is {limit}, shorter than timeoutSeconds {attempt}, which is then never reached"
        yield Problem("NeverUsed", f"{where}.activeDeadlineSeconds", f"{text}; swap or drop one")
    yield from _ways(task, where)
    yield from _retry(task.retry, f"{where}.retry")


def _ways(task: Task, where: str) -> Iterator[Problem]:
    before = (task.agent, task.input)
    for index, way in enumerate(task.fallback):
        here = (way.agent, task.input if way.input is None else way.input)
        if here == before and way.timeout_seconds is None:
            text = "does the same as the way before it; give another agent or input, or raise"
            yield Problem("NeverBetter", f"{where}.fallback[{index}]", f"{text} retry.limit")
        before = here
    if task.fallback and task.retry is not None and task.retry.limit > _MANY:
        text = f"is {task.retry.limit}, so the fallback comes very late; lower it"
        yield Problem("LateFallback", f"{where}.retry.limit", text)


def _retry(policy: RetryPolicy | None, where: str) -> Iterator[Problem]:
    if policy is None:
        return
    if policy.rules and policy.limit == 0 and all(r.action == "Retry" for r in policy.rules):
        text = "asks for retries, and limit is 0; set retry.limit"
        yield Problem("NeverUsed", f"{where}.rules", text)
    if policy.backoff.initial_seconds > policy.backoff.max_seconds:
        text = f"is {policy.backoff.initial_seconds}, more than maxSeconds"
        text = f"{text} {policy.backoff.max_seconds}, which then always holds; swap them"
        yield Problem("NeverUsed", f"{where}.backoff.initialSeconds", text)


def _unused(spec: WorkflowBody, where: str, given: tuple[str, ...]) -> Iterator[Problem]:
    """Yield parameters that nothing reads."""
    read: set[str] = set()
    for place in _places(spec):
        for reference in reads(place):
            if reference.root == "parameters" and len(reference.steps) < 2:
                return
            if reference.root == "parameters":
                read.add(str(reference.steps[1]))
    for parameter in spec.parameters:
        if parameter.name not in read and parameter.name not in given:
            text = "is read by nothing; use ${parameters." + parameter.name + "}, or remove it"
            yield Problem("UnusedParameter", f"{where}.parameters[{parameter.name}]", text)


def _places(spec: WorkflowBody) -> Iterator[Any]:
    for phase in spec.all_phases:
        yield from phase_places(phase)
        for task in (*phase.all_tasks, *(phase.fallback.all_tasks if phase.fallback else ())):
            yield from places(task)
    for task in (*(spec.on_failure or ()), *(spec.finally_ or ())):
        yield from places(task)


def _agent(spec: AgentSpec) -> Iterator[Problem]:
    if spec.scaling is not None and spec.replicas is not None:
        text = f"is {spec.replicas} and holds, so that spec.scaling stands still; leave one out"
        yield Problem("ScalingConflict", "spec.replicas", text)
    rollout = spec.rollout
    if rollout is None:
        return
    given = rollout.model_fields_set
    if rollout.strategy is RolloutStrategy.IMMEDIATE:
        names = ("max_unproven", "warm_seconds", "pause", "pre_gate", "analysis")
        for name in (name for name in names if name in given):
            field = f"spec.rollout.{Rollout.model_fields[name].alias}"
            yield Problem("NeverUsed", field, "strategy Immediate has no use for it; leave it out")
    elif spec.mode is Mode.POD and "warm_seconds" in given:
        text = "mode Pod has no workers to keep warm; leave it out"
        yield Problem("NeverUsed", "spec.rollout.warmSeconds", text)
