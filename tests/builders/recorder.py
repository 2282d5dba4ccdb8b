"""Proof of execution: what pods and the kubelet showed, kept from before a run to its end.

Order is by resourceVersion, which the API server gives every write of pods in turn; so "before"
does not depend on clocks, or on when an event reached us.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate, pairwise
from typing import Any

from spectra_operator.api import constants as c

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Item:
    """One task item; `index` is 0 for a task without count.

    `workflow` is empty for a phase that stands alone.
    """

    workflow: str
    phase: str
    task: str
    index: int = 0

    @property
    def step(self) -> str:
        """The task, without the index: `workflow/phase/task`."""
        return f"{self.workflow}/{self.phase}/{self.task}"

    def __str__(self) -> str:
        return f"{self.step}[{self.index}]"


@dataclass(slots=True)
class Trail:
    """All that was seen of one pod.

    Attributes:
        uid: Its UID.
        name: Its name.
        item: The task item it works on.
        attempt: Number of the attempt.
        created_at: When it was created, in whole seconds.
        created: The resourceVersion under which it was first seen.
        ended: That of its first end: Succeeded, Failed or removed; None while it lives.
        node: The node it is bound to; empty before.
        containers: IDs of the containers that ran in it.
        restarts: Highest restart count.
        times: Start and end of its container, in whole seconds as the kubelet writes them.
        seen_at: Monotonic seconds of our own at its first event and at its end.
    """

    uid: str
    name: str
    item: Item
    attempt: int
    created_at: datetime
    created: int
    ended: int | None = None
    phase: str = ""
    node: str = ""
    removed: bool = False
    containers: set[str] = field(default_factory=set)
    restarts: int = 0
    times: tuple[datetime | None, datetime | None] = (None, None)
    seen_at: tuple[float, float | None] = (0.0, None)


class Recorder:
    """Keeps the trail of every pod of attempts that it is shown, and judges them."""

    def __init__(self) -> None:
        self._trails: dict[str, Trail] = {}
        self._starts: Counter[str] = Counter()

    def pod_event(self, kind: str, pod: Body, at: float) -> None:
        """Take in an event of a watch of pods, in the order of the watch."""
        meta = pod["metadata"]
        labels = meta.get("labels") or {}
        if c.LABEL_ATTEMPT not in labels:
            return
        version = int(meta["resourceVersion"])
        trail = self._trails.get(meta["uid"])
        if trail is None:
            trail = self._trails[meta["uid"]] = _begin(pod, labels, version, at)
        _note_containers(trail, pod.get("status") or {})
        trail.node = (pod.get("spec") or {}).get("nodeName", "")
        trail.removed = trail.removed or kind == "DELETED"
        trail.phase = (pod.get("status") or {}).get("phase", "")
        if trail.ended is None and (trail.removed or trail.phase in ("Succeeded", "Failed")):
            trail.ended = version
            trail.seen_at = (trail.seen_at[0], at)

    def kubelet_event(self, event: Body) -> None:
        """Take in an Event of the namespace: the kubelet tells of each container it starts."""
        if event.get("reason") == "Started" and event["involvedObject"].get("kind") == "Pod":
            uid = event["involvedObject"].get("uid", "")
            self._starts[uid] = max(self._starts[uid], event.get("count") or 1)

    @property
    def trails(self) -> list[Trail]:
        """All trails, in the order of creation."""
        return sorted(self._trails.values(), key=lambda trail: trail.created)

    def of(self, item: Item) -> list[Trail]:
        """The trails of a task item, in the order of creation."""
        return [trail for trail in self.trails if trail.item == item]

    def items(self) -> dict[Item, list[Trail]]:
        """The trails by task item."""
        found: dict[Item, list[Trail]] = defaultdict(list)
        for trail in self.trails:
            found[trail.item].append(trail)
        return dict(found)

    def most_at_once(self) -> int:
        """Return the largest number of attempts that were live at the same moment."""
        turns = [(trail.created, 1) for trail in self.trails]
        turns += [(trail.ended, -1) for trail in self.trails if trail.ended is not None]
        return max(accumulate(step for _, step in sorted(turns)), default=0)

    def broken_promises(self, attempts: Mapping[Item, int]) -> list[str]:
        """Return what contradicts "once, exactly"; `attempts` says how many each item takes."""
        found = self.items()
        wrong = [f"{item} ran although nobody asked" for item in found if item not in attempts]
        for item, expected in attempts.items():
            wrong += self._wrong_of(item, found.get(item, []), expected)
        return wrong

    def _wrong_of(self, item: Item, trails: list[Trail], expected: int) -> Iterator[str]:
        numbers = [trail.attempt for trail in trails]
        if numbers != list(range(1, expected + 1)):
            yield f"{item}: attempts {numbers} instead of 1 to {expected}"
        yield from _overlaps(item, trails)
        for trail in trails:
            if len(trail.containers) > 1 or trail.restarts:
                yield f"{item}: pod {trail.name} ran {len(trail.containers)} containers"
            if self._starts[trail.uid] > 1:
                yield f"{item}: the kubelet started {trail.name} {self._starts[trail.uid]} times"

    def too_early(self, graph: Mapping[str, Iterable[str]]) -> list[str]:
        """Return each pod that was created before all it depends on had ended well.

        Args:
            graph: `workflow/phase/task` to those it waits for, written alike.
        """
        by_task: dict[str, list[Trail]] = defaultdict(list)
        for trail in self.trails:
            by_task[trail.item.step].append(trail)
        wrong = []
        for name, parents in graph.items():
            for parent in parents:
                over = max((t.ended or 1 << 62 for t in by_task.get(parent, ())), default=1 << 62)
                wrong += [
                    f"{trail.name} began before {parent} was over"
                    for trail in by_task.get(name, ())
                    if trail.created <= over
                ]
        return wrong


def _begin(pod: Body, labels: Mapping[str, str], version: int, at: float) -> Trail:
    meta = pod["metadata"]
    workflow = labels.get(c.LABEL_WORKFLOW, "")
    index = int(labels[c.LABEL_INDEX])
    item = Item(workflow, labels[c.LABEL_PHASE], labels[c.LABEL_TASK], index)
    return Trail(
        uid=meta["uid"],
        name=meta["name"],
        item=item,
        attempt=int(labels[c.LABEL_ATTEMPT]),
        created_at=datetime.fromisoformat(meta["creationTimestamp"]),
        created=version,
        seen_at=(at, None),
    )


def _note_containers(trail: Trail, status: Body) -> None:
    for container in status.get("containerStatuses") or ():
        trail.restarts = max(trail.restarts, container.get("restartCount", 0))
        if container.get("containerID"):
            trail.containers.add(container["containerID"])
        state = container.get("state") or {}
        known = state.get("terminated") or state.get("running") or {}
        begun, over = _time(known.get("startedAt")), _time(known.get("finishedAt"))
        trail.times = (begun or trail.times[0], over or trail.times[1])


def _overlaps(item: Item, trails: list[Trail]) -> Iterator[str]:
    for before, after in pairwise(trails):
        if before.ended is None or after.created <= before.ended:
            yield f"{item}: {after.name} began while {before.name} was live"


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
