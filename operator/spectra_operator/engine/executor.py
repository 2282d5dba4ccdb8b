"""Carries out effects: the only place from which workflows are written.

Effects are taken in order by a bounded number of workers; what nobody waits for has few workers of
its own, so that a burst of it does not keep the API server from what tasks wait for. Before every
write the Lease is asked; without it the effect is dropped, because whoever holds the Lease now
decides anew. What may have been committed without an answer is done again: every effect is safe
to repeat.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from ..api import constants as c
from ..core.attempts.checkpoint import annotation
from ..core.workflow.objects import is_made_for
from ..kube.client import KubeClient
from ..kube.clock import Clock
from ..kube.errors import (
    AlreadyExists,
    Conflict,
    KubeError,
    NotFound,
    ServerError,
    Throttled,
    Unreachable,
)
from ..kube.patches import without_finalizer
from ..kube.resources import EVENTS, PODS, Body, uid_of
from . import agent_effects as agent_fx
from . import clean_up
from . import effects as fx
from .correlation import about, tell
from .errands import Errands
from .keys import PHASES, RESOURCES, WORKFLOWS
from .page_errands import PageErrands
from .revision_errands import RevisionErrands
from .width import Width

logger = logging.getLogger(__name__)

_TRANSIENT = (Throttled, ServerError, Unreachable)
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 10.0
_CONFLICT_TRIES = 5
_IN_BACKGROUND = 4

Waiting = asyncio.Queue[tuple[int, fx.Effect]]
"""Effects, with how often they have been tried."""


class PodCache(Protocol):
    """Where pods are looked up before the API server is asked."""

    def get(self, namespace: str | None, name: str) -> Body | None:
        """Return a pod as last seen."""
        ...


Done = Callable[[fx.Effect, Body | None, KubeError | None], None]
"""Told how an effect ended: with the API server's answer, or with the error that stands."""


