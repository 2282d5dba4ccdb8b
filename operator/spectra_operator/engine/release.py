"""Lets all pods go: for the uninstall, or when the operator was removed before its runs."""

from __future__ import annotations

from ..api import constants as c
from ..kube.client import KubeClient
from ..kube.errors import Conflict, NotFound
from ..kube.patches import without_finalizer
from ..kube.resources import LEASES, PODS, Body, Resource

_TRIES = 5


async def release_all(client: KubeClient, namespace: str | None) -> int:
    """Take our finalizer off every pod, in one namespace or all; return how many had it.

    Raises:
        KubeError: the API server refused, or a pod kept changing.
    """
    listing = await client.list(
        PODS, namespace, label_selector=f"{c.MANAGED_BY}={c.MANAGER},{c.LABEL_PHASE_UID}"
    )
    await _release_pages(client, namespace)
    held = [p for p in listing.items if c.RESULT_FINALIZER in p["metadata"].get("finalizers", ())]
    for pod in held:
        await _release(client, pod)
    return len(held)


async def _release_pages(client: KubeClient, namespace: str | None) -> None:
    """Take our finalizer off the pages of workers, too."""
    listing = await client.list(LEASES, namespace, label_selector=c.PAGE_SELECTOR)
    for page in listing.items:
        await _release(client, page, LEASES)


async def _release(client: KubeClient, pod: Body, resource: Resource = PODS) -> None:
    meta = pod["metadata"]
    for last in [False] * _TRIES + [True]:
        patch = without_finalizer(pod, c.RESULT_FINALIZER)
        if patch is None:
            return
        try:
            await client.patch(resource, meta["namespace"], meta["name"], patch)
        except NotFound:
            return
        except Conflict:
            if last:
                raise
            pod = await client.get(resource, meta["namespace"], meta["name"])
        else:
            return
