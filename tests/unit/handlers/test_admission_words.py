"""What the webhook says to whoever applied the object."""

from __future__ import annotations

import inspect
from typing import Any

import kopf
import pytest

from builders.specs import a_step, a_task, a_workflow
from spectra_operator.core.spec.validate import Problem
from spectra_operator.handlers.admission import MAX_CHARACTERS, MAX_SHOWN, REVIEWED, register, said
from spectra_operator.handlers.app import make_settings


def a_problem(number: int = 1, message: str = "is wrong; mend it") -> Problem:
    return Problem("Wrong", f"spec.field{number}", message)


def test_each_problem_is_told_with_its_field() -> None:
    assert said((a_problem(1), a_problem(2))) == (
        "spec.field1: is wrong; mend it; spec.field2: is wrong; mend it"
    )


def test_of_many_problems_the_first_are_told_and_the_others_counted() -> None:
    text = said(tuple(a_problem(n) for n in range(MAX_SHOWN + 3)))

    assert f"spec.field{MAX_SHOWN - 1}" in text
    assert f"spec.field{MAX_SHOWN}:" not in text
    assert text.endswith("and 3 more")


def test_no_answer_is_longer_than_a_person_reads() -> None:
    assert len(said((a_problem(message="x" * 100_000),))) == MAX_CHARACTERS


@pytest.fixture
def handlers() -> dict[str, Any]:
    registry = kopf.OperatorRegistry()
    register(registry)
    return {str(handler.id): handler for handler in registry._webhooks.get_all_handlers()}


def test_each_kind_is_reviewed_by_a_plain_function_so_that_the_loop_goes_on(
    handlers: dict[str, Any],
) -> None:
    assert set(handlers) == set(REVIEWED)
    assert not any(inspect.iscoroutinefunction(handler.fn) for handler in handlers.values())


def test_a_body_without_a_name_is_refused_like_any_other(handlers: dict[str, Any]) -> None:
    bad = a_workflow([a_step("work", [a_task("a", depends_on=["a"])])])
    body = bad | {"metadata": {"generateName": "run-"}}

    with pytest.raises(kopf.AdmissionError, match="wait for each other"):
        handlers["workflows"].fn(body=body, old=None, userinfo={})


@pytest.mark.parametrize("spec", [None, [], "text", {}, {"phases": None, "tasks": 7}])
def test_a_spec_of_any_shape_gets_an_answer(handlers: dict[str, Any], spec: Any) -> None:
    with pytest.raises(kopf.AdmissionError, match=r"^spec"):
        handlers["phases"].fn(body={"metadata": None, "spec": spec}, old=None, userinfo={})


def test_without_a_webhook_kopf_serves_none() -> None:
    assert make_settings().admission.server is None
