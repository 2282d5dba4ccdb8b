"""Waits for those who work by another number of shards, as a replica with a single one does.

It follows no Leases but its own, so it asks, and only where it takes the work over from somebody
with another number. That it holds the Lease makes those who share give all up (`sharing.py`); it
begins when the last of them has done so, or when the Leases of one that died have run out.
"""

from __future__ import annotations

import logging

from ..kube.errors import KubeError
from ..kube.resources import Body
from .lease_book import LeaseBook, Seen
from .leases import LeaseRoom

logger = logging.getLogger(__name__)


class Strangers:
    """Looks for them, for who holds the Lease of the only shard."""

    def __init__(self, room: LeaseRoom) -> None:
        self._room = room

    async def gone(self, before: Body | None) -> None:
        """Return when nobody else holds the Lease of a shard by another number.

        Args:
            before: Our Lease as it was before we took it. If another replica with our number had
                it, nothing is asked: that one has waited, or those who share know of its Lease.
        """
        if before is not None and self._is_like_us(Seen(before, 0.0)):
            return
        book, told = LeaseBook(self._room, lambda *_: None, lambda: None), ""
        while obstacle := await self._obstacle(book):
            if obstacle != told:
                logger.warning("the Lease is held, and the shard not run yet: %s", obstacle)
                told = obstacle
            await self._room.clock.sleep(self._room.times.retry_period)

    def _is_like_us(self, holder: Seen) -> bool:
        return holder.shards == self._room.shards and holder.identity != self._room.identity

    async def _obstacle(self, book: LeaseBook) -> str:
        try:
            await book.informer.refresh()
        except KubeError as error:
            return f"whether others share it cannot be read: {error}"
        names = ", ".join(sorted(book.strangers()))
        return f"other shards are held, by another number of them: {names}" if names else ""
