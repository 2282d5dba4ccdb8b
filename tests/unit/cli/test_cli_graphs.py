from __future__ import annotations

import pytest

from builders.specs import a_step, a_task, a_workflow
from kubectl_spectra import graphs
from kubectl_spectra.view import RunRow, workflow_view
from spectra_operator.api.phase import TaskState
from unit.cli.cli_cases import a_run, a_task_record

STEPS = [
    a_step("build", [a_task("a"), a_task("b", depends_on=["a"], count=5)]),
    a_step("ship", [a_task("push", for_each="${parameters.hosts}")], depends_on=["build"]),
]


@pytest.fixture
def run() -> RunRow:
    return workflow_view(a_workflow(STEPS), [])


def test_dot_draws_phases_as_boxes_with_their_tasks(run: RunRow) -> None:
    text = graphs.dot(run, live=False)

    assert text.startswith('digraph "flow" {')
    assert text.endswith("}")
    assert "subgraph cluster_p1 {" in text
    assert '    t2 [label="a", tooltip="worker"];' in text
    assert '    t3 [label="b x5", tooltip="worker"];' in text
    assert '    t5 [label="push xn", tooltip="worker"];' in text
    assert "    t2 -> t3;" in text
    assert "  t3 -> t5 [ltail=cluster_p1, lhead=cluster_p4];" in text


def test_mermaid_draws_the_same(run: RunRow) -> None:
    assert graphs.mermaid(run, live=False).splitlines() == [
        "flowchart LR",
        '  subgraph p1["build"]',
        '    t2["a"]',
        '    t3["b x5"]',
        "    t2 --> t3",
        "  end",
        '  subgraph p4["ship"]',
        '    t5["push xn"]',
        "  end",
        "  p1 --> p4",
    ]


def test_phases_alone_are_single_boxes(run: RunRow) -> None:
    assert graphs.mermaid(run, live=False, phases_only=True).splitlines() == [
        "flowchart LR",
        '  p1["build"]',
        '  p4["ship"]',
        "  p1 --> p4",
    ]
    assert "  p1 -> p4;" in graphs.dot(run, live=False, phases_only=True)


def test_states_of_a_live_run_are_colours() -> None:
    run = a_run({"a": a_task_record(TaskState.FAILED, failed=1), "b": a_task_record()})

    assert 't2 [label="a", tooltip="worker", fillcolor="#f4a9a0"];' in graphs.dot(run, live=True)
    assert "  class t2 Failed" in graphs.mermaid(run, live=True)
    assert "  class t3 Running" in graphs.mermaid(run, live=True)
    assert "fillcolor=" not in graphs.dot(run, live=False).split("node [", 1)[1].split("\n", 1)[1]


def test_a_phase_whose_tasks_are_unknown_is_still_linked() -> None:
    steps = [a_step("build"), a_step("ship", depends_on=["build"])]
    steps[0] = {"name": "build", "templateRef": {"name": "elsewhere"}}
    run = workflow_view(a_workflow(steps), [])

    assert "  p1 -> t3 [lhead=cluster_p2];" in graphs.dot(run, live=False)


def test_dependencies_on_what_is_not_there_are_left_out() -> None:
    run = workflow_view(a_workflow([a_step("build", [a_task("a", depends_on=["ghost"])])]), [])

    assert "->" not in graphs.dot(run, live=False)


def test_names_cannot_break_out_of_their_quotes() -> None:
    run = workflow_view(a_workflow([a_step("build", [a_task('a"];evil')])]), [])

    assert r'label="a\"];evil"' in graphs.dot(run, live=False)
