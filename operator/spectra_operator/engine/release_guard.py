"""Lets pods go only where no operator works any more, and only where there is such a namespace.

A leader that still runs would start new work while the old is let go, and what it has not recorded
yet would be lost.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from ..api.constants import LABEL_LEASE
from ..kube.client import KubeClient
from ..kube.clock import Clock
from ..kube.errors import Forbidden, NotFound
from ..kube.lease_record import holder_of, may_take, spec_of
from ..kube.resources import LEASES, NAMESPACES, Body, name_of, namespace_of
from .keys import shard_of
from .lease_book import shards_of
from .leases import SHARD, SHARD_LEASE
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


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be let go: all in one namespace, or with None in every one that is served.

    With a `deployment` the operator of that name is stopped first, and its Leases are forgotten.
    """

    namespace: str | None = None
    deployment: str = ""


async def release_guarded(
    client: KubeClient,
    anywhere: KubeClient,
    clock: Clock,
    operator: Installation,
    wanted: Wanted,
) -> int:
    """Let every pod go, in one namespace or all that are served; return how many were held.

    Args:
        client: May read the Leases of the operator, and patch pods and pages.
        anywhere: Lists Leases of all namespaces, whatever the operator serves.
        clock: Judges how long a Lease has been left alone.
        operator: Whose leaders must not be at work there.
        wanted: What is let go.

    Raises:
        RefusedError: A leader still works there, or there is no such namespace.
        KubeError: The API server refused, or a pod kept changing.
    """
    namespace, deployment = wanted.namespace, wanted.deployment
    there = await _is_there(client, namespace)
    # Who names a Deployment that is there has the settings from where it was installed.
    certain = await stop_operator(client, clock, operator.namespace, deployment)
    look = Look(anywhere, operator, namespace, certain)
    await _until_nobody_leads(look, clock)
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


Place = tuple[str, str]
"""Namespace and name of a Lease."""


@dataclass(frozen=True, slots=True)
class Look:
    """Finds who may work in what is to be released.

    Attributes:
        client: May read Leases.
        operator: Whose leaders must not be at work there.
        namespace: What is to be released; None for all.
        certain: The operator's settings are known to be its own, not typed by somebody.
    """

    client: KubeClient
    operator: Installation
    namespace: str | None
    certain: bool

    async def held(self) -> dict[Place, Body]:
        """Return the Leases that somebody holds.

        The settings may not be the operator's own. Where a Lease that they name does not exist
        those of all operators count that one may look at; and in their namespace, where only one
        operator can be, always those of who has another number of shards.
        """
        home = self.operator.namespace
        places = [(home, name) for name in self.operator.leases_of(self.namespace)]
        found = {place: await self.read(place) for place in places}
        if places and not self.certain:
            there = await self._of_all()
            if None not in found.values():
                there = {k: lease for k, lease in there.items() if self._differs(k, lease)}
            found |= there
        return {place: lease for place, lease in found.items() if lease and holder_of(lease)}

    async def read(self, place: Place) -> Body | None:
        """Return a Lease; None for none."""
        try:
            return await self.client.get(LEASES, *place)
        except NotFound:
            return None

    def refusal(self, place: Place, holder: str) -> str:
        """Return why nothing is let go, and what to do."""
        home, lease = place
        ours = home == self.operator.namespace and lease in self.operator.leases_of(self.namespace)
        why = _working(holder, place) if ours else self._another(holder, place)
        if self.namespace is None:
            return why
        others = "SPECTRA_OPERATOR_WATCH_NAMESPACES"
        return f"{why}. If it serves {self.namespace} no more, set {others} to what it does serve"

    def _another(self, holder: str, place: Place) -> str:
        return (
            f"{holder} may work in what is to be released: it renews Lease {'/'.join(place)}, and"
            f" in namespace {self.operator.namespace} there is not every Lease that the settings"
            " name. Set SPECTRA_OPERATOR_NAMESPACE and SPECTRA_OPERATOR_SHARDS to the operator's"
            " own"
        )

    def _differs(self, place: Place, lease: Body) -> bool:
        return place[0] == self.operator.namespace and shards_of(lease) != self.operator.shards

    async def _of_all(self) -> dict[Place, Body]:
        found: dict[Place, Body] = {}
        for where in (None, self.operator.namespace):
            try:
                selector = f"{LABEL_LEASE}={SHARD}"
                listing = await self.client.list(LEASES, where, label_selector=selector)
            except Forbidden:
                continue
            found |= {_place(each): each for each in listing.items}
        return found


async def _until_nobody_leads(look: Look, clock: Clock) -> None:
    """Wait until every Lease is free or has expired; refuse as soon as one is renewed.

    As with whoever competes for a Lease, expiry is judged by how long it was seen unchanged.
    """
    held = await look.held()
    for (_, name), lease in held.items():
        told = "Lease %s is held by %s; waiting for up to %s s to see whether that one lives"
        logger.info(told, name, holder_of(lease), spec_of(lease).get("leaseDurationSeconds"))
    begun = clock.monotonic()
    while held:
        await clock.sleep(PAUSE_SECONDS)
        for place, seen in list(held.items()):
            now = await look.read(place)
            same = spec_of(now) == spec_of(seen)
            unchanged = clock.monotonic() - begun if same else 0.0
            if may_take(spec_of(now), identity="", unchanged_seconds=unchanged):
                del held[place]
            elif not same:
                raise RefusedError(look.refusal(place, holder_of(now)))


def _working(holder: str, place: Place) -> str:
    home, lease = place
    return (
        f"{holder} still works in what is to be released: it renews Lease {home}/{lease}. Stop the"
        f" operator first: scale its Deployment in namespace {home} to 0"
    )


def _place(lease: Body) -> Place:
    return str(namespace_of(lease)), name_of(lease)
