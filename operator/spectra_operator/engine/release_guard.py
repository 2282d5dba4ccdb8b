"""Lets pods go only where no operator works any more, and only where there is such a namespace.

A leader that still runs would start new work while the old is let go, and what it has not recorded
yet would be lost.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from ..kube.client import KubeClient
from ..kube.clock import Clock
from ..kube.errors import Forbidden, NotFound
from ..kube.lease_record import holder_of, may_take, spec_of
from ..kube.resources import LEASES, NAMESPACES, Body
from .keys import shard_of
from .leases import SHARD_LEASE
from .release import release_all
from .uninstall import PAUSE_SECONDS, forget_leases, stop_operator

logger = logging.getLogger(__name__)


class RefusedError(Exception):
    """Nothing is let go; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Installation:
    """An operator by its settings: where its Leases are, how many, and what it serves.

    Without any namespace in `served` it serves all.
    """

    namespace: str
    shards: int = 1
    served: tuple[str, ...] = ()

    def leases_of(self, namespace: str | None) -> list[str]:
        """Return the Leases whose holders work in a namespace; with None, in any that is served."""
        return [SHARD_LEASE.format(shard=shard) for shard in sorted(self._shards_of(namespace))]

    def _shards_of(self, namespace: str | None) -> set[int]:
        if namespace is None:
            return {shard_of(place, self.shards) for place in self.served} or {*range(self.shards)}
        served = not self.served or namespace in self.served
        return {shard_of(namespace, self.shards)} if served else set()


async def release_guarded(
    client: KubeClient,
    clock: Clock,
    operator: Installation,
    namespace: str | None,
    deployment: str = "",
) -> int:
    """Let every pod go, in one namespace or all that are served; return how many were held.

    Args:
        client: May read the Leases of the operator, and patch pods and pages.
        clock: Judges how long a Lease has been left alone.
        operator: Whose leaders must not be at work there.
        namespace: None for all.
        deployment: First stop the operator of this name, and at last forget its Leases.

    Raises:
        RefusedError: A leader still works there, or there is no such namespace.
        KubeError: The API server refused, or a pod kept changing.
    """
    there = await _is_there(client, namespace)
    if deployment:
        await stop_operator(client, clock, operator.namespace, deployment)
    await _until_nobody_leads(client, clock, operator, namespace)
    count = await release_all(client, namespace)
    if not count and not there:
        what = f"nothing is held in namespace {namespace}, and it is not known whether it exists"
        raise RefusedError(f"{what}: grant get on namespaces, or look with kubectl get namespace")
    if deployment:
        await forget_leases(client, operator.namespace, operator.shards)
    return count


async def _is_there(client: KubeClient, namespace: str | None) -> bool:
    """Return whether a namespace certainly exists; False where one may not look."""
    if namespace is None:
        return True
    try:
        await client.get(NAMESPACES, None, namespace)
    except NotFound:
        raise RefusedError(f"namespace {namespace} does not exist") from None
    except Forbidden:
        return False
    return True


async def _until_nobody_leads(
    client: KubeClient, clock: Clock, operator: Installation, namespace: str | None
) -> None:
    """Wait until every Lease is free or has expired; refuse as soon as one is renewed.

    As with whoever competes for a Lease, expiry is judged by how long it was seen unchanged.
    """
    held: dict[str, Body] = {}
    for name in operator.leases_of(namespace):
        lease = await _read(client, operator.namespace, name)
        if lease is not None and holder_of(lease):
            held[name] = lease
            told = "Lease %s is held by %s; waiting for up to %s s to see whether that one lives"
            lasts = spec_of(lease).get("leaseDurationSeconds")
            logger.info(told, name, holder_of(lease), lasts)
    begun = clock.monotonic()
    while held:
        await clock.sleep(PAUSE_SECONDS)
        for name, seen in list(held.items()):
            now = await _read(client, operator.namespace, name)
            same = spec_of(now) == spec_of(seen)
            unchanged = clock.monotonic() - begun if same else 0.0
            if may_take(spec_of(now), identity="", unchanged_seconds=unchanged):
                del held[name]
            elif not same:
                raise RefusedError(_still_led(operator, name, holder_of(now), namespace))


async def _read(client: KubeClient, namespace: str, name: str) -> Body | None:
    try:
        return await client.get(LEASES, namespace, name)
    except NotFound:
        return None


def _still_led(operator: Installation, lease: str, holder: str, namespace: str | None) -> str:
    text = (
        f"{holder} still works in what is to be released: it renews Lease"
        f" {operator.namespace}/{lease}. Stop the operator first, for instance with kubectl scale"
        f" -n {operator.namespace} deployment/spectra-operator --replicas=0"
    )
    if namespace is None:
        return text
    others = "SPECTRA_OPERATOR_WATCH_NAMESPACES"
    return f"{text}. If it serves {namespace} no more, set {others} to what it does serve"
