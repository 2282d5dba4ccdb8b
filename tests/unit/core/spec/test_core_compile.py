"""Compiling: a poison spec becomes a problem of its own object and never an exception."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.specs import Body, a_chain, a_phase, a_step, a_task, a_workflow
from spectra_operator.core.spec.compile import compile_phase, compile_workflow
from unit.core.core_settings import steady


def with_spec(body: Body, spec: Any) -> Body:
    """Return an object with another spec."""
    return body | {"spec": spec}


def test_a_phase_is_compiled_into_tasks_graph_and_paths() -> None:
    shape = compile_phase(a_phase([*a_chain("a", "b", "c"), a_task("d")]))
    assert (shape.namespace, shape.name, shape.generation) == ("team", "stage", 1)
    assert set(shape.graph.order) == set(shape.tasks) == {"a", "b", "c", "d"}
    assert shape.paths == {"a": 3.0, "b": 2.0, "c": 1.0, "d": 1.0}
    assert shape.fails_fast


def test_a_workflow_is_compiled_into_phases_graph_and_depths() -> None:
    steps = [a_step("one", a_chain("a", "b")), a_step("two", depends_on=["one"])]
    shape = compile_workflow(a_workflow(steps))
    assert shape.graph.order == ("one", "two")
    assert shape.depths == {"one": 2.0, "two": 1.0}


POISON: list[Any] = [
    None,
    {},
    [],
    "x",
    3,
    {"tasks": None, "phases": None},
    {"tasks": [], "phases": []},
    {"tasks": [None], "phases": [None]},
    {"tasks": [{"name": "a"}], "phases": [{"name": "a"}]},
    {"tasks": [{"name": "A B", "agent": "x"}], "phases": [{"name": "A B", "tasks": []}]},
    {"tasks": [{"name": "a", "agent": "x", "count": 0}], "phases": [{"name": "a", "tasks": [{}]}]},
]


@pytest.mark.parametrize("spec", POISON)
def test_a_spec_that_the_schema_would_have_refused_is_a_problem(spec: Any) -> None:
    phase = compile_phase(with_spec(a_phase(), spec))
    workflow = compile_workflow(with_spec(a_workflow(), spec))
    for problems in (phase.problems, workflow.problems):
        assert {p.reason for p in problems} <= {"InvalidSpec", "MissingField"}
        assert problems[0].field.startswith("spec")
    assert (phase.tasks, phase.graph.order, phase.paths) == ({}, (), {})
    assert (workflow.graph.order, workflow.depths) == ((), {})


def test_an_object_without_a_spec_is_a_problem() -> None:
    body = a_phase()
    del body["spec"]
    assert compile_phase(body).problems[0].field == "spec"


def test_a_problem_names_the_field_down_to_the_list_s_element() -> None:
    (problem,) = compile_phase(a_phase([a_task("a"), a_task("b", count=0)])).problems
    assert problem.field == "spec.tasks[b].count"


def test_a_spec_with_problems_offers_nothing_to_do() -> None:
    shape = compile_phase(a_phase([a_task("a", depends_on=["a"])]))
    assert (shape.tasks, shape.graph.order) == ({}, ())


def test_fields_that_are_unknown_do_no_harm() -> None:
    assert compile_phase(a_phase([a_task("a", color="red")], shape="round")).problems == ()


KEYS = st.sampled_from(
    ["name", "agent", "tasks", "phases", "dependsOn", "input", "count", "parameters", "value", "a"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
TASKS = st.lists(
    st.fixed_dictionaries(
        {"name": st.sampled_from("abc"), "agent": st.just("x")},
        optional={"dependsOn": st.lists(st.sampled_from("abcz"), max_size=2, unique=True)}
        | {"input": st.dictionaries(KEYS, JSON, max_size=2), "count": JSON},
    ),
    min_size=1,
    max_size=4,
)


@steady(150)
@given(JSON | st.fixed_dictionaries({"tasks": TASKS}, optional={"parameters": JSON}))
def test_no_spec_of_a_phase_breaks_the_compiler(spec: Any) -> None:
    shape = compile_phase(with_spec(a_phase(), spec))
    assert shape.problems or set(shape.graph.order) == set(shape.tasks)


@steady(150)
@given(
    st.fixed_dictionaries(
        {
            "phases": st.lists(
                st.fixed_dictionaries({"name": st.sampled_from("pqr"), "tasks": TASKS}),
                min_size=1,
                max_size=3,
            )
        },
        optional={"parameters": JSON},
    )
)
def test_no_spec_of_a_workflow_breaks_the_compiler(spec: Any) -> None:
    shape = compile_workflow(with_spec(a_workflow(), spec))
    assert shape.problems or set(shape.graph.order) == set(shape.depths)


def test_the_pattern_of_a_phase_that_stands_alone_is_written_out() -> None:
    shape = compile_phase(a_phase([a_task("a"), a_task("b")], pattern="Sequential"))
    assert shape.graph.parents == {"a": (), "b": ("a",)}
    assert shape.tasks["b"].input == {"previous": "${tasks.a.outputs}"}


def test_a_pattern_with_too_few_tasks_is_a_problem() -> None:
    [problem] = compile_phase(a_phase([a_task("a")], pattern="Parallel")).problems
    assert (problem.reason, problem.field) == ("PatternTooSmall", "spec.pattern")


def test_a_template_without_phases_is_a_problem_of_who_refers_to_it() -> None:
    body = with_spec(a_workflow(), {"templateRef": {"name": "empty"}})
    [problem] = compile_workflow(body, {"empty": {}}).problems
    assert (problem.field, "no phases" in problem.message) == ("spec.templateRef", True)


def test_a_template_that_cannot_be_read_is_a_problem_of_who_refers_to_it() -> None:
    body = with_spec(a_workflow(), {"templateRef": {"name": "odd"}})
    [problem] = compile_workflow(body, {"odd": {"phases": [{}]}}).problems
    assert (problem.field, "template 'odd'" in problem.message) == ("spec.templateRef", True)
