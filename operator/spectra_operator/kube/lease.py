"""One Lease, held by at most one process at a time.

The rules are client-go's: a resourceVersion-guarded update takes or renews the Lease; whether
another's has expired is judged only by how long *we* have seen it unchanged, never by
comparing two machines' clocks. A Lease does not fence: whoever holds it checks `held()` before
each write, and its writes are idempotent.

Beyond client-go, who waits and who holds also watch the Lease. So a released one changes hands
at once, and a holder stops at once when somebody deletes the Lease or writes another in: the
others may take it from that moment. Without that watch it is found by the next attempt.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from spectra_operator.kube.errors import KubeError
from spectra_operator.kube.lease_object import LeaseObject
from spectra_operator.kube.lease_record import Candidacy, renewed_at
from spectra_operator.kube.lease_watch import FollowsLease, LeaseWatch, is_free, loss
from spectra_operator.kube.resources import Body, uid_of, version_of
from spectra_operator.kube.waits import bounded, cancelled
from spectra_operator.kube.watching import WatchEvent

if TYPE_CHECKING:
    from datetime import datetime

    from spectra_operator.kube.client import KubeClient
    from spectra_operator.kube.clock import Clock

logger = logging.getLogger(__name__)


class LeaseLock:
    """Competes for one Lease, renews it, gives it back.

    Attributes:
        before: The Lease as it was before our term; None for none.
    """

    def __init__(
        self,
        client: KubeClient,
        clock: Clock,
        candidacy: Candidacy,
        watch: FollowsLease | None = None,
    ) -> None:
        """Prepare to compete; nothing is asked of the server yet.

        Args:
            client: A client of the lock's own, so that busy traffic cannot delay a renewal.
            clock: Measures everything; its wall time is only shown to people.
            candidacy: Which Lease, for whom.
            watch: What follows the Lease; None for a watch of its own.
        """
        self._clock = clock
        self._times = candidacy.times
        self._name = candidacy.name
        self._identity = candidacy.identity
        self._lease = LeaseObject(client, clock, candidacy)
        self._renewed_at: float | None = None
        self.before: Body | None = None
        self._released = asyncio.Event()
        self._woken = asyncio.Event()  # ends the pause between attempts to take the Lease
        self._lost = asyncio.Event()  # the watch has told of it; over with the next `run`
        pause = self._times.retry_period
        self._watch = watch or LeaseWatch(
            client, clock, candidacy.namespace, candidacy.name, pause=pause
        )

    @property
    def holder(self) -> str:
        """Who held the Lease when last seen; empty for nobody."""
        return self._lease.holder

    @property
    def left_at(self) -> datetime | None:
        """When the holder before our term renewed the Lease last, or gave it back.

        By its own clock; None for nobody. For people and metrics only.
        """
        return renewed_at(self.before)

    def told(self, annotation: str) -> str:
        """Return what the holder tells of itself, as last seen; empty for nothing."""
        return self._lease.told(annotation)

    def observe(self, body: Body) -> None:
        """Take in the Lease as a watch of many tells of it."""
        seen = self._lease.seen
        if seen is None or version_of(body) > version_of(seen):
            self._heard(WatchEvent("MODIFIED", body))
            self._lease.note(body)

    def forget(self, body: Body) -> None:
        """Take in that the Lease was deleted, which was so before."""
        seen = self._lease.seen
        if seen is not None and uid_of(body) == uid_of(seen):
            self._lease.seen = None
            self._stop("it was deleted")
            self._woken.set()

    def free_in(self) -> float:
        """Return after how many seconds the Lease may be taken, as last seen; 0 for now."""
        return self._lease.free_in()

    def held(self) -> bool:
        """Return whether we may write now.

        True only while the last successful renewal *started* less than duration - margin ago:
        nobody else can have taken the Lease in that time, unless somebody deleted it or wrote
        another in, of which the watch tells.
        """
        if self._renewed_at is None or self._released.is_set() or self._lost.is_set():
            return False
        age = self._clock.monotonic() - self._renewed_at
        return age < self._times.duration - self._times.margin

    async def run(
        self, on_acquired: Callable[[], Awaitable[None]], on_lost: Callable[[], None]
    ) -> None:
        """Compete until the Lease is ours, hold it, return when the term is over.

        Call it again to compete again. Cancelling it stops renewing without giving the Lease
        back; `release` does.

        Args:
            on_acquired: Awaited beside the renewals; may last as long as the term. Cancelled
                when the term is over. When it raises, the term is over, the Lease is given back
                for who can do better, and this raises too.
            on_lost: Called at once when the term is over, unless by `release`: when the Lease is
                lost, when `on_acquired` raises, when this is cancelled.
        """
        self._lost.clear()
        watching = asyncio.ensure_future(self._watch.run(lambda: self._lease.seen, self._heard))
        try:
            await self._acquire()
            if self._released.is_set():
                await self._give_back()  # an attempt under way has succeeded all the same
                return
            await self._term(asyncio.ensure_future(on_acquired()), on_lost)
        finally:
            await cancelled(watching)

    async def _term(self, work: asyncio.Future[None], on_lost: Callable[[], None]) -> None:
        try:
            await self._hold(work)
        finally:
            failed = self.held() and _has_failed(work)
            self._renewed_at = None
            if not self._released.is_set():
                on_lost()
            await cancelled(work)
            if failed:
                await self._lease.free()

    async def release(self) -> None:
        """Give the Lease back so that a successor need not wait for its expiry.

        Stop writing first, and call it from outside of `on_acquired`, which it ends. `held()`
        is false from the call on and the lock competes no more.
        A server that cannot be reached is left alone: the Lease then expires by itself.
        """
        self._released.set()
        self._woken.set()
        await self._give_back()

    def reopen(self) -> None:
        """Be ready to compete again after `release`, when `run` has returned."""
        self._released.clear()

    async def _give_back(self) -> None:
        was_ours = self._renewed_at is not None
        self._renewed_at = None
        if was_ours:
            await self._lease.free()

    async def _acquire(self) -> None:
        while not self._released.is_set():
            self._woken.clear()
            if await bounded(self._clock, self._attempt(), self._times.renew_deadline):
                logger.info("lease %s acquired as %s", self._name, self._identity)
                return
            await bounded(self._clock, self._woken.wait(), self._times.retry_period)

    def _heard(self, event: WatchEvent) -> None:
        """Take the Lease as soon as it is free; stop as soon as it is not ours any more."""
        seen = self._lease.seen
        if self._renewed_at is None or seen is None:
            if is_free(event):
                self._woken.set()
            return
        why = loss(event, seen, self._identity)
        if why:
            self._stop(why)

    def _stop(self, why: str) -> None:
        if self._renewed_at is not None and not self._lost.is_set():
            logger.error("lease %s lost: %s", self._name, why)
            self._lost.set()

    async def _hold(self, work: asyncio.Future[None]) -> None:
        """Renew until the term is over."""
        renewing = asyncio.ensure_future(self._renew_while(work))
        lost = asyncio.ensure_future(self._lost.wait())
        try:
            await asyncio.wait({renewing, lost}, return_when=asyncio.FIRST_COMPLETED)
            if renewing.done():
                renewing.result()
        finally:
            await cancelled(lost)
            await cancelled(renewing)

    async def _renew_while(self, work: asyncio.Future[None]) -> None:
        while not self._released.is_set():
            await bounded(self._clock, self._released_or_failed(work), self._times.retry_period)
            if self._released.is_set():
                return
            left = self._times.renew_deadline - self._age()
            if left <= 0 or not await self._renewed_within(left):
                logger.error("lease %s lost: not renewed in time", self._name)
                return

    async def _renewed_within(self, seconds: float) -> bool:
        """Try once; return whether the Lease is, or may still be, ours."""
        if await bounded(self._clock, self._attempt(), seconds):
            return True
        return self.holder == self._identity and self._age() < self._times.renew_deadline

    async def _released_or_failed(self, work: asyncio.Future[None]) -> None:
        """Last until the lock is released; raise as soon as the work has failed."""
        released = asyncio.ensure_future(self._released.wait())
        try:
            either: set[asyncio.Future[Any]] = {released, work}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                work.result()
            await released
        finally:
            await cancelled(released)

    def _age(self) -> float:
        if self._renewed_at is None:
            return self._times.duration
        return self._clock.monotonic() - self._renewed_at

    async def _attempt(self) -> bool:
        """Take or renew the Lease once; return whether it is ours now."""
        started = self._clock.monotonic()
        try:
            found = await self._lease.look()
            if not await self._lease.take(found):
                return False
        except KubeError as error:
            logger.warning("lease %s: %s", self._name, error)
            return False
        if self._renewed_at is None:
            self.before = found
        self._renewed_at = started
        return True


def _has_failed(work: asyncio.Future[None]) -> bool:
    return work.done() and not work.cancelled() and work.exception() is not None
