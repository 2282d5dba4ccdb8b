"""Follows the pods of warm workers and their pages, on every replica."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from ..api import constants as c
from ..core.attempts.evidence import instant
from ..core.pool.startup import startup_of
from ..kube.client import KubeClient
from ..kube.informer import Change
from ..kube.informers import Informers
from ..kube.resources import LEASES, PODS, Body, uid_of
from .desk import refuse_all
from .desk_calls import NotHolderError, StrangerError
from .keys import Key
from .parts import Parts
from .pod_intake import has_ended
from .worker_book import KIND, WorkerRun
from .workers import WorkerReconciler

logger = logging.getLogger(__name__)

_READ_OF_STATUS = ("phase", "reason", "message", "conditions", "containerStatuses")


class PoolIntake:
    """Two caches: the pods of workers, and the Leases that are their pages."""

    def __init__(
        self,
        client: KubeClient,
        parts: Parts,
        workers: WorkerReconciler,
        concerns: Callable[[str], bool],
        namespaces: tuple[str, ...] = (),
    ) -> None:
        """Prepare; `concerns` tells whether this replica writes in a namespace now.

        `namespaces` are those that are served; without any, all.
        """
        self._parts = parts
        self._workers = workers
        self._concerns = concerns
        self.pods = Informers(
            client,
            PODS,
            namespaces,
            clock=parts.clock,
            on_change=self._guarded(self._on_pod),
            label_selector=c.PAGE_SELECTOR,
            transform=slim_worker,
        )
        self.pages = Informers(
            client,
            LEASES,
            namespaces,
            clock=parts.clock,
            on_change=self._guarded(self._on_page),
            label_selector=c.PAGE_SELECTOR,
        )

    async def run(self) -> None:
        """Follow both until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.pods.run())
            group.create_task(self.pages.run())

    async def refresh(self) -> None:
        """Bring both caches up to now; pages first, or the pod of a page might not be known yet.

        Raises:
            KubeError: A list failed.
        """
        await self.pages.refresh()
        await self.pods.refresh()

    def take_over(self, concerns: Callable[[str], bool]) -> list[Key]:
        """Give the workers of a shard their full grace, and return their keys."""
        now = self._parts.clock.monotonic()
        found = self._parts.workers.some(concerns)
        for _, run in found:
            run.heard(now if run.lease is not None else None)
            run.stands_since = now
            run.instance = next((claim.instance for claim in run.page.claims.values()), "")
        return [key for key, _ in found]

    def let_call(self, concerns: Callable[[str], bool]) -> None:
        """Give the workers of a shard their full grace from now on: they were refused before."""
        now = self._parts.clock.monotonic()
        for _, run in self._parts.workers.some(concerns):
            if run.heard_at is not None:
                run.heard(now)

    def give_up(self, concerns: Callable[[str], bool]) -> None:
        """Forget what was derived of the workers of a shard; they are told to go elsewhere."""
        text = "another replica answers from now on"
        for key, run in self._parts.workers.some(concerns):
            refuse_all(run, NotHolderError("NotHolder", text, ""))
            self._parts.queue.discard(key)
            _reset(run)
            if not run.pod_uid and run.lease is None:
                self._parts.workers.drop(key)

    def _guarded(self, take: Callable[[Change], None]) -> Callable[[Change], None]:
        """Let an object that breaks this degrade itself alone: an informer ends at an exception."""

        def guarded(change: Change) -> None:
            try:
                take(change)
            except Exception:
                meta = (change.new or change.old or {}).get("metadata") or {}
                key = Key(KIND, str(meta.get("namespace")), str(meta.get("name")))
                logger.exception("%s: a change could not be taken in", key)
                self._parts.metrics.reconcile_errors[KIND,].inc()

        return guarded

    def _on_pod(self, change: Change) -> None:
        body = change.new
        if body is None:
            self._pod_gone(change.old or {})
            return
        meta = body["metadata"]
        labels = meta.get("labels") or {}
        agent = labels.get(c.LABEL_AGENT, "")
        if not _is_of(meta, agent):
            return
        key = Key(KIND, meta["namespace"], meta["name"])
        run = self._parts.workers.add(key, agent, labels.get(c.LABEL_REVISION, ""))
        run.pod_uid, run.creating = uid_of(body), False
        run.created_at = instant(meta.get("creationTimestamp"))
        run.deleting = bool(meta.get("deletionTimestamp"))
        failure = _failure(body)
        if failure and not run.failure:
            run.asked_to_go = run.deleting
        run.failure = failure
        self._take_startup(run, body)
        self._changed(key, run)

    def _take_startup(self, run: WorkerRun, body: Body) -> None:
        """Take in how far a container has come; other words for the same are no news."""
        found, before = startup_of(body), run.startup
        if before is None or not found.stands_like(before):
            run.stands_since = self._parts.clock.monotonic()
        if before is None or not found.says_like(before):
            run.startup = found

    def _pod_gone(self, body: Body) -> None:
        meta = body["metadata"]
        key = Key(KIND, meta["namespace"], meta["name"])
        run = self._parts.workers.get(key)
        if run is None or run.pod_uid != uid_of(body):
            return
        run.pod_uid = ""
        refuse_all(run, StrangerError("NotAWorker", "the pod of this worker is gone"))
        if run.lease is None and not self._concerns(key.namespace):
            self._parts.workers.drop(key)
            return
        self._changed(key, run)

    def _on_page(self, change: Change) -> None:
        body = change.new or change.old or {}
        meta = body["metadata"]
        key = Key(KIND, meta["namespace"], meta["name"])
        if change.new is None:
            self._workers.page_gone(key, body)
        elif not self._workers.take_page(key, body):
            return  # mostly the echo of our own write
        run = self._parts.workers.get(key)
        if run is not None:
            self._changed(key, run)

    def _changed(self, key: Key, run: WorkerRun) -> None:
        if self._concerns(key.namespace):
            self._parts.queue.add(key)
            self._parts.queue.add(Key("Agent", key.namespace, run.agent))


def slim_worker(pod: Body) -> Body:
    """Return what is read of a worker's pod: who it is, and how far its container has come."""
    meta, status = pod["metadata"], pod.get("status") or {}
    return {
        "metadata": {k: v for k, v in meta.items() if k != "managedFields"},
        "status": {k: status[k] for k in _READ_OF_STATUS if k in status},
    }


def _is_of(meta: Body, agent: str) -> bool:
    """Whether a pod is controlled by the agent that its label names: labels are anybody's."""
    owners = meta.get("ownerReferences") or ()
    return any(
        o.get("kind") == "Agent" and o.get("name") == agent and o.get("controller") for o in owners
    )


def _failure(pod: Body) -> str:
    """Return why a worker's pod will never work again, or nothing."""
    if not has_ended(pod):
        return ""
    status = pod["status"]
    said = status.get("message") or status.get("reason") or "its container does not run any more"
    return str(said)[:512]


def _reset(run: WorkerRun) -> None:
    run.ops, run.in_flight, run.write_by, run.looking = [], None, None, False
    run.instance, run.draining = "", False
    run.heard(None)
    for kept in (run.inputs, run.stopping, run.told, run.triggers, run.delivered):
        kept.clear()
