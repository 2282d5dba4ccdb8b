from __future__ import annotations

import pytest

from bench import graphs
from bench.flavour import Item
from bench.timeline import Life, Timeline, hops, most_at_once
from builders.benchmarks import a_pod

ITEM = Item("flow", "only", "a")


def lived(task: str, added: float, ended: float | None, *, index: int = 0, flow: str = "f") -> Life:
    return Life(Item(flow, "only", task, index), added, ended)


def test_a_pod_is_added_once_ends_once_and_is_let_go_once() -> None:
    timeline = Timeline()
    timeline.take("ADDED", a_pod(), ITEM, 1.0)
    timeline.take("MODIFIED", a_pod(phase="Running"), ITEM, 2.0)
    timeline.take("MODIFIED", a_pod(phase="Succeeded"), ITEM, 3.0)
    timeline.take("MODIFIED", a_pod(phase="Succeeded", held=False), ITEM, 4.0)
    timeline.take("MODIFIED", a_pod(phase="Succeeded", held=False), ITEM, 5.0)

    assert timeline.pods == {"flow-a": Life(ITEM, 1.0, 3.0, 4.0)}
    assert (timeline.ended, timeline.released) == (1, 1)


def test_a_pod_without_finalizer_is_let_go_when_it_ends() -> None:
    timeline = Timeline()
    timeline.take("ADDED", a_pod(held=False), ITEM, 1.0)
    assert timeline.released == 0

    timeline.take("MODIFIED", a_pod(phase="Failed", held=False), ITEM, 2.0)

    assert timeline.pods["flow-a"] == Life(ITEM, 1.0, 2.0, 2.0)


def test_a_pod_that_is_gone_has_ended() -> None:
    timeline = Timeline()
    timeline.take("ADDED", a_pod(), ITEM, 1.0)
    timeline.take("DELETED", a_pod(phase="Running"), ITEM, 2.0)

    assert timeline.pods["flow-a"] == Life(ITEM, 1.0, 2.0, 2.0)


def test_pods_are_at_work_at_the_same_time_until_they_end() -> None:
    lives = [
        lived("a", 0.0, 2.0),
        lived("b", 1.0, 3.0),
        lived("c", 2.0, 4.0),
        lived("d", 2.5, None),
    ]

    assert most_at_once(lives) == 3
    assert most_at_once([]) == 0


def test_a_hop_is_from_the_end_of_a_task_to_the_next_pod() -> None:
    lives = [lived("t0", 0.0, 1.0), lived("t1", 1.25, 2.0), lived("t2", 2.5, 3.0)]

    assert hops(graphs.chain(3), lives) == [0.25, 0.5]


def test_a_hop_begins_with_the_last_end_of_all_it_waits_for() -> None:
    lives = [lived("t0-0", 0.0, 1.0), lived("t0-1", 0.0, 2.0), lived("t1-0", 2.5, 3.0)]

    assert hops(graphs.layered_tasks(2, depth=2), lives) == [0.5]


def test_a_hop_between_steps_waits_for_the_whole_step() -> None:
    lives = [
        Life(Item("f", "layer0", "t0-0"), 0.0, 1.0),
        Life(Item("f", "layer0", "t0-1"), 0.0, 2.0),
        Life(Item("f", "layer1", "t1-0"), 2.25, 3.0),
        Life(Item("f", "layer1", "t1-1"), 2.5, 3.0),
    ]

    assert hops(graphs.layered_steps(2, depth=2), lives) == [0.25, 0.5]


def test_workflows_do_not_wait_for_one_another() -> None:
    lives = [
        lived("t0", 0.0, 1.0, flow="f"),
        lived("t0", 0.0, 5.0, flow="g"),
        lived("t1", 1.5, 2.0, flow="f"),
        lived("t1", 5.25, 6.0, flow="g"),
    ]

    assert hops(graphs.chain(2), lives) == [0.5, 0.25]


def test_an_item_tried_twice_begins_with_its_first_pod_and_ends_with_its_last() -> None:
    lives = [
        lived("t0", 0.0, 1.0),
        lived("t0", 1.5, 2.0),
        lived("t1", 2.5, 3.0),
        lived("t1", 3.5, 4.0),
    ]

    assert hops(graphs.chain(2), lives) == [0.5]


@pytest.mark.parametrize("graph", [graphs.fan_out(3), graphs.single()])
def test_without_edges_there_are_no_hops(graph: graphs.Graph) -> None:
    assert hops(graph, [lived("item", 0.0, 1.0), lived("work", 0.0, 1.0)]) == []


def test_what_follows_a_task_that_was_never_seen_to_end_is_no_hop() -> None:
    assert hops(graphs.chain(2), [lived("t0", 0.0, None), lived("t1", 1.0, 2.0)]) == []
