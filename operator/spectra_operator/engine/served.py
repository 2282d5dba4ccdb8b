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


async def wait_until_served(client: KubeClient, clock: Clock, namespace: str = "default") -> None:
    """Return once every kind of ours is served; only a start without CRDs waits here.

    Args:
        client: Where to ask.
        clock: Times the pauses.
        namespace: Where to ask for an object: one in which the operator may.
    """
    for resource in RESOURCES.values():
        while not await _is_served(client, resource, namespace):
            logger.warning("%s are not served yet: install the CRDs", resource.plural)
            await clock.sleep(PAUSE_SECONDS)


async def unserved(client: KubeClient, namespace: str = "default") -> list[str]:
    """Return the plurals of our kinds that the API server does not serve now."""
    return [
        resource.plural
        for resource in RESOURCES.values()
        if not await _is_served(client, resource, namespace)
    ]


async def _is_served(client: KubeClient, resource: Resource, namespace: str) -> bool:
    """Ask for an object that may not exist: only a served kind's refusal names the object."""
    try:
        await client.get(resource, namespace, "x")
    except NotFound as error:
        return bool(error.details.get("name"))
    except KubeError as error:
        logger.warning("%s: %s", resource.plural, error)
        return False
    return True
