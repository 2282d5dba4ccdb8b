"""Patterns: the plain tasks that each name stands for."""

from __future__ import annotations

from typing import Any

import pytest

from builders.specs import Body, a_task
from spectra_operator.api.task import Pattern, Task
from spectra_operator.core.spec.patterns import pattern_problem, written_out


def tasks(*bodies: Body) -> list[Task]:
    return [Task.model_validate(body) for body in bodies]


def written(pattern: Pattern, *bodies: Body) -> dict[str, Body]:
    """The tasks that a pattern gives, as they would stand in YAML."""
    found = written_out(pattern, tasks(*bodies))
    return {
        t.name: t.model_dump(by_alias=True, exclude_unset=True, exclude={"name", "agent"})
        for t in found
    }


def three(**middle: Any) -> tuple[Body, Body, Body]:
    return a_task("a"), a_task("b", **middle), a_task("c")


def test_sequential_tasks_follow_each_other_and_see_the_one_before() -> None:
    found = written(Pattern.SEQUENTIAL, *three())
    assert found == {
        "a": {},
        "b": {"dependsOn": ["a"], "input": {"previous": "${tasks.a.outputs}"}},
        "c": {"dependsOn": ["b"], "input": {"previous": "${tasks.b.outputs}"}},
    }


def test_stages_of_a_pipeline_see_the_outputs_of_all_before() -> None:
    found = written(Pattern.PIPELINE, *three())
    assert found["c"]["input"] == {
        "previous": "${tasks.b.outputs}",
        "checkpoints": {"a": "${tasks.a.outputs}", "b": "${tasks.b.outputs}"},
    }


def test_parallel_tasks_start_at_once_and_the_last_merges_them() -> None:
    found = written(Pattern.PARALLEL, *three())
    assert (found["a"], found["b"]) == ({}, {})
    assert found["c"] == {
        "dependsOn": ["a", "b"],
        "input": {"results": {"a": "${tasks.a.outputs}", "b": "${tasks.b.outputs}"}},
    }


def test_a_coordinator_plans_the_workers_items_and_the_last_reports() -> None:
    found = written(Pattern.COORDINATOR, *three())
    assert found["a"]["outputs"]["work"]["type"] == "array"
    assert found["b"] == {
        "dependsOn": ["a"],
        "input": {"item": "${item}"},
        "forEach": "${tasks.a.outputs.work}",
    }
    assert found["c"]["dependsOn"] == ["b"]
    assert found["c"]["input"] == {"results": {"b": "${tasks.b.outputs}"}}


@pytest.mark.parametrize("own", [{"count": 3}, {"for_each": [1]}, {"matrix": {"x": [1]}}])
def test_a_worker_with_items_of_its_own_keeps_them(own: Body) -> None:
    found = written(Pattern.COORDINATOR, *three(**own))["b"]
    assert found["dependsOn"] == ["a"]
    assert found.get("forEach") == own.get("for_each")
    assert found["input"] == {}


def test_what_a_task_says_itself_is_kept() -> None:
    mine: Body = {"input": {"previous": 1, "x": 2}, "depends_on": ["z"]}
    found = written(Pattern.SEQUENTIAL, a_task("z"), a_task("a"), a_task("b", **mine))
    assert found["b"] == {"dependsOn": ["z", "a"], "input": {"previous": 1, "x": 2}}
    promised = {"work": {"type": "array", "description": "jobs"}}
    planner = a_task("p", outputs=promised)
    kept = written(Pattern.COORDINATOR, planner, *three()[1:])["p"]["outputs"]["work"]
    assert kept["description"] == "jobs"


@pytest.mark.parametrize(
    ("pattern", "enough"),
    [
        (Pattern.SEQUENTIAL, 1),
        (Pattern.PARALLEL, 2),
        (Pattern.PIPELINE, 1),
        (Pattern.COORDINATOR, 3),
    ],
)
def test_a_pattern_says_how_many_tasks_it_needs(pattern: Pattern, enough: int) -> None:
    some = tasks(*(a_task(f"t{n}") for n in range(enough)))
    assert pattern_problem(pattern, some, "spec.phases[p]") is None
    if enough > 1:
        problem = pattern_problem(pattern, some[1:], "spec.phases[p]")
        assert problem is not None
        assert problem.field == "spec.phases[p].pattern"
        assert f"at least {enough} tasks" in problem.message
