"""What expressions may refer to: only what exists and stands before, wherever they are written."""

from __future__ import annotations

from typing import Any

import pytest

from builders.specs import a_chain, a_parameter, a_phase, a_step, a_task
from spectra_operator.core.spec.compile import compile_phase
from unit.core.spec.test_core_validate import of_tasks, problems, reading


@pytest.mark.parametrize(
    "path",
    [
        "tasks.a.outputs",
        "tasks.a.outputs.x",
        "tasks.b.outputs.x[0]",
        "tasks.a.state",
        "tasks['a'].outputs.x",
        "tasks.a.outputs.x > tasks.b.outputs.y + parameters.n",
        "tasks.a.outputs.list.map(x, x + 1)",
        "parameters.n",
        "parameters.n.x",
    ],
)
def test_a_task_may_use_what_is_before_it(path: str) -> None:
    tasks = [*a_chain("a", "b"), reading(f"${{{path}}}", depends_on=["b"])]
    assert of_tasks(*tasks, parameters={"n": 1}) == []


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("tasks.c.outputs", "UnknownReference"),
        ("tasks.use.outputs", "UnknownReference"),
        ("tasks.gone.outputs", "UnknownReference"),
        ("parameters.gone", "UnknownReference"),
        ("phases.first.outputs", "UnknownReference"),
        ("tasks.a", "InvalidPath"),
        ("tasks.a.pod", "InvalidPath"),
        ("tasks[0].outputs", "InvalidExpression"),
        ("a.b", "InvalidExpression"),
        ("tasks.a.outputs | upper", "InvalidExpression"),
        ("", "InvalidExpression"),
        ("tasks.c.outputs.x + 1", "UnknownReference"),
        ("has(tasks.c.outputs.x)", "UnknownReference"),
        ("size(tasks) > 1", "InvalidExpression"),
    ],
)
def test_a_task_may_use_nothing_else(path: str, reason: str) -> None:
    tasks = [a_task("a"), a_task("c"), reading(f"x ${{{path}}}", depends_on=["a"])]
    assert of_tasks(*tasks) == [(reason, "spec.tasks[use].input.v")]


def test_the_hint_says_where_what_is_used_must_stand() -> None:
    shape = compile_phase(a_phase([a_task("a"), reading("${tasks.a.outputs}")]))
    (problem,) = shape.problems
    assert (
        problem.message == "tasks.a.outputs: no 'a' here; only tasks in its dependsOn can be used"
    )


def test_a_malformed_path_says_how_to_write_a_literal() -> None:
    (problem,) = compile_phase(a_phase([reading("${oops()}")])).problems
    assert problem.message.endswith("write $${ for a literal ${")


def test_escapes_are_no_references() -> None:
    assert of_tasks(reading("$${tasks.gone.outputs} $")) == []


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("phases.first.outputs", []),
        ("phases.first.outputs.a", []),
        ("phases.zero.outputs.a.x", []),
        ("phases.first.outputs.gone", [("UnknownReference", "input.v")]),
        ("phases.first.outputs[0]", [("UnknownReference", "input.v")]),
        ("phases.first.state", []),
        ("phases.first.tasks", [("InvalidPath", "input.v")]),
        ("phases.first.outputs.gone.x + 1", [("UnknownReference", "input.v")]),
        ("phases.third.outputs", [("UnknownReference", "input.v")]),
        ("phases.second.outputs", [("UnknownReference", "input.v")]),
    ],
)
def test_a_phase_may_use_tasks_of_the_phases_before_it(
    path: str, expected: list[tuple[str, str]]
) -> None:
    found = problems(
        a_step("zero", [a_task("a")]),
        a_step("first", [a_task("a")], depends_on=["zero"]),
        a_step("second", [reading(f"${{{path}}}")], depends_on=["first"]),
        a_step("third"),
    )
    where = "spec.phases[second].tasks[use]"
    assert found == [(reason, f"{where}.{field}") for reason, field in expected]


