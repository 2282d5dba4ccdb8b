"""Follows the pods of attempts, on every replica: evidence into the index, keys into the queue."""

from __future__ import annotations

from collections.abc import Callable

from ..api import constants as c
from ..kube.client import KubeClient
from ..kube.clock import Clock
from ..kube.informer import Change
from ..kube.informers import Informers
from ..kube.resources import PODS, Body
from .attempts import owner_of
from .effects import DeletePod, ReleasePod
from .keys import Key
from .parts import Parts
from .phase_pods import PhasePods
from .phase_views import note_end
from .slim import slim_pod
from .status import COALESCE_SECONDS


class PodIntake:
    """The cache of pods, and what follows from a change in it."""

    def __init__(
        self,
        client: KubeClient,
        clock: Clock,
        concerns: Callable[[str], bool],
        may_write: Callable[[str], bool],
        namespaces: tuple[str, ...] = (),
    ) -> None:
        """Prepare; `concerns` tells whether this replica runs a namespace's shard.

        `namespaces` are those that are served; without any, all.
        """
        self._concerns = concerns
        self._may_write = may_write
        self.pods = Informers(
            client,
            PODS,
            namespaces,
            clock=clock,
            on_change=self._on_pod,
            label_selector=c.POD_SELECTOR,
            transform=slim_pod,
        )

    def serve(self, parts: Parts, phase_pods: PhasePods) -> None:
        """Say where changes go; before the cache is run."""
        self._parts = parts
        self._phase_pods = phase_pods

    def _on_pod(self, change: Change) -> None:
        """Take in a change of a pod. Called by the informer; the cache is already changed."""
        body = change.whole
        if body is None:
            self._pod_gone(change.old or {})
            return
        seen = self._parts.attempts.observe(body)
        if seen is None:
            self._stop_double(body)
            self._let_go_of_stranger(body)
            return
        key, attempt = seen
        if not self._concerns(key.namespace):
            return
        before = change.old
        if attempt.outcome and (before is None or not has_ended(before)):
            run = self._parts.phases.get(key)
            if run is not None and before is not None:
                run.trigger = self._parts.clock.monotonic()
            self._parts.agents.seen(key.namespace, attempt, self._parts.clock.now())
            note_end(self._parts, key, attempt)
            self._parts.scheduler.lift(key.namespace)
        self._parts.queue.add(key)
        self._agent_later(key.namespace, attempt.agent)

    def _stop_double(self, body: Body) -> None:
        """Delete a pod whose attempt a warm worker holds.

        A create of a leader that was deposed may come after its successor has chosen an agent in
        mode Pool for the same attempt.
        """
        meta, phase = body["metadata"], owner_of(body)
        known = phase and self._parts.attempts.get(phase, meta["name"])
        if phase is None or not known or not known.worker or meta.get("deletionTimestamp"):
            return
        if self._may_write(phase.namespace):
            self._parts.executor.submit(DeletePod(phase, meta["name"], meta["uid"], 0))

    def _let_go_of_stranger(self, body: Body) -> None:
        """Release a dying pod that no phase can be found for: somebody took its labels off."""
        meta = body["metadata"]
        key = Key("Phase", meta["namespace"], "")
        if not meta.get("deletionTimestamp") or not self._may_write(key.namespace):
            return
        if c.RESULT_FINALIZER in (meta.get("finalizers") or ()):
            self._parts.executor.submit(ReleasePod(key, meta["name"], meta["uid"]))

    def _pod_gone(self, body: Body) -> None:
        meta = body["metadata"]
        released = meta["uid"] in self._parts.releasing
        self._parts.releasing.discard(meta["uid"])
        labels = meta.get("labels") or {}
        for owner in meta.get("ownerReferences") or ():
            key = Key("Phase", meta["namespace"], owner["name"])
            if self._concerns(key.namespace):
                self._phase_pods.gone(key, body, released=released)
                self._parts.queue.add(key)
            else:  # nobody here would ever come by to forget it
                self._parts.attempts.forget(key, meta["name"])
        self._agent_later(meta["namespace"], labels.get(c.LABEL_AGENT, ""))

    def _agent_later(self, namespace: str, agent: str) -> None:
        """Show an agent's load about once a second while it changes."""
        key = Key("Agent", namespace, agent)
        if self._parts.store.get(key) and self._concerns(namespace):
            self._parts.queue.add_at(key, self._parts.clock.monotonic() + COALESCE_SECONDS)


def has_ended(pod: Body) -> bool:
    """Whether no container of a pod runs any more, nor will."""
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
