"""What comes before the operator is uninstalled: it stops, and what it holds goes.

A leader that still runs would make new pods while the old ones are let go.
"""

from __future__ import annotations

import logging

from ..api.constants import LABEL_LEASE
from ..kube.client import KubeClient
from ..kube.clock import Clock
from ..kube.errors import NotFound
from ..kube.resources import DEPLOYMENTS, LEASES, PODS, Body, name_of
from .leases import SHARD_LEASE

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 1.0


async def stop_operator(client: KubeClient, clock: Clock, namespace: str, deployment: str) -> bool:
    """Scale the operator's Deployment to zero and return when its last pod has ended.

    A Deployment that is gone has stopped, and no name is none.

    Returns:
        Whether it is there.

    Raises:
        KubeError: the API server refused.
    """
    if not deployment:
        return False
    none: Body = {"spec": {"replicas": 0}}
    try:
        scale = await client.patch(DEPLOYMENTS, namespace, deployment, none, subresource="scale")
    except NotFound:
        return False
    selector = scale["status"]["selector"]
    while running := await _running(client, namespace, selector):
        logger.info("waiting for the operator's pods to end: %s", ", ".join(running))
        await clock.sleep(PAUSE_SECONDS)
    return True


async def forget_leases(client: KubeClient, namespace: str, shards: int) -> None:
    """Delete the Leases of shards and replicas; nobody holds them any more.

    Raises:
        KubeError: the API server refused.
    """
    listing = await client.list(LEASES, namespace, label_selector=LABEL_LEASE)
    unlabelled = {SHARD_LEASE.format(shard=shard) for shard in range(shards)}  # of before the label
    for name in sorted(unlabelled | {name_of(lease) for lease in listing.items}):
        try:
            await client.delete(LEASES, namespace, name)
        except NotFound:
            continue


async def _running(client: KubeClient, namespace: str, selector: str) -> list[str]:
    listing = await client.list(PODS, namespace, label_selector=selector)
    return [
        name_of(pod)
        for pod in listing.items
        if (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed")
    ]
