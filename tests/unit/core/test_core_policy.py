"""Who does a task, and what holds for it."""

from __future__ import annotations

from typing import Any

from builders.specs import a_choice, a_task
from spectra_operator.api.agent import TaskDefaults
from spectra_operator.api.task import Task
from spectra_operator.core.policy import agent_of, agents_of, done_by, policy_of, required

FALLBACK = [{"agent": "last"}]
DEFAULTS = {name: TaskDefaults(timeout_seconds=7) for name in ("", "worker", "last")}


def task(body: dict[str, Any]) -> Task:
    return Task.model_validate(body)


def test_a_task_that_names_its_agent_requires_nothing() -> None:
    named = task(a_task(fallback=FALLBACK))
    assert agents_of(named) == ("worker", "last")
    assert [agent_of(named, way) for way in (0, 1, 2)] == ["worker", "last", "worker"]
    assert (required(named, 0), done_by(named)) == ((), "worker")


def test_the_agent_of_a_task_with_requires_is_open_and_that_of_its_fallback_is_not() -> None:
    open_ = task(a_choice("x", "ocr", "gpu", fallback=FALLBACK))
    assert agents_of(open_) == ("last",)
    assert [agent_of(open_, way) for way in (0, 1)] == ["", "last"]
    assert [required(open_, way) for way in (0, 1)] == [("gpu", "ocr"), ()]
    assert done_by(open_) == "any with gpu and ocr"


def test_defaults_hold_for_the_ways_that_name_their_agent() -> None:
    assert policy_of(task(a_task()), DEFAULTS).timeout == 7
    policy = policy_of(task(a_choice(fallback=FALLBACK)), {"last": DEFAULTS["last"]})
    assert (policy.timeout, policy.of_way(1).timeout) == (None, 7)
    assert policy_of(task(a_choice(timeout_seconds=3)), DEFAULTS).timeout == 3
