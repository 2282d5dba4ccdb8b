"""Carries out what is to be done for warm workers: their pods and their pages."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from ..api import constants as c
from ..core.pool.page_text import parse_page
from ..kube.client import KubeClient
from ..kube.errors import AlreadyExists, Conflict, NotFound
from ..kube.patches import without_finalizer
from ..kube.resources import LEASES, PODS, Body, uid_of
from . import agent_effects as fx

logger = logging.getLogger(__name__)

Errand = Callable[[Any], Awaitable[Body | None]]


class PageErrands:
    """Carries out the effects of workers; the executor asks the Lease before each."""

    def __init__(self, client: KubeClient) -> None:
        self._client = client

    def actions(self) -> dict[type, Errand]:
        """Return what carries out which effect."""
        return {
            fx.WritePage: self._write,
            fx.LookUpPage: self._look_up,
            fx.DeletePage: self._delete,
            fx.CreateWorker: self._create_worker,
            fx.DeleteWorker: self._delete_worker,
        }

    async def _write(self, effect: fx.WritePage) -> Body | None:
        key = effect.key
        if effect.create:
            return await self._client.create(LEASES, key.namespace, effect.body)
        return await self._client.replace(LEASES, key.namespace, key.name, effect.body)

    async def _look_up(self, effect: fx.LookUpPage) -> Body | None:
        try:
            return await self._client.get(LEASES, effect.key.namespace, effect.key.name)
        except NotFound:
            return None

    async def _delete(self, effect: fx.DeletePage) -> Body | None:
        """Delete a page, then let it go: in this order, so that it is never left half done."""
        key = effect.key
        try:
            await self._client.delete(LEASES, key.namespace, key.name, uid=effect.uid)
            found = await self._client.get(LEASES, key.namespace, key.name)
            patch = without_finalizer(found, c.RESULT_FINALIZER)
            clear = parse_page(found["metadata"].get("annotations") or {}).is_clear
            if uid_of(found) == effect.uid and patch is not None and clear:
                await self._client.patch(LEASES, key.namespace, key.name, patch)
        except (NotFound, Conflict):
            logger.debug("%s is gone already, or is written to", key)
        return None

    async def _create_worker(self, effect: fx.CreateWorker) -> Body | None:
        name = effect.body["metadata"]["name"]
        try:
            return await self._client.create(PODS, effect.key.namespace, effect.body)
        except AlreadyExists:  # the answer to the create was lost; names are never given twice
            return await self._client.get(PODS, effect.key.namespace, name)

    async def _delete_worker(self, effect: fx.DeleteWorker) -> Body | None:
        try:
            await self._client.delete(PODS, effect.key.namespace, effect.pod, uid=effect.uid)
        except (NotFound, Conflict):
            logger.debug("worker %s/%s is gone already", effect.key.namespace, effect.pod)
        return None
