"""What a task reads from its environment and what it may hand back."""

from __future__ import annotations

import pytest

from spectra_agent import InputError, Result, ResultError, Task, Usage

FULL = {
    "SPECTRA_WORKFLOW": "foundation",
    "SPECTRA_PHASE": "database",
    "SPECTRA_TASK": "migration",
    "SPECTRA_INDEX": "7",
    "SPECTRA_ATTEMPT": "2",
    "SPECTRA_KEY": "foundation/database/migration/7",
    "SPECTRA_INPUT": '{"rows": 20000, "ddl": "CREATE TABLE t (x)"}',
}


def test_every_variable_becomes_a_typed_field() -> None:
    assert Task.from_env(FULL) == Task(
        "migration",
        {"rows": 20000, "ddl": "CREATE TABLE t (x)"},
        workflow="foundation",
        phase="database",
        index=7,
        attempt=2,
        key="foundation/database/migration/7",
    )


@pytest.mark.parametrize(("variables", "replay"), [({}, False), ({"SPECTRA_REPLAY": "true"}, True)])
def test_a_task_knows_whether_it_was_done_before(variables: dict[str, str], replay: bool) -> None:
    assert Task.from_env(FULL | variables).replay is replay


def test_an_empty_environment_is_the_first_attempt_of_a_nameless_task() -> None:
    task = Task.from_env({})
    assert (task.name, task.index, task.attempt, task.input) == ("", 0, 1, {})


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("SPECTRA_INPUT", "{rows: 1}", "SPECTRA_INPUT is not JSON"),
        ("SPECTRA_INPUT", "[1]", "must be a JSON object, not list"),
        ("SPECTRA_INDEX", "one", "SPECTRA_INDEX must be a whole number, not 'one'"),
        ("SPECTRA_ATTEMPT", "-1", "SPECTRA_ATTEMPT must be a whole number"),
    ],
)
def test_a_broken_variable_is_named(variable: str, value: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        Task.from_env({**FULL, variable: value})


def test_a_task_cannot_be_changed() -> None:
    task = Task.from_env(FULL)
    with pytest.raises(AttributeError, match=r"Task\.attempt is read-only"):
        task.attempt = 3
    with pytest.raises(AttributeError, match="read-only"):
        del task.attempt


def test_changing_the_callers_dict_later_changes_nothing() -> None:
    outputs = {"a": 1}
    result = Result(outputs)
    outputs["a"] = 2
    assert result.outputs == {"a": 1}


def test_results_with_other_values_are_not_equal() -> None:
    assert Result({"a": 1}) == Result({"a": 1})
    assert Result({"a": 1}) != Result({"a": 2})
    assert Usage() != Result()


def test_a_repr_shows_every_field() -> None:
    assert repr(Usage(1, 2, "0.5")) == "Usage(cost='0.5', input_tokens=1, output_tokens=2)"


@pytest.mark.parametrize("cost", ["0", "12", "0.0123", "3.10"])
def test_a_decimal_text_is_a_cost(cost: str) -> None:
    assert Usage(cost=cost).document() == {"inputTokens": 0, "outputTokens": 0, "cost": cost}


@pytest.mark.parametrize("cost", ["", ".", "1.", "-1", "1e3", "nan", "1,5", "²", 0.1])
def test_anything_else_is_no_cost(cost: str) -> None:
    with pytest.raises(ResultError, match="decimal number as text"):
        Usage(cost=cost)
