"""Waits until the API server serves our kinds: what is not served at its start, kopf never sees."""

from __future__ import annotations

import logging

from ..kube.client import KubeClient
from ..kube.clock import Clock
from ..kube.errors import KubeError, NotFound
from ..kube.resources import Resource
from .keys import RESOURCES

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 1.0


async def wait_until_served(client: KubeClient, clock: Clock) -> None:
    """Return once every kind of ours is served; only a start without CRDs waits here."""
    for resource in RESOURCES.values():
        while not await _is_served(client, resource):
            logger.warning("%s are not served yet: install the CRDs", resource.plural)
            await clock.sleep(PAUSE_SECONDS)


async def _is_served(client: KubeClient, resource: Resource) -> bool:
    """Ask for an object that may not exist: only a served kind's refusal names the object."""
    try:
        await client.get(resource, "default", "x")
    except NotFound as error:
        return bool(error.details.get("name"))
    except KubeError as error:
        logger.warning("%s: %s", resource.plural, error)
        return False
    return True
