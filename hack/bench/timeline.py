"""When everything that a run made came and went, as one watch saw it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate

from bench.flavour import Item
from bench.graphs import Graph, TaskKey
from spectra_operator.kube.resources import Body

ENDED = frozenset({"Succeeded", "Failed"})


@dataclass(slots=True)
class Life:
    """A pod's life, in seconds of the watcher's clock; None for what has not come yet.

    Attributes:
        item: What it does.
        added: When it was first seen: the API server had accepted it.
        ended: When it was first seen in a final phase.
        released: When it was first seen without a finalizer, or gone.
    """

    item: Item
    added: float
    ended: float | None = None
    released: float | None = None


@dataclass
class Timeline:
    """All pods of a run by their names, and when its workflows ended.

    Attributes:
        pods: The pods.
        workflows: When each workflow was seen to have ended, by its name.
        ended: How many pods have ended.
        released: How many of them have no finalizer any more.
    """

    pods: dict[str, Life] = field(default_factory=dict)
    workflows: dict[str, float] = field(default_factory=dict)
    ended: int = 0
    released: int = 0

    def take(self, event: str, pod: Body, item: Item, now: float) -> None:
        """Take in an event of a pod's watch, or an object of a list as `ADDED`."""
        meta = pod["metadata"]
        life = self.pods.setdefault(meta["name"], Life(item, now))
        phase = (pod.get("status") or {}).get("phase")
        if life.ended is None and (phase in ENDED or event == "DELETED"):
            life.ended = now
            self.ended += 1
        freed = event == "DELETED" or not meta.get("finalizers")
        if life.released is None and life.ended is not None and freed:
            life.released = now
            self.released += 1


def most_at_once(lives: Collection[Life]) -> int:
    """Return how many pods there were at the same time that had not ended, at most."""
    ends = [(life.ended, -1) for life in lives if life.ended is not None]
    changes = sorted([*((life.added, 1) for life in lives), *ends])
    return max(accumulate(change for _, change in changes), default=0)


def hops(graph: Graph, lives: Iterable[Life]) -> list[float]:
    """Return how long each pod that waited for others came after the last of them had ended.

    In seconds, from the watch event of the last predecessor's end to the watch event of the
    successor's creation, both by the clock of the same watch. Of each item the first pod counts
    as its beginning and the last as its end.
    """
    began: dict[tuple[str, TaskKey, int], float] = {}
    ended: dict[tuple[str, TaskKey], float] = {}
    for life in lives:
        key = (life.item.step, life.item.task)
        place = (life.item.workflow, key, life.item.index)
        began[place] = min(life.added, began.get(place, life.added))
        if life.ended is not None:
            over = (life.item.workflow, key)
            ended[over] = max(life.ended, ended.get(over, life.ended))
    ready = _ready(graph, {place[0] for place in began}, ended)
    known = ((ready.get(place[:2]), at) for place, at in began.items())
    return [at - since for since, at in known if since is not None]


def _ready(
    graph: Graph, workflows: Iterable[str], ended: Mapping[tuple[str, TaskKey], float]
) -> dict[tuple[str, TaskKey], float]:
    """Return when the predecessors of each task had ended, in each workflow."""
    found: dict[tuple[str, TaskKey], float] = {}
    for workflow in workflows:
        for task, before in graph.predecessors.items():
            if before and all((workflow, one) in ended for one in before):
                found[workflow, task] = max(ended[workflow, one] for one in before)
    return found
