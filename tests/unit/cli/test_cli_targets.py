from __future__ import annotations

import pytest

from kubectl_spectra.errors import UsageProblem
from kubectl_spectra.kinds import AGENTS, BY_NAME, PHASES, PODS, WORKFLOWS
from kubectl_spectra.targets import Target, TaskPath, parse_target, parse_task, parse_template

FLOW = Target(WORKFLOWS, "flow")
STAGE = Target(PHASES, "stage")


@pytest.mark.parametrize(
    "text", ["flow", "workflow/flow", "workflows.spectra.dev/flow", "swf/flow"]
)
def test_a_name_means_a_workflow(text: str) -> None:
    assert parse_target(text) == FLOW


@pytest.mark.parametrize("text", ["phase/stage", "sph/stage", "Phase/stage"])
def test_a_phase_that_stands_alone_is_named_with_its_kind(text: str) -> None:
    assert parse_target(text) == STAGE


@pytest.mark.parametrize("text", ["pod/x", "phase/", "a/b/c"])
def test_another_kind_is_refused_with_the_way_to_write_it(text: str) -> None:
    with pytest.raises(UsageProblem, match="write NAME for a workflow, or phase/NAME"):
        parse_target(text)


def test_a_task_of_a_workflow_is_named_with_its_phase() -> None:
    assert parse_task(FLOW, "build/compile") == TaskPath("build", "compile")
    assert str(TaskPath("build", "compile")) == "build/compile"


@pytest.mark.parametrize("text", ["compile", "/compile", "build/", "a/b/c"])
def test_a_task_without_exactly_one_phase_is_refused(text: str) -> None:
    with pytest.raises(UsageProblem, match="write PHASE/TASK"):
        parse_task(FLOW, text)


def test_a_task_of_a_phase_that_stands_alone_is_named_by_itself() -> None:
    assert parse_task(STAGE, "compile") == TaskPath(None, "compile")
    assert str(TaskPath(None, "compile")) == "compile"
    with pytest.raises(UsageProblem, match="phase/stage has no phases; write TASK"):
        parse_task(STAGE, "build/compile")


@pytest.mark.parametrize("text", ["template/nightly", "nightly", "swt/nightly"])
def test_a_template_may_be_named_with_its_kind(text: str) -> None:
    assert parse_template(text) == "nightly"


@pytest.mark.parametrize("text", ["phase/nightly", "template/", ""])
def test_what_is_no_template_is_refused(text: str) -> None:
    with pytest.raises(UsageProblem, match="write template/NAME"):
        parse_template(text)


def test_paths_are_those_of_the_api_server() -> None:
    assert (
        WORKFLOWS.path("team", "flow")
        == "/apis/spectra.dev/v1alpha1/namespaces/team/workflows/flow"
    )
    assert AGENTS.path(None) == "/apis/spectra.dev/v1alpha1/agents"
    assert PODS.path("team") == "/api/v1/namespaces/team/pods"


def test_every_kind_of_the_group_is_known_by_its_name() -> None:
    assert {"Agent", "Workflow", "Phase", "WorkflowTemplate", "Action"} <= set(BY_NAME)
    assert BY_NAME["Workflow"] == WORKFLOWS
