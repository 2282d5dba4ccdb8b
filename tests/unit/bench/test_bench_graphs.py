from __future__ import annotations

import pytest

from bench import graphs
from bench.graphs import ONLY, Graph


@pytest.mark.parametrize(
    ("graph", "pods"),
    [
        (graphs.single(), 1),
        (graphs.chain(100), 100),
        (graphs.fan_out(1000), 1000),
        (graphs.named(1000), 1000),
        (graphs.layered_steps(100), 1000),
        (graphs.layered_tasks(50), 500),
    ],
)
def test_a_graph_knows_its_pods(graph: Graph, pods: int) -> None:
    assert graph.pods == pods


def test_each_task_of_a_chain_waits_for_the_one_before() -> None:
    before = graphs.chain(3).predecessors

    assert before == {
        (ONLY, "t0"): frozenset(),
        (ONLY, "t1"): {(ONLY, "t0")},
        (ONLY, "t2"): {(ONLY, "t1")},
    }


def test_a_task_of_a_layer_waits_for_all_of_the_layer_before() -> None:
    before = graphs.layered_tasks(3, depth=3).predecessors

    assert before[ONLY, "t0-1"] == frozenset()
    assert before[ONLY, "t2-0"] == {(ONLY, "t1-0"), (ONLY, "t1-1"), (ONLY, "t1-2")}


def test_layers_as_steps_wait_for_as_much_as_layers_of_tasks() -> None:
    steps = graphs.layered_steps(4, depth=5).predecessors
    tasks = graphs.layered_tasks(4, depth=5).predecessors

    assert [sorted(name for _, name in before) for before in steps.values()] == [
        sorted(name for _, name in before) for before in tasks.values()
    ]


def test_what_waits_for_nothing_has_no_predecessors() -> None:
    for graph in (graphs.single(), graphs.fan_out(7), graphs.named(7)):
        assert not any(graph.predecessors.values())
