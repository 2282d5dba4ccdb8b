"""Finds what can never work in the rollout of an agent, before it is used."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ...api.agent import AgentSpec
from ...api.rollout import Rollout
from ..language.expressions import (
    BOOLEAN,
    Expression,
    ExpressionError,
    compile_expression,
    surely_gives,
)
from ..spec.problems import Problem
from .conditions import ROOTS, VALUE, never_decides
from .gates import DONE, RECORDED
from .queries import address_problem


def agent_problems(spec: AgentSpec) -> Iterator[Problem]:
    """Yield what is wrong with the rollout of an agent, if it has one."""
    rollout = spec.rollout
    if rollout is None:
        return
    if rollout.pre_gate and rollout.pre_gate.replay and not spec.replayable:
        text = (
            "does recorded tasks again, and this agent is not replayable; set spec.replayable: "
            "true if that harms nobody, or leave replay out"
        )
        yield Problem("NotReplayable", "spec.rollout.preGate.replay", text)
    yield from rollout_problems(rollout)


def rollout_problems(rollout: Rollout, where: str = "spec.rollout") -> Iterator[Problem]:
    """Yield what is wrong with the expressions and names of a rollout."""
    gate, analysis = rollout.pre_gate, rollout.analysis
    for index, task in enumerate(gate.tasks if gate else ()):
        if task.expect is not None:
            field = f"{where}.preGate.tasks[{index}].expect"
            yield from _problems(task.expect, field, lambda s: compile_expression(s, DONE))
    if gate and gate.replay:
        for index, source in enumerate(gate.replay.conditions):
            field = f"{where}.preGate.replay.conditions[{index}]"
            yield from _problems(source, field, lambda s: compile_expression(s, RECORDED))
    if analysis is None:
        return
    for index, source in enumerate(analysis.conditions):
        yield from _undecided(source, f"{where}.analysis.conditions[{index}]", ROOTS)
    yield from _query_problems(rollout, f"{where}.analysis.prometheus.queries")


def _query_problems(rollout: Rollout, where: str) -> Iterator[Problem]:
    analysis = rollout.analysis
    prometheus = analysis.prometheus if analysis else None
    problem = address_problem(prometheus.address) if prometheus else ""
    if problem:
        field = where.replace("queries", "address")
        yield Problem("InvalidAddress", field, problem)
    queries = prometheus.queries if prometheus else []
    seen: set[str] = set()
    for query in queries:
        if query.name in seen:
            text = "two queries have this name; give each its own"
            yield Problem("DuplicateName", f"{where}[{query.name}]", text)
        seen.add(query.name)
        field = f"{where}[{query.name}].condition"
        yield from _undecided(query.condition, field, VALUE)


def _undecided(source: str, field: str, roots: tuple[str, ...]) -> Iterator[Problem]:
    """Yield why a condition over numbers can be neither true nor false."""
    try:
        problem = never_decides(source, roots)
    except ExpressionError as error:
        problem = str(error)
    if problem:
        yield Problem("InvalidExpression", field, problem)


def _problems(source: str, field: str, compiled: Callable[[str], Expression]) -> Iterator[Problem]:
    try:
        given = surely_gives(compiled(source), lambda _: "")
    except ExpressionError as error:
        yield Problem("InvalidExpression", field, str(error))
        return
    if given not in ("", BOOLEAN):
        yield Problem("InvalidExpression", field, f"it gives {given}, not true or false")
