"""What is known of workers: their pods, their pages, and who of them waits for work."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from operator import is_not
from typing import cast

from ..core.pool.fleet import WorkerState
from ..core.pool.health import Conduct
from ..core.pool.page import MAX_CLAIMS, MAX_ENTRIES, Op, Page, apply
from ..core.pool.startup import Startup, Trouble
from ..kube.resources import Body
from .desk_calls import Work
from .keys import Key

KIND = "Worker"
"""Kind of the keys of workers; their names are those of pod and Lease."""

SILENT_SECONDS = 20.0
"""A worker that has not called for so long is suspected to be gone; it calls every five."""
SECOND_LOOK_SECONDS = 5.0
"""From the look that finds a worker silent to the one that counts. The silence may have been our
own, and then whoever lives calls within the pause between two heartbeats."""


@dataclass(slots=True)
class Poll:
    """A worker that waits for claims, as many as `slots`."""

    future: asyncio.Future[tuple[Work, ...]]
    slots: int


@dataclass(slots=True)
class Wait:
    """A call that is answered once what it said is durable, with up to `slots` claims."""

    future: asyncio.Future[tuple[Work, ...]]
    slots: int = 0


class Ahead:
    """A page as it will be: operations laid over it. Only those that are new are applied."""

    def __init__(self) -> None:
        self._steps: tuple[Page | Op, ...] = ()
        self._page = Page()

    def of(self, page: Page, ops: Iterable[Op]) -> Page:
        """Return a page after operations."""
        steps = (page, *ops)
        known = len(self._steps)
        if not known or known > len(steps) or any(map(is_not, self._steps, steps)):
            self._page, known = page, 1
        self._page = apply(self._page, cast(tuple[Op, ...], steps[known:]))
        self._steps = steps
        return self._page


@dataclass(slots=True)
class WorkerRun:
    """A worker.

    `failure` says why its pod will never work again; one that was `asked_to_go` before it ended,
    since its pod is being deleted, has not failed.

    `page` is what is durable, on the Lease `lease` as it was last seen (None: there is none); `ops`
    are to be written, `in_flight` are being written, `ahead` is the page with both; `looking` tells
    that it is being read afresh. `instance` is the process that called last, at `heard_at`
    (monotonic seconds; None: not yet), `suspected_at` when it was found silent since. `delivered`
    has the claims that were handed out, `inputs` what they are to be done with, `stopping` until
    when a claim may end by itself, `told` the digests of the last results, `conduct` how its
    attempts ended, `triggers` when the event came that made a claim possible, `write_by` when what
    can wait (checkpoints, ends that are recorded) is to be written. `startup` is how far its
    container has come, `stands_since` (monotonic seconds) since when it stands so as far as this
    replica knows, `trouble` what keeps it from starting, `silence_told` that its agent's Events
    tell of its silence.
    """

    agent: str
    revision: str
    creating: bool = False
    pod_uid: str = ""
    created_at: datetime | None = None
    deleting: bool = False
    failure: str = ""
    asked_to_go: bool = False
    startup: Startup | None = None
    stands_since: float = 0.0
    trouble: Trouble | None = None
    instance: str = ""
    heard_at: float | None = None
    suspected_at: float | None = None
    silence_told: bool = False
    draining: bool = False
    conduct: Conduct = field(default_factory=Conduct)
    quarantined: bool = False
    page: Page = field(default_factory=Page)
    lease: Body | None = None
    ops: list[Op] = field(default_factory=list)
    in_flight: tuple[Op, ...] | None = None
    looking: bool = False
    poll: Poll | None = None
    waits: list[Wait] = field(default_factory=list)
    writing: list[Wait] = field(default_factory=list)
    delivered: set[str] = field(default_factory=set)
    inputs: dict[str, str] = field(default_factory=dict)
    stopping: dict[str, float] = field(default_factory=dict)
    told: dict[str, str] = field(default_factory=dict)
    triggers: dict[str, float] = field(default_factory=dict)
    write_by: float | None = None
    hold_until: float = 0.0
    ahead: Ahead = field(default_factory=Ahead)

    def heard(self, at: float | None) -> None:
        """Note when it called; None: not yet."""
        self.heard_at, self.suspected_at = at, None

    def is_silent(self, now: float) -> bool:
        """Whether it has not called for long, also not since that was found."""
        return self.suspected_at is not None and now >= self.suspected_at + SECOND_LOOK_SECONDS

    @property
    def alive(self) -> bool:
        """Whether its pod may be working."""
        return bool(self.pod_uid) and not self.failure

    @property
    def wanted(self) -> Page:
        """Return the page as it will be."""
        return self.ahead.of(self.page, (*(self.in_flight or ()), *self.ops))

    @property
    def takes(self) -> bool:
        """Whether it has called and is to go on working."""
        going = self.draining or self.deleting or self.quarantined
        return self.heard_at is not None and self.alive and not going

    @property
    def free(self) -> int:
        """Return how many claims it may be given now."""
        if not self.takes:
            return 0
        offered = (self.poll.slots if self.poll else 0) + sum(wait.slots for wait in self.waits)
        if not offered:
            return 0
        wanted = self.wanted
        open_ = len(wanted.claims)
        undelivered = len(wanted.claims.keys() - self.delivered)
        held = open_ + len(wanted.endings)
        return max(min(offered - undelivered, MAX_CLAIMS - open_, MAX_ENTRIES - held), 0)

    def write_within(self, due: float) -> float:
        """Let what can wait be written by a time at the latest, and return when that is."""
        self.write_by = due if self.write_by is None else min(self.write_by, due)
        return self.write_by

    def take_poll(self) -> Poll | None:
        """Return who waits for claims, and let nobody wait any more."""
        poll, self.poll = self.poll, None
        return poll if poll and not poll.future.done() else None


def state_of(worker: WorkerRun, now: float) -> WorkerState:
    """Return how scaling sees a worker; `now` in monotonic seconds."""
    if worker.failure and not worker.asked_to_go:
        return WorkerState.FAILED
    if worker.deleting or worker.asked_to_go or not (worker.pod_uid or worker.creating):
        return WorkerState.DELETING
    if worker.quarantined:
        return WorkerState.QUARANTINED
    if worker.heard_at is None:
        return WorkerState.STARTING
    return WorkerState.SILENT if worker.is_silent(now) else WorkerState.READY


class WorkerBook:
    """Workers by key, and by agent."""

    def __init__(self) -> None:
        self._runs: dict[Key, WorkerRun] = {}
        self._of: dict[Key, dict[Key, None]] = {}

    def __len__(self) -> int:
        return len(self._runs)

    def get(self, key: Key) -> WorkerRun | None:
        """Return what is known of a worker."""
        return self._runs.get(key)

    def add(self, key: Key, agent: str, revision: str) -> WorkerRun:
        """Return a worker, made known if it was not."""
        run = self._runs.get(key)
        if run is None:
            run = self._runs[key] = WorkerRun(agent, revision)
            self._of.setdefault(Key("Agent", key.namespace, agent), {})[key] = None
        return run

    def drop(self, key: Key) -> None:
        """Forget a worker."""
        run = self._runs.pop(key, None)
        if run is None:
            return
        agent = Key("Agent", key.namespace, run.agent)
        self._of[agent].pop(key, None)
        if not self._of[agent]:
            del self._of[agent]

    def runs(self) -> Iterable[WorkerRun]:
        """Return all workers."""
        return self._runs.values()

    def of(self, agent: Key) -> Iterator[tuple[Key, WorkerRun]]:
        """Yield the workers of an agent."""
        for key in tuple(self._of.get(agent, ())):
            yield key, self._runs[key]

    def some(self, concerns: Callable[[str], bool]) -> list[tuple[Key, WorkerRun]]:
        """Return the workers of the namespaces that a test chooses."""
        return [(key, run) for key, run in self._runs.items() if concerns(key.namespace)]

    def best(self, agent: Key, revision: str) -> tuple[Key, WorkerRun] | None:
        """Return the worker to give a claim to: it has room, and its page can be written now.

        A claim for a page that is being written waits for the next write. Among equals the one
        with most room gets it, so that load spreads.
        """
        fit = [
            ((run.in_flight is None, free), key, run)
            for key, run in self.of(agent)
            if run.revision == revision and (free := run.free)
        ]
        if not fit:
            return None
        _, key, run = max(fit, key=lambda found: found[0])
        return key, run
