"""What the schema cannot check: each problem names its reason, its field and what to do."""

from __future__ import annotations

from typing import Any

import pytest

from builders.specs import Body, a_chain, a_parameter, a_phase, a_step, a_task, a_workflow
from spectra_operator.core.spec.compile import compile_phase, compile_workflow


def problems(*steps: Body, **fields: Any) -> list[tuple[str, str]]:
    """Return reason and field of everything that is wrong with a workflow of these phases."""
    return [(p.reason, p.field) for p in compile_workflow(a_workflow(steps, **fields)).problems]


def of_tasks(*tasks: Body, **fields: Any) -> list[tuple[str, str]]:
    """Return reason and field of everything that is wrong with a phase of these tasks."""
    return [(p.reason, p.field) for p in compile_phase(a_phase(tasks, **fields)).problems]


def reading(path: str, **fields: Any) -> Body:
    """Return a task `use` with one input."""
    return a_task("use", input={"v": path}, **fields)


def test_a_sound_workflow_has_no_problems() -> None:
    first = a_step("first", a_chain("a", "b", "c"))
    use = reading(
        "${tasks.a.outputs.x} ${phases.first.outputs.c} ${parameters.n}", depends_on=["b"]
    )
    second = a_step("second", [*a_chain("a", "b"), use], depends_on=["first"])
    assert problems(first, second, parameters=[a_parameter("n", 1, "integer")]) == []


def test_a_cycle_is_found_and_its_members_are_named() -> None:
    tasks = [a_task("a", depends_on=["c"]), a_task("b", depends_on=["a"])]
    tasks += [a_task("c", depends_on=["b"]), a_task("d")]
    (problem,) = compile_phase(a_phase(tasks)).problems
    assert (problem.reason, problem.field) == ("DependencyCycle", "spec.tasks[a].dependsOn")
    assert problem.message == (
        "the tasks wait for each other: a -> b -> c -> a; remove one dependency"
    )
    assert str(problem).startswith("spec.tasks[a].dependsOn: the tasks wait")


def test_of_a_long_cycle_its_begin_and_its_end_are_named() -> None:
    tasks = [a_task(f"t{n}", depends_on=[f"t{(n + 1) % 50}"]) for n in range(50)]
    (problem,) = compile_phase(a_phase(tasks)).problems
    assert " -> (41 more) -> " in problem.message
    assert len(problem.message) < 200


def test_a_task_that_waits_for_itself_is_a_cycle() -> None:
    assert of_tasks(a_task("a", depends_on=["a"])) == [
        ("DependencyCycle", "spec.tasks[a].dependsOn")
    ]


def test_a_cycle_of_phases_is_found_beside_one_of_tasks() -> None:
    loop = a_step("one", [a_task("a", depends_on=["a"])], depends_on=["two"])
    assert problems(loop, a_step("two", depends_on=["one"])) == [
        ("DependencyCycle", "spec.phases[one].dependsOn"),
        ("DependencyCycle", "spec.phases[one].tasks[a].dependsOn"),
    ]


def test_every_unknown_dependency_is_named() -> None:
    assert of_tasks(a_task("a", depends_on=["x"]), a_task("b", depends_on=["a", "y"])) == [
        ("UnknownDependency", "spec.tasks[a].dependsOn"),
        ("UnknownDependency", "spec.tasks[b].dependsOn"),
    ]
    assert problems(a_step("one", depends_on=["zero"])) == [
        ("UnknownDependency", "spec.phases[one].dependsOn")
    ]


def test_names_must_be_unique() -> None:
    assert problems(a_step("one"), a_step("one")) == [("DuplicateName", "spec.phases")]
    assert of_tasks(a_task("a"), a_task("a")) == [("DuplicateName", "spec.tasks")]
    twice = [a_parameter("n", "x"), a_parameter("n", "y")]
    assert problems(a_step(), parameters=twice) == [("DuplicateName", "spec.parameters")]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("string", "x"),
        ("integer", 3),
        ("number", 3),
        ("number", 0.5),
        ("boolean", True),
        ("object", {"a": 1}),
        ("array", [1]),
    ],
)
def test_a_parameter_has_the_type_that_it_declares(kind: str, value: Any) -> None:
    assert problems(a_step(), parameters=[a_parameter("n", value, kind)]) == []


def test_a_parameter_without_value_and_default_is_refused() -> None:
    assert problems(a_step(), parameters=[{"name": "n"}]) == [
        ("MissingParameter", "spec.parameters[n].value")
    ]
    assert problems(a_step(), parameters=[{"name": "n", "default": "x"}]) == []


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("string", 3),
        ("integer", "3"),
        ("integer", 3.5),
        ("integer", True),
        ("number", False),
        ("boolean", 1),
        ("object", []),
        ("array", {}),
    ],
)
def test_a_parameter_of_another_type_is_refused(kind: str, value: Any) -> None:
    assert problems(a_step(), parameters=[a_parameter("n", value, kind)]) == [
        ("InvalidParameter", "spec.parameters[n].value")
    ]


def test_all_that_is_wrong_is_told_at_once_in_the_order_of_the_text() -> None:
    first = a_step("one", [reading("${parameters.gone}"), a_task("b", depends_on=["x"])])
    assert problems(first, parameters=[a_parameter("n", 3)]) == [
        ("InvalidParameter", "spec.parameters[n].value"),
        ("UnknownDependency", "spec.phases[one].tasks[b].dependsOn"),
        ("UnknownReference", "spec.phases[one].tasks[use].input.v"),
    ]


def test_a_spec_that_no_object_could_hold_is_refused() -> None:
    big = [a_task(f"t{i}", input={"v": "x" * 90_000}) for i in range(8)]
    assert of_tasks(*big) == [("SpecTooLarge", "spec")]
    assert problems(a_step("one", big)) == [("SpecTooLarge", "spec")]


def nested(depth: int) -> Any:
    """Return a list in a list in a list."""
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("depth", [40, 300, 900])
def test_values_that_nest_too_deep_to_be_handled_are_refused(depth: int) -> None:
    deep = nested(depth)
    in_a_workflow = problems(a_step("one", [a_task("a", input={"v": deep})]))
    as_a_parameter = problems(a_step("one"), parameters=[a_parameter("n", deep, "array")])
    assert in_a_workflow == [("TooDeep", "spec.phases[one].tasks[a].input.v")]
    assert as_a_parameter == [("TooDeep", "spec.parameters[n].value")]
    assert of_tasks(a_task("a", input={"v": nested(depth + 60)})) == [
        ("TooDeep", "spec.tasks[a].input.v")
    ]
    assert of_tasks(a_task("a"), parameters={"n": nested(depth + 60)}) == [
        ("TooDeep", "spec.parameters.n")
    ]


def test_the_deepest_output_may_be_put_into_the_deepest_input() -> None:
    path = "${phases.first.outputs.a.v}"
    deepest: Any = path
    for _ in range(31):
        deepest = [deepest]
    first = a_step("first", [a_task("a")])
    second = a_step("second", [a_task("b", input={"v": deepest})], depends_on=["first"])
    assert problems(first, second) == []
    frozen: Any = {"v": nested(31)}
    for _ in range(31):
        frozen = [frozen]
    assert of_tasks(a_task("b", input={"v": frozen})) == []


def test_a_context_must_not_nest_too_deep() -> None:
    assert of_tasks(a_task(), context={"phases": {"p": nested(100)}}) == [
        ("TooDeep", "spec.context.phases.p")
    ]
