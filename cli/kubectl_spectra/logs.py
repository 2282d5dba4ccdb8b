"""Logs of the attempts of a run: which pods, in which order, and following them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from queue import SimpleQueue

from spectra_operator.api import constants as c

from .cluster import Body, Cluster
from .errors import NotFound, Refused
from .following import Follower
from .kinds import PODS
from .view import PhaseRow, every_task

Print = Callable[[str], None]

_ENDED = ("Succeeded", "Failed")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which attempts: those of a task, of an item, of a number; None for all.

    Attributes:
        label: Label and UID that choose the run's pods.
        phase: Name of the phase, empty for any.
        task: Name of the task, empty for any.
        index: Index of the item.
        attempt: Number of the attempt.
    """

    label: str
    phase: str = ""
    task: str = ""
    index: int | None = None
    attempt: int | None = None

    @property
    def selector(self) -> str:
        """The label selector of the pods."""
        parts = {
            c.LABEL_PHASE: self.phase,
            c.LABEL_TASK: self.task,
            c.LABEL_INDEX: "" if self.index is None else str(self.index),
            c.LABEL_ATTEMPT: "" if self.attempt is None else str(self.attempt),
        }
        return ",".join([self.label, *(f"{key}={value}" for key, value in parts.items() if value)])


@dataclass(frozen=True, slots=True)
class Options:
    """How logs are read.

    Attributes:
        follow: Stay until the container ends.
        tail: Only so many lines from the end; None for all.
        timestamps: Begin each line with its time.
    """

    follow: bool = False
    tail: int | None = None
    timestamps: bool = False


def in_order(pods: Iterable[Body]) -> list[Body]:
    """Return pods by the time they were made, then by task, item and attempt."""

    def key(pod: Body) -> tuple[str, str, str, int, int]:
        labels = pod["metadata"]["labels"]
        return (
            pod["metadata"].get("creationTimestamp", ""),
            labels.get(c.LABEL_PHASE, ""),
            labels.get(c.LABEL_TASK, ""),
            int(labels.get(c.LABEL_INDEX, 0)),
            int(labels.get(c.LABEL_ATTEMPT, 0)),
        )

    return sorted(pods, key=key)


def prefix(pod: Body, *, fan_out: bool) -> str:
    """Return what stands before each line of a pod: database/migration[3]#2."""
    labels = pod["metadata"]["labels"]
    phase, task = labels.get(c.LABEL_PHASE, ""), labels.get(c.LABEL_TASK, "")
    number = int(labels.get(c.LABEL_ATTEMPT, 1))
    item = f"[{labels.get(c.LABEL_INDEX, 0)}]" if fan_out else ""
    return f"{phase}/{task}{item}" + (f"#{number}" if number > 1 else "")


def started(pod: Body) -> bool:
    """Whether the container of a pod has begun, so that there is a log."""
    status = pod.get("status") or {}
    if status.get("phase") in _ENDED:
        return bool(status.get("containerStatuses"))
    states = [s.get("state") or {} for s in status.get("containerStatuses") or ()]
    return any("running" in state or "terminated" in state for state in states)


class Counted:
    """Prints lines, and counts them."""

    def __init__(self, put: Print) -> None:
        self._put = put
        self.count = 0

    def __call__(self, line: str) -> None:
        """Print a line."""
        self.count += 1
        self._put(line)


def print_log(cluster: Cluster, pod: Body, title: str, options: Options, put: Print) -> bool:
    """Print the log of one pod; return whether there was one."""
    name = pod["metadata"]["name"]
    query = {"container": c.CONTAINER}
    if options.follow:
        query["follow"] = "true"
    if options.tail is not None:
        query["tailLines"] = str(options.tail)
    if options.timestamps:
        query["timestamps"] = "true"
    path = f"{PODS.path(cluster.namespace, name)}/log"
    try:
        with cluster.stream(path, query, what=f"the log of pod {name}") as lines:
            for line in lines:
                put(f"{title} | {line}")
    except (NotFound, Refused):  # the pod, or its container, went meanwhile
        return False
    return True


class Streams:
    """Prints the logs of many pods at once, each followed by one of a few threads."""

    def __init__(self, cluster: Cluster, follower: Follower, options: Options, put: Print) -> None:
        self._cluster = cluster
        self._follower = follower
        self._options = options
        self._put = put
        self._lock = threading.Lock()
        self._waiting: SimpleQueue[tuple[Body, str]] = SimpleQueue()
        self._begun: set[str] = set()
        self._left = 0

    def start(self, threads: int) -> None:
        """Start the threads; they end with the program."""
        for _ in range(threads):
            threading.Thread(target=self._work, daemon=True).start()

    def begin(self, pod: Body, title: str) -> None:
        """Print a pod's log unless that was begun already."""
        name = pod["metadata"]["name"]
        if name not in self._begun:
            self._begun.add(name)
            with self._lock:
                self._left += 1
            self._waiting.put((pod, title))

    @property
    def busy(self) -> bool:
        """Whether a log is still being printed, or waits for a thread."""
        with self._lock:
            return self._left > 0

    def _work(self) -> None:
        while True:
            pod, title = self._waiting.get()
            error: Exception | None = None
            try:
                print_log(self._cluster, pod, title, self._options, self._locked_put)
            except Exception as raised:  # it is raised where the program waits
                error = raised
            with self._lock:
                self._left -= 1
            self._follower.nudge(error)

    def _locked_put(self, line: str) -> None:
        with self._lock:
            self._put(line)


def fan_outs(phases: Iterable[PhaseRow]) -> frozenset[tuple[str, str]]:
    """Return the tasks with items, by phase and task, of a run's rows."""
    return frozenset(
        (task.phase, task.name)
        for task in every_task(phases)
        if task.items or any(task.spec.get(k) for k in ("count", "forEach", "matrix"))
    )
