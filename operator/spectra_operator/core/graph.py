"""Dependency graphs of tasks or phases: order, cycles, ancestors, longest remaining paths."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass


class CycleError(ValueError):
    """The graph has a cycle; `cycle` names its members in order, the first again at the end."""

    def __init__(self, cycle: tuple[str, ...]) -> None:
        super().__init__(" -> ".join(cycle))
        self.cycle = cycle


@dataclass(frozen=True, slots=True)
class Graph:
    """A graph without cycles. `order` lists every node after all of its parents.

    `parent_masks` has each node's parents as a set of positions in `order`: bit i is node i.
    """

    order: tuple[str, ...]
    parents: Mapping[str, tuple[str, ...]]
    children: Mapping[str, tuple[str, ...]]
    parent_masks: Mapping[str, int]

    def ancestors(self, name: str) -> frozenset[str]:
        """Return every node that `name` depends on, directly or not."""
        return _reached(name, self.parents)

    def descendants(self, name: str) -> frozenset[str]:
        """Return every node that depends on `name`, directly or not."""
        return _reached(name, self.children)


def _reached(name: str, edges: Mapping[str, tuple[str, ...]]) -> frozenset[str]:
    found: set[str] = set()
    stack = list(edges[name])
    while stack:
        node = stack.pop()
        if node not in found:
            found.add(node)
            stack.extend(edges[node])
    return frozenset(found)


def build(parents: Mapping[str, tuple[str, ...]]) -> Graph:
    """Order a graph given each node's parents; ties keep the order of the mapping.

    Raises:
        KeyError: a parent is not a node.
        CycleError: there is no order.
    """
    children: dict[str, list[str]] = {name: [] for name in parents}
    missing = {name: len(set(deps)) for name, deps in parents.items()}
    for name, deps in parents.items():
        for parent in dict.fromkeys(deps):
            children[parent].append(name)
    order = [name for name, count in missing.items() if count == 0]
    for name in order:  # grows while it is walked
        for child in children[name]:
            missing[child] -= 1
            if missing[child] == 0:
                order.append(child)
    if len(order) < len(parents):
        raise CycleError(_find_cycle(parents, set(parents) - set(order)))
    bits = {name: 1 << position for position, name in enumerate(order)}
    return Graph(
        order=tuple(order),
        parents=dict(parents),
        children={name: tuple(nodes) for name, nodes in children.items()},
        parent_masks={name: sum(bits[p] for p in set(deps)) for name, deps in parents.items()},
    )


def longest_paths(graph: Graph, weight: Callable[[str], float]) -> dict[str, float]:
    """Return for each node the weight of the heaviest path from it to an end, itself included."""
    paths: dict[str, float] = {}
    for name in reversed(graph.order):
        paths[name] = weight(name) + max((paths[c] for c in graph.children[name]), default=0.0)
    return paths


def _find_cycle(parents: Mapping[str, tuple[str, ...]], stuck: set[str]) -> tuple[str, ...]:
    """Walk parents inside the stuck set until a node comes again; the walk back is the cycle."""
    node = next(name for name in parents if name in stuck)
    walk: list[str] = []
    while node not in walk:
        walk.append(node)
        node = next(p for p in parents[node] if p in stuck)
    return tuple(reversed([*walk[walk.index(node) :], node]))
