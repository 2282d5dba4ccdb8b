"""What the benchmark must know of an engine's objects, so that all do the same graphs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from bench.graphs import Graph
from spectra_operator.kube.resources import Body, Resource


@dataclass(frozen=True, slots=True)
class Item:
    """One pod's worth of a graph: an item of a task of a workflow."""

    workflow: str
    step: str
    task: str
    index: int = 0


class Flavour(Protocol):
    """The words of one engine."""

    workflows: Resource
    """The kind of object that is a workflow."""
    finished: str
    """Label selector of workflows that have ended."""

    def needs(self) -> list[tuple[Resource, Body]]:
        """Return the objects that must be there before any workflow, in the same namespace."""

    def workflow(self, name: str, graph: Graph) -> Body:
        """Return the workflow that does a graph once."""

    def item_of(self, pod: Body) -> Item | None:
        """Return what a pod does; None if it is no pod of a workflow."""

    def succeeded(self, workflow: Body) -> bool:
        """Tell whether a workflow has ended well."""