@pytest.mark.parametrize(
    ("path", "sound"),
    [
        ("${tasks.many.outputs}", True),
        ("${tasks.many.outputs[0].x}", True),
        ("${tasks.many.outputs.map(x, x.n)}", True),
        ("${tasks.many.state}", True),
        ("${tasks.many.outputs.x}", False),
        ("${has(tasks.many.outputs.x)}", False),
    ],
)
def test_a_path_into_a_fan_out_must_pick_an_item(path: str, sound: bool) -> None:
    found = of_tasks(a_task("many", count=3), reading(path, depends_on=["many"]))
    wrong = [("InvalidPath", "spec.tasks[use].input.v")]
    assert found == ([] if sound else wrong)


def test_a_path_into_a_fan_out_of_another_phase_must_pick_an_item() -> None:
    first = a_step("first", [a_task("many", count=3)])
    sound = a_step("second", [reading("${phases.first.outputs.many[2].x}")], depends_on=["first"])
    assert problems(first, sound) == []
    wrong = a_step("second", [reading("${phases.first.outputs.many.x}")], depends_on=["first"])
    assert problems(first, wrong) == [("InvalidPath", "spec.phases[second].tasks[use].input.v")]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"when": "tasks.gone.outputs.x > 1"}, "when"),
        ({"when": "index > 1"}, "when"),
        ({"for_each": "${parameters.gone}"}, "forEach"),
        ({"matrix": {"m": "${parameters.gone}"}}, "matrix.m"),
        ({"outputs": {"o": {"rule": "other > 1"}}}, "outputs.o.rule"),
        ({"retry": {"rules": [{"when": "x", "action": "Fail"}]}}, "retry.rules[0].when"),
        ({"fallback": [{"agent": "b", "input": {"v": "${x}"}}]}, "fallback[0].input.v"),
        ({"compensate": {"agent": "b", "input": {"v": "${x}"}}}, "compensate.input.v"),
    ],
)
def test_expressions_are_checked_wherever_they_stand(fields: dict[str, Any], field: str) -> None:
    ((_, where),) = of_tasks(a_task("a", **fields))
    assert where == f"spec.tasks[a].{field}"


def test_a_phase_that_stands_alone_may_use_what_its_context_has() -> None:
    context = {"phases": {"p": {"outputs": {"t": {"x": 1}}}}}
    assert of_tasks(reading("${phases.p.outputs.t.x}"), context=context) == []
    assert of_tasks(reading("${phases.q.outputs.t.x}"), context=context) == [
        ("UnknownReference", "spec.tasks[use].input.v")
    ]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"when": "phases.later.state == 'Failed'"}, "when"),
        ({"when": "tasks.a.state == 'Failed'"}, "when"),
        ({"parameters": {"v": "${parameters.gone}"}}, "parameters.v"),
    ],
)
def test_a_phase_s_own_expressions_are_checked(fields: dict[str, Any], field: str) -> None:
    assert [where for _, where in problems(a_step("one", **fields), a_step("later"))] == [
        f"spec.phases[one].{field}"
    ]


def test_parameters_of_a_phase_stand_for_those_of_the_workflow() -> None:
    given = [a_parameter("n", "x")]
    own = a_step("one", [reading("${parameters.m}")], parameters={"m": "${parameters.n}"})
    assert problems(own, parameters=given) == []
    hidden = a_step("one", [reading("${parameters.n}")], parameters={"m": 1})
    assert problems(hidden, parameters=given) == [
        ("UnknownReference", "spec.phases[one].tasks[use].input.v")
    ]


def test_tasks_at_the_end_may_use_all_phases() -> None:
    end = [reading("${phases.one.outputs.work} ${workflow.state} ${phases.two.outputs}")]
    assert problems(a_step("one"), finally_=end) == [
        ("UnknownReference", "spec.finally[use].input.v")
    ]
    assert problems(a_step("one"), a_step("two"), on_failure=end) == []
