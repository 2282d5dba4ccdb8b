"""One Lease as a contender reads and writes it: how it was last seen, and since when."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from spectra_operator.kube.errors import AlreadyExists, Conflict, KubeError, NotFound
from spectra_operator.kube.lease_record import (
    Candidacy,
    free_in,
    freed,
    holder_of,
    may_take,
    spec_of,
    taken_by,
)
from spectra_operator.kube.resources import LEASES, Body

if TYPE_CHECKING:
    from spectra_operator.kube.client import KubeClient
    from spectra_operator.kube.clock import Clock

logger = logging.getLogger(__name__)

RELEASE_ATTEMPTS = 3


class LeaseObject:
    """Reads one Lease, writes us in and out; when to do so is for others to say.

    Attributes:
        seen: The Lease as it was last read, written or told of; None for none.
    """

    def __init__(self, client: KubeClient, clock: Clock, candidacy: Candidacy) -> None:
        """Know of no Lease yet; nothing is asked of the server."""
        self.seen: Body | None = None
        self._client = client
        self._clock = clock
        self._candidacy = candidacy
        self._since = 0.0

    @property
    def holder(self) -> str:
        """Who held it when last seen; empty for nobody."""
        return holder_of(self.seen)

    def told(self, annotation: str) -> str:
        """Return what the holder tells of itself, as last seen; empty for nothing."""
        if not self.holder or self.seen is None:
            return ""
        found = self.seen["metadata"].get("annotations") or {}
        return str(found.get(annotation, ""))

    def note(self, body: Body) -> None:
        """Take it in as it is now; its expiry starts anew when that is not as we last saw it."""
        if self.seen is None or spec_of(self.seen) != spec_of(body):
            self._since = self._clock.monotonic()
        self.seen = body

    def free_in(self) -> float:
        """Return after how many seconds it may be taken, as last seen; 0 for now."""
        identity = self._candidacy.identity
        return free_in(spec_of(self.seen), identity=identity, unchanged_seconds=self._unchanged())

    async def look(self) -> Body | None:
        """Read it; None for none.

        Raises:
            KubeError: It could not be read.
        """
        try:
            found = await self._client.get(LEASES, self._candidacy.namespace, self._candidacy.name)
        except NotFound:
            self.seen = None  # who fails to make it anew holds nothing
            return None
        self.note(found)
        return found

    async def take(self, found: Body | None) -> bool:
        """Write ourselves in as the holder of what was just found; return whether we are.

        Raises:
            KubeError: The write failed; it may have arrived all the same.
        """
        ours, spec = self._candidacy, spec_of(found)
        if not may_take(spec, identity=ours.identity, unchanged_seconds=self._unchanged()):
            return False
        body = taken_by(ours, found, self._clock.now())
        try:
            if found is None:
                written = await self._client.create(LEASES, ours.namespace, body)
            else:
                written = await self._client.replace(LEASES, ours.namespace, ours.name, body)
        except (Conflict, AlreadyExists):
            return False  # someone else was faster; the next look shows who
        self.note(written)
        return True

    async def free(self) -> None:
        """Write ourselves out, so that a successor need not wait for its expiry.

        A server that cannot be reached is left alone: the Lease then expires by itself.
        """
        for _ in range(RELEASE_ATTEMPTS):
            try:
                await self._write_free()
            except Conflict:
                continue  # a renewal of ours was still on its way; look again
            except KubeError as error:
                name = self._candidacy.name
                logger.warning("lease %s not given back, it will expire: %s", name, error)
            return

    async def _write_free(self) -> None:
        ours, found = self._candidacy, await self.look()
        if found is None or self.holder != ours.identity:
            return
        body = found | {"spec": freed(spec_of(found), now=self._clock.now())}
        self.note(await self._client.replace(LEASES, ours.namespace, ours.name, body))

    def _unchanged(self) -> float:
        """Return for how many seconds we have seen it exactly so."""
        return self._clock.monotonic() - self._since
