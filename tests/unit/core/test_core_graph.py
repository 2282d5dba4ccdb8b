"""Graphs: order, cycles, ancestors and longest paths."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectra_operator.core.graph import CycleError, build, longest_paths
from unit.core.core_settings import steady

DIAMOND = {"d": ("b", "c"), "b": ("a",), "c": ("a",), "a": ()}


def test_every_node_comes_after_its_parents_and_ties_keep_their_order() -> None:
    assert build(DIAMOND).order == ("a", "b", "c", "d")
    assert build({"z": (), "a": (), "m": ()}).order == ("z", "a", "m")


def test_children_mirror_parents() -> None:
    graph = build(DIAMOND)
    assert graph.children == {"d": (), "b": ("d",), "c": ("d",), "a": ("b", "c")}


def test_a_dependency_that_stands_twice_counts_once() -> None:
    graph = build({"a": (), "b": ("a", "a")})
    assert graph.order == ("a", "b")
    assert graph.children["a"] == ("b",)


def test_ancestors_are_all_that_a_node_waits_for() -> None:
    graph = build(DIAMOND)
    assert graph.ancestors("d") == {"a", "b", "c"}
    assert graph.ancestors("a") == frozenset()


def test_the_empty_graph_has_no_order() -> None:
    assert build({}).order == ()


@pytest.mark.parametrize(
    ("parents", "cycle"),
    [
        ({"a": ("a",)}, ("a", "a")),
        ({"a": ("b",), "b": ("a",)}, ("a", "b", "a")),
        ({"s": (), "a": ("s", "c"), "b": ("a",), "c": ("b",), "t": ("c",)}, ("a", "b", "c", "a")),
    ],
    ids=["itself", "each other", "three between others"],
)
def test_a_cycle_is_named_in_the_order_of_its_dependencies(
    parents: dict[str, tuple[str, ...]], cycle: tuple[str, ...]
) -> None:
    with pytest.raises(CycleError) as caught:
        build(parents)
    assert caught.value.cycle == cycle
    assert str(caught.value) == " -> ".join(cycle)


def test_nodes_behind_a_cycle_are_not_taken_for_its_members() -> None:
    with pytest.raises(CycleError) as caught:
        build({"behind": ("a",), "a": ("b",), "b": ("a",)})
    assert set(caught.value.cycle) == {"a", "b"}


def test_a_parent_that_is_no_node_is_an_error() -> None:
    with pytest.raises(KeyError):
        build({"a": ("gone",)})


def test_the_longest_path_weighs_a_node_and_all_that_follow() -> None:
    weights = {"a": 1.0, "b": 5.0, "c": 2.0, "d": 3.0}
    assert longest_paths(build(DIAMOND), weights.__getitem__) == {
        "d": 3.0,
        "c": 5.0,
        "b": 8.0,
        "a": 9.0,
    }


def test_a_graph_of_thousands_in_a_row_is_no_problem() -> None:
    chain: dict[str, tuple[str, ...]] = {"n0": ()}
    chain |= {f"n{i}": (f"n{i - 1}",) for i in range(1, 5000)}
    graph = build(chain)
    assert len(graph.ancestors("n4999")) == 4999
    assert longest_paths(graph, lambda _: 1.0)["n0"] == 5000.0


@steady()
@given(st.lists(st.lists(st.integers(0, 9), max_size=3), min_size=1, max_size=10))
def test_any_graph_is_either_ordered_or_has_a_cycle_that_is_one(edges: list[list[int]]) -> None:
    parents = {str(i): tuple(str(p % len(edges)) for p in ps) for i, ps in enumerate(edges)}
    try:
        order = build(parents).order
    except CycleError as error:
        pairs = zip(error.cycle, error.cycle[1:], strict=False)
        assert all(before in parents[after] for before, after in pairs)
        assert error.cycle[0] == error.cycle[-1]  # noqa: PT017
    else:
        assert sorted(order) == sorted(parents)
        assert all(order.index(p) < order.index(n) for n, ps in parents.items() for p in ps)
