"""What happens to a task when it could start: its condition, then its items."""

from __future__ import annotations

from typing import Any

import pytest

from builders.records import an_attempt, broken, done
from builders.specs import Body, a_phase, a_task
from spectra_operator.api.constants import MAX_COUNT
from spectra_operator.core.phase.decide import PhaseDecision
from spectra_operator.core.phase.inputs import task_items
from spectra_operator.core.phase.readiness import MAX_OPEN_ITEMS
from spectra_operator.core.spec.compile import compile_phase
from unit.core.phase_cases import decided, ready, states

DONE = an_attempt("a", done({"n": 3, "names": ["x", "y"], "none": []}))


def behind(**fields: Any) -> PhaseDecision:
    """Return what is decided when task `a` is done and `b` comes next."""
    return decided([a_task("a"), a_task("b", depends_on=["a"], **fields)], [DONE], parameters=P)


P = {"least": 2, "list": [1, 2, 3], "word": "three"}


@pytest.mark.parametrize(
    ("when", "state"),
    [
        ("tasks.a.outputs.n > 2", "Ready"),
        ("tasks.a.outputs.n > parameters.least", "Ready"),
        ("tasks.a.state == 'Succeeded'", "Ready"),
        ("tasks.a.outputs.n > 3", "Skipped ConditionFalse"),
        ("false", "Skipped ConditionFalse"),
        ("tasks.a.outputs.missing", "Failed ConditionInvalid"),
        ("tasks.a.outputs.n", "Failed ConditionInvalid"),
        ("tasks.a.outputs.n / 0 > 1", "Failed ConditionInvalid"),
    ],
)
def test_a_condition_lets_a_task_start_skips_it_or_fails_it(when: str, state: str) -> None:
    decision = behind(when=when)
    assert states(decision)["b"] == state
    assert ready(decision) == ({"b": 1} if state == "Ready" else {})


def test_a_condition_is_looked_at_only_when_the_task_could_start() -> None:
    tasks = [a_task("a"), a_task("b", depends_on=["a"], when="tasks.a.outputs.n > 2")]
    decision = decided(tasks, [an_attempt("a")])
    assert states(decision)["b"] == "Waiting"


def test_a_skipped_task_says_which_condition_was_false() -> None:
    task = behind(when="tasks.a.outputs.n > 3").record.tasks["b"]
    assert task.message == "its condition is false: tasks.a.outputs.n > 3"


def test_a_broken_condition_is_quoted_with_what_is_wrong() -> None:
    task = behind(when="tasks.a.outputs.missing > 1").record.tasks["b"]
    assert task.message.startswith("when 'tasks.a.outputs.missing > 1': ")
    assert "missing" in task.message.partition(": ")[2]


def test_a_condition_that_was_true_is_not_asked_again_when_the_task_fails() -> None:
    tasks = [a_task("a", when="true", retry={"limit": 1, "backoff": {"initialSeconds": 0}})]
    decision = decided(tasks, [an_attempt("a", broken())])
    assert states(decision)["a"].startswith("Backoff")


@pytest.mark.parametrize(
    ("fields", "items"),
    [
        pytest.param({"count": 2}, [None, None], id="count"),
        pytest.param({"for_each": ["x", {"y": 1}]}, ["x", {"y": 1}], id="a list"),
        pytest.param({"for_each": "${tasks.a.outputs.names}"}, ["x", "y"], id="from an output"),
        pytest.param({"for_each": "${parameters.list}"}, [1, 2, 3], id="from parameters"),
        pytest.param(
            {"for_each": "${parameters.list.filter(n, n > 1)}"}, [2, 3], id="a list that is made"
        ),
        pytest.param(
            {"for_each": ["${tasks.a.outputs.n}", "no ${parameters.word}"]},
            [3, "no three"],
            id="expressions in the list",
        ),
        pytest.param(
            {"matrix": {"b": ["x", "y"], "a": [1, 2]}},
            [{"a": 1, "b": "x"}, {"a": 1, "b": "y"}, {"a": 2, "b": "x"}, {"a": 2, "b": "y"}],
            id="a matrix, the last name varies fastest",
        ),
        pytest.param(
            {"matrix": {"n": "${parameters.list}", "s": "${tasks.a.outputs.names}"}},
            [{"n": n, "s": s} for n in (1, 2, 3) for s in "xy"],
            id="a matrix of expressions",
        ),
    ],
)
def test_a_task_has_an_item_for_each_entry(fields: dict[str, Any], items: list[Any]) -> None:
    tasks: list[Body] = [a_task("a"), a_task("b", depends_on=["a"], **fields)]
    decision = decided(tasks, [DONE], parameters=P)
    assert ready(decision) == {"b": len(items)}
    record = decision.record.tasks["b"]
    assert (record.total, record.fan_out) == (len(items), True)
    shape = compile_phase(a_phase(tasks, parameters=P))
    assert task_items(shape, decision.record.tasks, "b") == items


@pytest.mark.parametrize(
    "fields",
    [
        {"for_each": []},
        {"for_each": "${tasks.a.outputs.none}"},
        {"matrix": {"a": [1, 2], "b": []}},
        {"matrix": {"a": [1, 2], "b": "${tasks.a.outputs.none}"}},
    ],
)
def test_a_task_without_items_succeeds_at_once(fields: dict[str, Any]) -> None:
    decision = behind(**fields)
    assert states(decision)["b"] == "Succeeded"
    assert decision.record.tasks["b"].message == "there are no items"
    assert str(decision.record.state) == "Succeeded"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"for_each": "${tasks.a.outputs.n}"}, "forEach of task b gives 3; it must give a list"),
        ({"for_each": "${tasks.a.outputs.missing}"}, "items of task b: "),
        ({"matrix": {"x": "${tasks.a.outputs.n}"}}, "matrix.x of task b gives 3"),
        ({"for_each": "${split(join(parameters.list.map(n, 'x'), ''), 1)}"}, "items of task b: "),
    ],
)
def test_items_that_are_no_list_fail_the_task(fields: dict[str, Any], said: str) -> None:
    decision = behind(**fields)
    assert states(decision)["b"] == "Failed ItemsInvalid"
    assert decision.record.tasks["b"].message.startswith(said)


def test_too_many_items_fail_the_task_and_say_how_many() -> None:
    numbers = list(range(MAX_COUNT + 1))
    fields = {"for_each": "${parameters.many}"}
    decision = decided([a_task("b", **fields)], parameters={"many": numbers})
    assert states(decision)["b"] == "Failed ItemsInvalid"
    assert decision.record.tasks["b"].message == "task b has 10001 items, at most 10000 work"


def test_too_many_combinations_fail_the_task_before_they_are_made() -> None:
    axes = {"x": "${parameters.many}", "y": "${parameters.many}"}
    decision = decided([a_task("b", matrix=axes)], parameters={"many": list(range(2000))})
    assert states(decision)["b"] == "Failed ItemsInvalid"
    assert "4000000 items" in decision.record.tasks["b"].message


def test_ten_thousand_items_work() -> None:
    decision = decided([a_task("b", for_each="${parameters.m}")], parameters={"m": [0] * MAX_COUNT})
    assert decision.record.tasks["b"].total == MAX_COUNT
    assert ready(decision) == {"b": MAX_OPEN_ITEMS}
