"""The operator's own checks accept the good examples and refuse the bad ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from spectra_operator.api.agent import AgentSpec
from spectra_operator.core.snapshot import PhaseShape, WorkflowShape
from spectra_operator.core.spec.compile import compile_phase, compile_workflow
from unit.examples.example_runner import EXAMPLES, documents

GOOD = [*sorted(EXAMPLES.glob("*.yaml")), *sorted(EXAMPLES.glob("foundation/*.yaml"))]
COMPILERS: dict[str, Callable[[dict[str, Any]], WorkflowShape | PhaseShape]] = {
    "Workflow": compile_workflow,
    "Phase": compile_phase,
}


def problems(path: Path) -> list[str]:
    """What the operator has against the workflow or phase in a file."""
    found = []
    for body in documents(path):
        if body["kind"] in COMPILERS:
            meta = {"namespace": "default", "uid": "u", **body["metadata"]}
            shape = COMPILERS[body["kind"]]({**body, "metadata": meta})
            found += [str(problem) for problem in shape.problems]
    return found


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_good_example_has_no_problems(path: Path) -> None:
    assert problems(path) == []


@pytest.mark.parametrize("path", sorted(EXAMPLES.rglob("*.yaml")), ids=lambda path: path.stem)
def test_every_agent_of_an_example_has_only_fields_that_exist(path: Path) -> None:
    for body in documents(path):
        if body["kind"] == "Agent":
            spec = AgentSpec.model_validate(body["spec"])
            dumped = spec.model_dump(by_alias=True, exclude_unset=True, mode="json")
            assert set(dumped) == set(body["spec"])
            assert set(dumped["template"]) == set(body["spec"]["template"])


@pytest.mark.parametrize(
    ("name", "said"),
    [("cycle", "c -> a"), ("unknown-dependency", "preparation"), ("duplicate-name", "build")],
)
def test_a_bad_example_is_refused_for_its_reason(name: str, said: str) -> None:
    [problem] = problems(EXAMPLES / "bad" / f"{name}.yaml")
    assert said in problem


def test_a_missing_agent_is_no_fault_of_the_workflow() -> None:
    assert problems(EXAMPLES / "bad" / "missing-agent.yaml") == []
