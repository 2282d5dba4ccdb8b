from __future__ import annotations

from typing import Any

import pytest

from demo.follow import read_workflow
from demo.hops import Spread, TaskKey, hops, newer, predecessors, spread
from demo.setup import EXAMPLE
from demo.tools import ROOT

A, B, C = TaskKey("p", "a"), TaskKey("p", "b"), TaskKey("p", "c")


def workflow(**phases: Any) -> dict[str, Any]:
    """Phases as name=(phases it waits for, {task: tasks it waits for})."""
    return {
        "spec": {
            "phases": [
                {
                    "name": name,
                    "dependsOn": after,
                    "tasks": [{"name": t, "dependsOn": w} for t, w in tasks.items()],
                }
                for name, (after, tasks) in phases.items()
            ]
        }
    }


def test_a_task_waits_for_the_tasks_it_names() -> None:
    found = predecessors(workflow(p=([], {"a": [], "b": ["a"], "c": ["a", "b"]})))
    assert found == {A: (), B: (A,), C: (A, B)}


def test_a_first_task_waits_for_every_task_of_the_phases_before_its_own() -> None:
    body = workflow(p=([], {"a": [], "b": []}), q=(["p"], {"x": [], "y": ["x"]}))

    found = predecessors(body)

    assert found[TaskKey("q", "x")] == (A, B)
    assert found[TaskKey("q", "y")] == (TaskKey("q", "x"),)


def test_fields_that_are_left_out_mean_that_nothing_is_waited_for() -> None:
    body = {"spec": {"phases": [{"name": "p", "tasks": [{"name": "a"}]}]}}
    assert predecessors(body) == {A: ()}


def test_the_example_has_sixteen_tasks_that_wait_and_one_that_does_not() -> None:
    found = predecessors(read_workflow(ROOT / EXAMPLE))
    assert [key for key, before in found.items() if not before] == [TaskKey("database", "planning")]
    assert len(found) == 17


def test_a_hop_is_from_the_last_predecessors_end_to_the_first_sight_of_the_pod() -> None:
    measured = hops({C: (A, B)}, finished={A: 10.0, B: 12.0}, added={C: 12.25})
    assert measured == [0.25]


def test_a_task_that_waits_for_nothing_has_no_hop() -> None:
    assert hops({A: ()}, finished={}, added={A: 1.0}) == []


@pytest.mark.parametrize(("finished", "added"), [({A: 1.0}, {C: 2.0}), ({A: 1.0, B: 1.0}, {})])
def test_a_hop_of_which_one_end_was_not_seen_is_not_measured(
    finished: dict[TaskKey, float], added: dict[TaskKey, float]
) -> None:
    assert hops({C: (A, B)}, finished, added) == []


@pytest.mark.parametrize(
    ("before", "after", "gained"),
    [
        ([], [0.1, 0.2], [0.1, 0.2]),
        ([0.1], [0.1, 0.2], [0.2]),
        ([0.1, 0.2, 0.3], [0.2, 0.3, 0.4], [0.4]),
        ([0.1, 0.2], [0.1, 0.2], []),
        ([0.1, 0.2], [0.5], [0.5]),
        ([0.1], [], []),
    ],
)
def test_only_what_a_bounded_log_gained_counts(
    before: list[float], after: list[float], gained: list[float]
) -> None:
    assert newer(before, after) == gained


def test_percentiles_are_values_that_were_measured() -> None:
    hundred = [n / 1000 for n in range(100, 0, -1)]
    assert spread(hundred) == Spread(count=100, p50=0.05, p99=0.099)
    assert spread([0.3, 0.1]) == Spread(count=2, p50=0.1, p99=0.3)
    assert spread([0.2]) == Spread(count=1, p50=0.2, p99=0.2)


def test_nothing_measured_has_no_percentiles() -> None:
    assert spread([]) is None
