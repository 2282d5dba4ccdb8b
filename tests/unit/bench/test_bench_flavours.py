"""The same graphs in the words of each engine."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bench import graphs
from bench.argo_flavour import ArgoFlavour
from bench.flavour import Item
from bench.graphs import Graph
from bench.spectra_flavour import SpectraFlavour
from builders.benchmarks import a_pod
from spectra_operator.api.agent import AgentSpec
from spectra_operator.api.workflow import WorkflowSpec

ARGO_TAKES = 1024 * 1024
"""Bytes of a Workflow beyond which Argo refuses it, and etcd soon after."""
SHAPES = [
    graphs.single(),
    graphs.chain(4),
    graphs.fan_out(5),
    graphs.named(6),
    graphs.layered_steps(3, depth=3),
    graphs.layered_tasks(3, depth=3),
]


def argo_templates(graph: Graph) -> dict[str, dict[str, Any]]:
    spec = ArgoFlavour().workflow("flow", graph)["spec"]
    return {template["name"]: template for template in spec["templates"]}


def argo_tasks(graph: Graph) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the tasks of each DAG by name."""
    dags = {name: t["dag"]["tasks"] for name, t in argo_templates(graph).items() if "dag" in t}
    return {name: {task["name"]: task for task in tasks} for name, tasks in dags.items()}


@pytest.mark.parametrize("graph", SHAPES)
def test_our_workflows_are_valid_and_have_the_pods_of_the_graph(graph: Graph) -> None:
    body = SpectraFlavour().workflow("flow", graph)
    spec = WorkflowSpec.model_validate(body["spec"])

    tasks = [task for phase in spec.phases or [] for task in phase.tasks or []]
    assert sum(task.count or 1 for task in tasks) == graph.pods


def test_a_step_is_a_phase_that_waits_for_phases() -> None:
    body = SpectraFlavour().workflow("flow", graphs.layered_steps(2, depth=2))

    first, second = body["spec"]["phases"]
    assert "dependsOn" not in first
    assert second["dependsOn"] == ["layer0"]
    assert [task["name"] for task in second["tasks"]] == ["t1-0", "t1-1"]


def test_a_task_names_what_it_waits_for() -> None:
    body = SpectraFlavour().workflow("flow", graphs.chain(2))

    assert body["spec"]["phases"][0]["tasks"] == [
        {"name": "t0", "agent": "worker"},
        {"name": "t1", "agent": "worker", "dependsOn": ["t0"]},
    ]


def test_our_agent_is_valid_and_lands_on_fake_nodes() -> None:
    ((_, agent),) = SpectraFlavour().needs()

    assert AgentSpec.model_validate(agent["spec"])
    assert agent["spec"]["template"]["nodeSelector"] == {"type": "kwok"}


def test_our_pods_say_what_they_do() -> None:
    flavour = SpectraFlavour()

    assert flavour.item_of(a_pod(task="b")) == Item("flow", "only", "b")
    assert flavour.item_of(a_pod(task="b", index=4)) == Item("flow", "only", "b", 4)
    assert flavour.item_of({"metadata": {"name": "other"}}) is None


def test_a_workflow_of_ours_ended_well_if_its_state_says_so() -> None:
    assert SpectraFlavour().succeeded({"status": {"state": "Succeeded"}})
    assert not SpectraFlavour().succeeded({"status": {"state": "Failed"}})
    assert not SpectraFlavour().succeeded({})


@pytest.mark.parametrize("graph", SHAPES)
def test_argos_tasks_wait_for_what_the_graph_says(graph: Graph) -> None:
    dags = argo_tasks(graph)

    for step in graph.steps:
        tasks = dags["graph" if len(graph.steps) == 1 else step.name]
        waits = {name: set(task.get("dependencies", ())) for name, task in tasks.items()}
        assert waits == {task.name: set(task.after) for task in step.tasks}
    if len(graph.steps) > 1:
        steps = {name: set(each.get("dependencies", ())) for name, each in dags["graph"].items()}
        assert steps == {step.name: set(step.after) for step in graph.steps}
        assert all(each["template"] == name for name, each in dags["graph"].items())


def test_argos_layers_are_small_enough_for_it_to_take() -> None:
    body = ArgoFlavour().workflow("flow", graphs.layered_steps(100, depth=10))

    assert len(json.dumps(body)) < ARGO_TAKES // 4


def test_argos_fan_out_is_a_sequence() -> None:
    (task,) = argo_tasks(graphs.fan_out(1000))["graph"].values()

    assert task == {"name": "item", "template": "work", "withSequence": {"count": "1000"}}


def test_argos_workflow_has_published_fields_alone() -> None:
    body = ArgoFlavour().workflow("flow", graphs.chain(2))

    assert (body["apiVersion"], body["kind"]) == ("argoproj.io/v1alpha1", "Workflow")
    spec = body["spec"]
    assert set(spec) == {"entrypoint", "nodeSelector", "tolerations", "templates"}
    entry, work = spec["templates"]
    assert set(entry) == {"name", "dag"}
    assert set(entry["dag"]) == {"tasks"}
    # With a command the controller asks no registry for that of the image.
    assert work == {"name": "work", "container": {"image": "none", "command": ["run"]}}


def test_argos_task_names_have_no_dots_which_its_names_must_not_have() -> None:
    for graph in SHAPES:
        names = [name for tasks in argo_tasks(graph).values() for name in tasks]
        assert not [name for name in names if "." in name]


@pytest.mark.parametrize(
    ("node", "item"),
    [
        ("flow-00001.t3", Item("flow-00001", "only", "t3")),
        ("flow-00001.layer2.t2-7", Item("flow-00001", "layer2", "t2-7")),
        ("flow-00001.item(12:12)", Item("flow-00001", "only", "item", 12)),
        ("flow-00001.layer2.item(12:12)", Item("flow-00001", "layer2", "item", 12)),
    ],
)
def test_argos_pods_say_what_they_do_by_the_name_of_their_node(node: str, item: Item) -> None:
    notes = {"workflows.argoproj.io/node-name": node}

    assert ArgoFlavour().item_of({"metadata": {"name": "x", "annotations": notes}}) == item


def test_a_pod_without_a_node_is_none_of_argos() -> None:
    assert ArgoFlavour().item_of({"metadata": {"name": "x"}}) is None
    notes = {"workflows.argoproj.io/node-name": "flow"}
    assert ArgoFlavour().item_of({"metadata": {"name": "x", "annotations": notes}}) is None


def test_argos_workflows_need_nothing_beside_them_and_end_well_by_their_phase() -> None:
    flavour = ArgoFlavour()

    assert flavour.needs() == []
    assert flavour.finished == "workflows.argoproj.io/completed=true"
    assert flavour.succeeded({"status": {"phase": "Succeeded"}})
    assert not flavour.succeeded({"status": {"phase": "Error"}})
