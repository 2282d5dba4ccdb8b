"""Knows what is to be deleted when: finished objects and recorded pods that have a time to go.

A heap holds the time, key and UID of each; a finished object without one costs no memory. One
entry a namespace stands in the work queue, for the earliest. At take-over the heap is filled
from lists of metadata.
"""

from __future__ import annotations

import heapq
import logging
from collections.abc import Callable

from ..api import constants as c
from ..api.schedule import ScheduleSpec
from ..core.attempts.evidence import instant
from ..core.clean_up import Limits
from ..core.schedule.runs import owner_of
from ..kube.backoff import Backoff
from ..kube.client import KubeClient, Listing
from ..kube.errors import KubeError
from ..kube.resources import PODS, Body, Resource, uid_of
from .effects import DeleteExpired, Effect, PruneHistory
from .keys import PHASES, WORKFLOWS, Key, key_of
from .parts import Parts

logger = logging.getLogger(__name__)

KIND = "History"
"""Kind of the keys by which the queue wakes us: one a namespace."""
GATHER_SECONDS = 1.0
"""Runs that finish within this time are pruned together."""
AGAIN_SECONDS = 60.0
_ALL = Limits(None, None)
_OF_SCHEDULES = Limits(
    ScheduleSpec.model_fields["successful_runs_history_limit"].default,
    ScheduleSpec.model_fields["failed_runs_history_limit"].default,
)

Due = tuple[float, Key, str, str]
"""Monotonic second, object, UID, the time as its annotation has it."""


class History:
    """Deletes what is finished when its time has come, and what limits leave no room for."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._heaps: dict[str, list[Due]] = {}
        self._to_prune: dict[str, set[Key]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._heaps.values()))

    def reconcile(self, key: Key) -> None:
        """Ask for the deletion of all that is due in a namespace."""
        now = self._parts.clock.monotonic()
        heap = self._heaps.get(key.namespace, [])
        while heap and heap[0][0] <= now:
            _, found, uid, expires = heapq.heappop(heap)
            self._parts.executor.submit(DeleteExpired(found, uid, expires))
        if heap:
            self._parts.queue.add_at(key, heap[0][0])
        else:
            self._heaps.pop(key.namespace, None)
        for owner in sorted(self._to_prune.pop(key.namespace, ())):
            self._prune(owner)

    def finished(self, body: Body) -> None:
        """Take in that a workflow or phase was labelled as finished."""
        self.expires(body)
        if body["kind"] != WORKFLOWS.kind:
            return
        meta = body["metadata"]
        owner = owner_of(body)
        if owner is not None:
            self.prune_later(Key("Schedule", meta["namespace"], owner[0]))
        template = (meta.get("labels") or {}).get(c.LABEL_TEMPLATE)
        if template:
            self.prune_later(Key("WorkflowTemplate", meta["namespace"], template))

    def expires(self, body: Body) -> None:
        """Remember when an object may be deleted, if its annotation says so."""
        text = (body["metadata"].get("annotations") or {}).get(c.ANNOTATION_EXPIRES)
        try:
            at = instant(text)
        except ValueError:
            logger.warning("%s: %s is no time", key_of(body), c.ANNOTATION_EXPIRES)
            return
        if at is None or text is None:
            return
        pause = (at - self._parts.clock.now()).total_seconds()
        self._push(pause, key_of(body), uid_of(body), text)

    def prune_later(self, owner: Key) -> None:
        """Apply the history limits of a schedule or template, soon."""
        self._to_prune.setdefault(owner.namespace, set()).add(owner)
        wake = self._parts.clock.monotonic() + GATHER_SECONDS
        self._parts.queue.add_at(Key(KIND, owner.namespace, ""), wake)

    def done(self, effect: Effect, _: Body | None, error: KubeError | None) -> None:
        """Take in how a deletion went; what failed is tried again later."""
        if error is None:
            return
        logger.warning("%s: %s: %s", effect.key, type(effect).__name__, error)
        if isinstance(effect, DeleteExpired):
            self._push(AGAIN_SECONDS, effect.key, effect.uid, effect.expires)
        elif isinstance(effect, PruneHistory):
            self._to_prune.setdefault(effect.key.namespace, set()).add(effect.key)
            wake = self._parts.clock.monotonic() + AGAIN_SECONDS
            self._parts.queue.add_at(Key(KIND, effect.key.namespace, ""), wake)

    async def load(self, client: KubeClient, concerns: Callable[[str], bool]) -> None:
        """Fill the heap after a take-over with what finished before; no run waits for this.

        Args:
            client: To list with.
            concerns: Tells of a namespace whether it was taken over.
        """
        for resource in (WORKFLOWS, PHASES, PODS):
            for body in (await self._listed(client, resource)).items:
                if concerns(body["metadata"]["namespace"]):
                    self.expires(body)

    async def _listed(self, client: KubeClient, resource: Resource) -> Listing:
        backoff = Backoff()
        while True:
            try:
                return await client.list_metadata(resource, label_selector=c.LABEL_EXPIRES)
            except KubeError as error:
                logger.warning("finished %s are not listed yet: %s", resource.plural, error)
                await self._parts.clock.sleep(backoff.next())

    def drop(self, concerns: Callable[[str], bool]) -> None:
        """Forget the namespaces of a shard that was given up."""
        for known in (self._heaps, self._to_prune):
            for namespace in [n for n in known if concerns(n)]:
                known.pop(namespace, None)
                self._parts.queue.discard(Key(KIND, namespace, ""))

    def _push(self, pause: float, key: Key, uid: str, expires: str) -> None:
        due = self._parts.clock.monotonic() + max(pause, 0.0)
        heapq.heappush(self._heaps.setdefault(key.namespace, []), (due, key, uid, expires))
        self._parts.queue.add_at(Key(KIND, key.namespace, ""), due)

    def _prune(self, owner: Key) -> None:
        limits, label = self._limits(owner)
        if limits != _ALL:
            self._parts.executor.submit(PruneHistory(owner, label, limits))

    def _limits(self, owner: Key) -> tuple[Limits, str]:
        """Return how many finished workflows an owner keeps, and the label that they have."""
        body = self._parts.store.get(owner)
        if body is None:
            return _ALL, ""
        spec = body.get("spec") or {}
        fallback, label = (
            (_OF_SCHEDULES, c.LABEL_SCHEDULE)
            if owner.kind == "Schedule"
            else (_ALL, c.LABEL_TEMPLATE)
        )
        limits = Limits(
            spec.get("successfulRunsHistoryLimit", fallback.succeeded),
            spec.get("failedRunsHistoryLimit", fallback.failed),
        )
        return limits, label
