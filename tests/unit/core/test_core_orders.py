"""What can be asked for of which kind of object."""

from __future__ import annotations

from typing import Any

import pytest

from spectra_operator.api.action import OF_AGENTS, ROLLOUT_ONLY, ActionSpec, ActionType
from spectra_operator.core.orders import misfits

OTHERS = [kind for kind in ActionType if kind not in OF_AGENTS]


def asked(kind: str, type_: str, **fields: Any) -> list[str]:
    spec = {"target": {"kind": kind, "name": "x"}, "type": type_, "reason": "r", "actor": "a"}
    return [str(problem) for problem in misfits(ActionSpec.model_validate(spec | fields))]


@pytest.mark.parametrize("type_", OF_AGENTS)
def test_an_agent_takes_what_is_about_its_rollout(type_: str) -> None:
    assert asked("Agent", type_) == []


@pytest.mark.parametrize("type_", OTHERS)
def test_an_agent_takes_nothing_that_is_about_tasks(type_: str) -> None:
    [said] = asked("Agent", type_)

    assert said == f"spec.type: an agent takes Promote, Abort, Undo, Retry, and not {type_}"


@pytest.mark.parametrize("kind", ["Workflow", "Phase"])
def test_runs_take_what_is_about_tasks_and_nothing_else(kind: str) -> None:
    assert all(asked(kind, type_) == [] for type_ in [*OTHERS, "Retry"])
    for type_ in ROLLOUT_ONLY:
        [said] = asked(kind, type_)
        assert said.startswith(f"spec.type: {type_} is about the rollout of an agent; write target")


@pytest.mark.parametrize("field", [{"phase": "p"}, {"task": "t"}, {"outputs": {"x": 1}}])
def test_an_agent_has_no_tasks_to_name(field: dict[str, Any]) -> None:
    [said] = asked("Agent", "Retry", **field)

    assert said == f"spec.{next(iter(field))}: an agent has no phases and tasks; leave it out"


def test_only_undo_leads_to_a_revision_that_is_named() -> None:
    assert asked("Agent", "Undo", revision="q5vz") == []
    [said] = asked("Agent", "Promote", revision="q5vz")
    assert said.startswith("spec.revision: goes with Undo, and the type is Promote")
