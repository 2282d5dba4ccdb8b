"""Outputs that a task promised, checked when they arrive."""

from __future__ import annotations

from typing import Any

import pytest

from builders.records import an_attempt, broken, done
from builders.specs import Body, a_task
from spectra_operator.api.values import Output
from spectra_operator.core.attempts.results import Usage
from spectra_operator.core.phase.handoff import broken_output
from unit.core.phase_cases import decided, ready, state_of, states


def problem(value: str, **declared: Any) -> str:
    """Return what is wrong with outputs, of which `x` is declared."""
    return broken_output(value, {"x": Output.model_validate(declared)})


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("string", '"a"', "1"),
        ("integer", "1", "1.5"),
        ("integer", "2.0", "true"),
        ("number", "1.5", '"1.5"'),
        ("number", "1", "false"),
        ("boolean", "true", "1"),
        ("object", "{}", "[]"),
        ("array", "[]", "{}"),
    ],
)
def test_an_output_has_the_type_that_was_promised(kind: str, good: str, bad: str) -> None:
    assert problem(f'{{"x":{good}}}', type=kind) == ""
    said = problem(f'{{"x":{bad}}}', type=kind)
    assert said == f"output x is {bad}, not of type {kind}"


@pytest.mark.parametrize("outputs", ["", "{}", '{"x":null}', '{"y":1}'])
def test_an_output_that_was_promised_must_be_there(outputs: str) -> None:
    assert problem(outputs) == "output x is missing; the task must return it"
    assert problem(outputs, optional=True) == ""


def test_an_optional_output_is_checked_if_it_is_there() -> None:
    assert problem('{"x":1}', optional=True, type="string") != ""


@pytest.mark.parametrize(
    ("value", "said"), [('"a"', ""), ('"c"', 'output x is "c", not one of "a", "b"')]
)
def test_an_output_is_one_of_the_choices(value: str, said: str) -> None:
    assert problem(f'{{"x":{value}}}', enum=["a", "b"]) == said


@pytest.mark.parametrize("value", ["true", "false"])
def test_a_boolean_is_no_number_of_the_choices(value: str) -> None:
    assert problem(f'{{"x":{value}}}', enum=[0, 1]) != ""


def test_an_output_matches_its_pattern() -> None:
    assert problem('{"x":"run-7"}', pattern="^run-[0-9]+$") == ""
    said = problem('{"x":"walk"}', pattern="^run-[0-9]+$")
    assert said == 'output x is "walk" and does not match ^run-[0-9]+$'


@pytest.mark.parametrize("rule", ["value > 0", "value > outputs.least", "outputs.x == value"])
def test_a_rule_that_holds_is_kept_quiet_about(rule: str) -> None:
    assert problem('{"x":5,"least":3}', rule=rule) == ""


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("value > 9", "output x is 5 and breaks its rule 'value > 9'"),
        ("value > outputs.none", "output x: its rule 'value > outputs.none' cannot be evaluated"),
        ("value", "output x: its rule 'value' cannot be evaluated"),
    ],
)
def test_a_rule_that_does_not_hold_is_quoted_with_the_value(rule: str, said: str) -> None:
    assert problem('{"x":5}', rule=rule).startswith(said)


def test_a_long_value_is_told_of_in_short() -> None:
    said = problem(f'{{"x":"{"a" * 500}"}}', rule="value == ''")
    assert len(said) < 120


def test_what_was_not_declared_may_be_returned_too() -> None:
    assert broken_output('{"more":1}', {}) == ""
    assert problem('{"x":1,"more":{}}', type="integer") == ""


BAD = an_attempt(outcome=done({"n": "three"}, usage=Usage(5, 7)))
PROMISE: Body = {"outputs": {"n": {"type": "integer"}}}


def test_an_attempt_that_breaks_a_promise_has_failed_and_hands_nothing_on() -> None:
    tasks = [a_task(**PROMISE), a_task("next", depends_on=["work"])]
    decision = decided(tasks, [BAD])
    task = decision.record.tasks["work"]
    assert state_of(task) == "Failed OutputInvalid"
    assert task.message == 'output n is "three", not of type integer'
    assert (task.outputs, task.failures) == ({}, 1)
    assert states(decision)["next"] == "Skipped DependencyFailed"


def test_what_it_used_is_counted_all_the_same() -> None:
    assert decided([a_task(**PROMISE)], [BAD]).record.tasks["work"].usage == Usage(5, 7)


def test_it_is_tried_again_as_any_failure_is_and_may_then_be_right() -> None:
    task = a_task(**PROMISE, retry={"limit": 1, "backoff": {"initialSeconds": 0}})
    again = decided([task], [BAD])
    assert states(again)["work"] == "Backoff OutputInvalid"
    right = an_attempt(outcome=done({"n": 3}, usage=Usage(1, 1)), number=2)
    decision = decided([task], [BAD, right])
    record = decision.record.tasks["work"]
    assert state_of(record) == "Succeeded"
    assert (record.outputs, record.usage) == ({0: '{"n":3}'}, Usage(6, 8))


def test_an_item_that_breaks_a_promise_fails_alone() -> None:
    task = a_task(count=3, max_failed=1, **PROMISE)
    attempts = [an_attempt(index=n, outcome=done({"n": n})) for n in (0, 1)]
    attempts.append(an_attempt(index=2, outcome=done({})))
    decision = decided([task], attempts)
    assert state_of(decision.record.tasks["work"]) == "Succeeded"
    assert decision.record.tasks["work"].failed == 0b100


def test_a_failed_attempt_is_not_asked_for_its_outputs() -> None:
    decision = decided([a_task(**PROMISE)], [an_attempt(outcome=broken())])
    assert states(decision)["work"] == "Failed Error"
    assert ready(decision) == {}


IN_THE_WORKSPACE = '{"x":{"$workspace":"a.json","bytes":9000,"sha256":"00"}}'


@pytest.mark.parametrize("kind", ["string", "array", "object"])
def test_an_output_that_lies_in_the_workspace_may_be_of_any_type(kind: str) -> None:
    assert problem(IN_THE_WORKSPACE, type=kind) == ""


@pytest.mark.parametrize("field", [{"enum": ["a"]}, {"pattern": "a"}, {"rule": "size(value) > 0"}])
def test_an_output_whose_value_must_be_looked_at_may_not_lie_in_the_workspace(field: Any) -> None:
    said = problem(IN_THE_WORKSPACE, **field)
    assert f"lies in the workspace, where its {next(iter(field))} cannot be checked" in said