class Executor:
    """A bounded set of workers that carry out effects.

    `width` bounds how many are under way. `on_taken` is called for each effect that is begun or
    dropped, with how many are left of those that runs wait for.
    """

    def __init__(
        self,
        client: KubeClient,
        pods: PodCache,
        *,
        clock: Clock,
        may_write: Callable[[str], bool],
        on_done: Done,
        concurrency: int = 48,
    ) -> None:
        self._client = client
        self._pods = pods
        self._clock = clock
        self._may_write = may_write
        self._on_done = on_done
        self.on_taken: Callable[[int], None] = _unheard
        self._concurrency = concurrency
        self.width = Width(concurrency + _IN_BACKGROUND)
        self._queue: Waiting = asyncio.Queue()
        self._background: Waiting = asyncio.Queue()
        self._retries: set[asyncio.Task[None]] = set()
        self._actions: dict[type, Callable[[Any], Awaitable[Body | None]]] = {
            fx.CreatePod: self._create_pod,
            fx.CreatePhase: self._create_phase,
            fx.CreatePlan: self._create_phase,
            agent_fx.CreateGate: self._create_phase,
            fx.CreateWorkflow: self._create_workflow,
            fx.ReplaceWorkflow: self._replace_workflow,
            fx.DeletePod: self._delete_pod,
            fx.ReleasePod: self._release_pod,
            agent_fx.NotePod: self._note_pod,
            fx.LookUpPod: self._look_up_pod,
            fx.LookUp: self._look_up,
            fx.WriteStatus: self._write_status,
            fx.MarkFinished: self._mark_finished,
            fx.DeleteExpired: self._delete_expired,
            fx.PruneHistory: self._prune_history,
            fx.Announce: self._announce,
            **Errands(client).actions(),
            **PageErrands(client).actions(),
            **RevisionErrands(client).actions(),
        }

    def __len__(self) -> int:
        return self._queue.qsize() + self._background.qsize()

    @property
    def urgent(self) -> int:
        """How many effects wait that runs wait for."""
        return self._queue.qsize()

    def submit(self, effect: fx.Effect, tries: int = 0) -> None:
        """Carry an effect out as soon as a worker is free."""
        queue = self._background if isinstance(effect, fx.BACKGROUND) else self._queue
        queue.put_nowait((tries, effect))

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._concurrency):
                group.create_task(self._work(self._queue))
            for _ in range(_IN_BACKGROUND):
                group.create_task(self._work(self._background))

    async def _work(self, queue: Waiting) -> None:
        while True:
            tries, effect = await queue.get()
            self.on_taken(self.urgent)
            await self.width.enter()
            began, well = self._clock.monotonic(), True
            try:
                if self._may_write(effect.key.namespace):
                    well = await self._carry_out(effect, tries)
                else:
                    tell(logger, effect, "dropped, as its shard is not held here any more")
            finally:
                # What nobody waits for may be many requests one after the other.
                ended = began if queue is self._background else self._clock.monotonic()
                self.width.leave(began, ended, well=well)

    async def _carry_out(self, effect: fx.Effect, tries: int) -> bool:
        """Carry one effect out; an object that breaks it is the only one that waits.

        Returns:
            Whether the API server was able to say yes or no.
        """
        try:
            body = await self._actions[type(effect)](effect)
        except _TRANSIENT as error:
            self._again(effect, tries, error)
            return False
        except KubeError as error:
            tell(logger, effect, f"refused with {error.status}")
            self._on_done(effect, None, error)
        except Exception as error:
            logger.exception("%s: %s broke", effect.key, type(effect).__name__, extra=about(effect))
            kind = type(error).__name__
            self._on_done(effect, None, KubeError(f"{kind}: {error}", about=kind, quotes=True))
        else:
            tell(logger, effect, "done")
            self._on_done(effect, body, None)
        return True

    def _again(self, effect: fx.Effect, tries: int, error: KubeError) -> None:
        """Repeat later; a status is made anew instead, since it may have changed by then."""
        if isinstance(effect, fx.WriteStatus):
            self._on_done(effect, None, error)
            return
        pause = min(_FIRST_PAUSE * 2 ** min(tries, 16), _LONGEST_PAUSE)
        if isinstance(error, Throttled):
            pause = max(pause, error.retry_after)
        logger.warning("%s: %s; again in %.1f s", effect.key, error, pause, extra=about(effect))
        task = asyncio.get_running_loop().create_task(self._resubmit(effect, tries + 1, pause))
        self._retries.add(task)
        task.add_done_callback(self._retries.discard)

    async def _resubmit(self, effect: fx.Effect, tries: int, pause: float) -> None:
        await self._clock.sleep(pause)
        self.submit(effect, tries)

    async def _create_pod(self, effect: fx.CreatePod) -> Body | None:
        try:
            return await self._client.create(PODS, effect.key.namespace, effect.body)
        except AlreadyExists:
            name = effect.body["metadata"]["name"]
            found = await self._client.get(PODS, effect.key.namespace, name)
            return _ours(found, effect.attempt.phase_uid)

    async def _create_phase(
        self, effect: fx.CreatePhase | fx.CreatePlan | agent_fx.CreateGate
    ) -> Body | None:
        try:
            return await self._client.create(PHASES, effect.key.namespace, effect.body)
        except AlreadyExists:
            name = effect.body["metadata"]["name"]
            found = await self._client.get(PHASES, effect.key.namespace, name)
            if not is_made_for(found, effect.body["spec"]):
                raise _stranger(found) from None
            return found

    async def _create_workflow(self, effect: fx.CreateWorkflow) -> Body | None:
        try:
            return await self._client.create(WORKFLOWS, effect.key.namespace, effect.body)
        except AlreadyExists:
            found = await self._client.get(WORKFLOWS, effect.key.namespace, effect.run.name)
            return _ours(found, effect.body["metadata"]["ownerReferences"][0]["uid"])

    async def _replace_workflow(self, effect: fx.ReplaceWorkflow) -> Body | None:
        key = effect.key
        try:
            await self._client.delete(WORKFLOWS, key.namespace, key.name, uid=effect.uid)
        except (NotFound, Conflict):
            logger.debug("%s is gone already", key)
        return None

    async def _delete_expired(self, effect: fx.DeleteExpired) -> Body | None:
        await clean_up.delete_expired(self._client, effect)
        return None

    async def _prune_history(self, effect: fx.PruneHistory) -> Body | None:
        await clean_up.prune_history(self._client, effect)
        return None

    async def _delete_pod(self, effect: fx.DeletePod) -> Body | None:
        try:
            await self._client.delete(
                PODS, effect.key.namespace, effect.pod, uid=effect.uid, grace_seconds=effect.grace
            )
        except (NotFound, Conflict):
            logger.debug("pod %s/%s is gone already", effect.key.namespace, effect.pod)
        return None

    async def _release_pod(self, effect: fx.ReleasePod) -> Body | None:
        namespace = effect.key.namespace
        pod = self._pods.get(namespace, effect.pod)
        for _ in range(_CONFLICT_TRIES):
            try:
                pod = pod or await self._client.get(PODS, namespace, effect.pod)
                patch = without_finalizer(pod, c.RESULT_FINALIZER)
                if patch is None or uid_of(pod) != effect.uid:
                    return pod
                patch["metadata"]["labels"] = {c.LABEL_RECORDED: "true"}
                if effect.expires:
                    patch["metadata"]["labels"][c.LABEL_EXPIRES] = "true"
                    patch["metadata"]["annotations"] = {c.ANNOTATION_EXPIRES: effect.expires}
                return await self._client.patch(PODS, namespace, effect.pod, patch)
            except NotFound:
                return None
            except Conflict:
                pod = None
        raise Conflict(f"pod {namespace}/{effect.pod} changes faster than it can be released")

    async def _note_pod(self, effect: agent_fx.NotePod) -> Body | None:
        patch = {"metadata": {"uid": effect.uid, "annotations": annotation(effect.checkpoint)}}
        return await self._client.patch(PODS, effect.key.namespace, effect.key.name, patch)

    async def _look_up_pod(self, effect: fx.LookUpPod) -> Body | None:
        try:
            return await self._client.get(PODS, effect.key.namespace, effect.pod)
        except NotFound:
            return None

    async def _look_up(self, effect: fx.LookUp) -> Body | None:
        key = effect.key
        try:
            return await self._client.get(RESOURCES[key.kind], key.namespace, key.name)
        except NotFound:
            return None

    async def _write_status(self, effect: fx.WriteStatus) -> Body | None:
        key = effect.key
        return await self._client.replace(
            RESOURCES[key.kind], key.namespace, key.name, effect.body, subresource="status"
        )

    async def _mark_finished(self, effect: fx.MarkFinished) -> Body | None:
        key = effect.key
        patch = clean_up.finished_patch(effect)
        try:
            return await self._client.patch(RESOURCES[key.kind], key.namespace, key.name, patch)
        except NotFound:
            return None

    async def _announce(self, effect: fx.Announce) -> Body | None:
        namespace = effect.key.namespace
        if not effect.name:
            return await self._client.create(EVENTS, namespace, effect.body)
        return await self._client.patch(EVENTS, namespace, effect.name, effect.body)


def _unheard(_: int) -> None:
    """Take no notice."""


def _ours(found: Body, owner_uid: str) -> Body:
    """Return an object found under our name if it is ours: the create had succeeded before.

    Raises:
        AlreadyExists: somebody else's object has the name.
    """
    owners = found["metadata"].get("ownerReferences") or ()
    if any(owner.get("uid") == owner_uid for owner in owners):
        return found
    raise _stranger(found)


def _stranger(found: Body) -> AlreadyExists:
    meta = found["metadata"]
    return AlreadyExists(
        f"{found['kind']} {meta['namespace']}/{meta['name']} exists and is not ours; delete it",
        status=409,
        reason="AlreadyExists",
    )
