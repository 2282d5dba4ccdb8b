"""Carries out the effects that store, read and delete the revisions of agents."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from ..api import constants as c
from ..kube.client import KubeClient
from ..kube.errors import AlreadyExists, NotFound
from ..kube.resources import CONTROLLER_REVISIONS, Body
from . import agent_effects as fx


class RevisionErrands:
    """Carries out the effects named above; the executor asks the Lease before each."""

    def __init__(self, client: KubeClient) -> None:
        self._client = client

    def actions(self) -> dict[type, Callable[[Any], Awaitable[Body | None]]]:
        """Return what carries out which effect."""
        return {
            fx.StoreRevision: self._store,
            fx.LookUpRevision: self._look_up,
            fx.PruneRevisions: self._prune,
        }

    async def _store(self, effect: fx.StoreRevision) -> Body | None:
        try:
            return await self._client.create(
                CONTROLLER_REVISIONS, effect.key.namespace, effect.body
            )
        except AlreadyExists:
            name = effect.body["metadata"]["name"]
            return await self._client.get(CONTROLLER_REVISIONS, effect.key.namespace, name)

    async def _look_up(self, effect: fx.LookUpRevision) -> Body | None:
        key, name = effect.key, f"{effect.key.name}-{effect.revision}"
        try:
            return await self._client.get(CONTROLLER_REVISIONS, key.namespace, name)
        except NotFound:
            return None

    async def _prune(self, effect: fx.PruneRevisions) -> Body | None:
        """Delete revisions beyond the history limit, oldest first; those in use stay."""
        key = effect.key
        listing = await self._client.list(
            CONTROLLER_REVISIONS, key.namespace, label_selector=f"{c.LABEL_AGENT}={key.name}"
        )
        newest = sorted(listing.items, key=lambda r: r.get("revision", 0), reverse=True)
        for revision in newest[c.REVISION_HISTORY :]:
            meta = revision["metadata"]
            if meta["labels"].get(c.LABEL_REVISION) not in effect.keep:
                await self._client.delete(
                    CONTROLLER_REVISIONS, key.namespace, meta["name"], uid=meta["uid"]
                )
        return None
