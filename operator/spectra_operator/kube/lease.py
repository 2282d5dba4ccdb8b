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
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from spectra_operator.kube.errors import AlreadyExists, Conflict, KubeError, NotFound
from spectra_operator.kube.lease_record import (
    LeaseTimes,
    free_in,
    freed,
    holder_of,
    may_take,
    renewed_at,
    spec_of,
    taken,
)
from spectra_operator.kube.lease_watch import FollowsLease, LeaseWatch, is_free, loss
from spectra_operator.kube.resources import LEASES, Body, uid_of, version_of
from spectra_operator.kube.waits import bounded, cancelled
from spectra_operator.kube.watching import WatchEvent

if TYPE_CHECKING:
    from datetime import datetime

    from spectra_operator.kube.client import KubeClient
    from spectra_operator.kube.clock import Clock

__all__ = ["LeaseLock", "LeaseTimes"]

logger = logging.getLogger(__name__)

RELEASE_ATTEMPTS = 3


class LeaseLock:
    """Competes for one Lease, renews it, gives it back.

    Attributes:
        left_at: When the holder before our term renewed the Lease last, or gave it back, by its
            own clock; None for nobody. For people and metrics only.
    """

    def __init__(  # noqa: PLR0913 - which Lease and for whom (3), and what it needs for that (4)
        self,
        client: KubeClient,
        *,
        namespace: str,
        name: str,
        identity: str,
        clock: Clock,
        times: LeaseTimes | None = None,
        annotations: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
        watch: FollowsLease | None = None,
    ) -> None:
        """Prepare to compete; nothing is asked of the server yet.

        Args:
            client: A client of the lock's own, so that busy traffic cannot delay a renewal.
            namespace: Where the Lease lives.
            name: Of the Lease; created when missing.
            identity: Unique to this process, not only to its pod: a restarted container must
                not take itself for its predecessor.
            clock: Measures everything; its wall time is only shown to people.
            times: None for 15/10/2 seconds and a margin of 3.
            annotations: What others are to know of the holder; written with the Lease.
            labels: By which the Lease can be listed; written with it.
            watch: What follows the Lease; None for a watch of its own.
        """
        self._client = client
        self._namespace = namespace
        self._name = name
        self._identity = identity
        self._clock = clock
        self._times = times or LeaseTimes()
        self._annotations = dict(annotations or {})
        self._labels = dict(labels or {})
        self._seen: Body | None = None
        self._seen_at = 0.0
        self._renewed_at: float | None = None
        self.left_at: datetime | None = None
        self._released = asyncio.Event()
        self._woken = asyncio.Event()  # ends the pause between attempts to take the Lease
        self._lost = asyncio.Event()  # the watch has told of it; over with the next `run`
        pause = self._times.retry_period
        self._watch = watch or LeaseWatch(client, clock, namespace, name, pause=pause)

    @property
    def holder(self) -> str:
        """Who held the Lease when last seen; empty for nobody."""
        return holder_of(self._seen)

    def told(self, annotation: str) -> str:
        """Return what the holder tells of itself, as last seen; empty for nothing."""
        if not self.holder or self._seen is None:
            return ""
        found = self._seen["metadata"].get("annotations") or {}
        return str(found.get(annotation, ""))

    def observe(self, body: Body) -> None:
        """Take in the Lease as a watch of many tells of it."""
        if self._seen is None or version_of(body) > version_of(self._seen):
            self._heard(WatchEvent("MODIFIED", body))
            self._observe(body)

    def forget(self, body: Body) -> None:
        """Take in that the Lease was deleted, which was so before."""
        if self._seen is not None and uid_of(body) == uid_of(self._seen):
            self._seen = None
            self._stop("it was deleted")
            self._woken.set()

    def free_in(self) -> float:
        """Return after how many seconds the Lease may be taken, as last seen; 0 for now."""
        unchanged = self._clock.monotonic() - self._seen_at
        spec = spec_of(self._seen)
        return free_in(spec, identity=self._identity, unchanged_seconds=unchanged)

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
        watching = asyncio.ensure_future(self._watch.run(lambda: self._seen, self._heard))
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
                await self._free()

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
            await self._free()

    async def _free(self) -> None:
        for _ in range(RELEASE_ATTEMPTS):
            try:
                await self._write_free()
            except Conflict:
                continue  # a renewal of ours was still on its way; look again
            except KubeError as error:
                logger.warning("lease %s not given back, it will expire: %s", self._name, error)
            return

    async def _acquire(self) -> None:
        while not self._released.is_set():
            self._woken.clear()
            if await bounded(self._clock, self._attempt(), self._times.renew_deadline):
                logger.info("lease %s acquired as %s", self._name, self._identity)
                return
            await bounded(self._clock, self._woken.wait(), self._times.retry_period)

    def _heard(self, event: WatchEvent) -> None:
        """Take the Lease as soon as it is free; stop as soon as it is not ours any more."""
        if self._renewed_at is None or self._seen is None:
            if is_free(event):
                self._woken.set()
            return
        why = loss(event, self._seen, self._identity)
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
            found = await self._look()
            written = await self._write(found)
        except (Conflict, AlreadyExists):
            return False  # someone else was faster; the next look shows who
        except KubeError as error:
            logger.warning("lease %s: %s", self._name, error)
            return False
        if written is None:
            return False
        self._observe(written)
        if self._renewed_at is None:
            self.left_at = renewed_at(found)
        self._renewed_at = started
        return True

    async def _look(self) -> Body | None:
        try:
            found = await self._client.get(LEASES, self._namespace, self._name)
        except NotFound:
            self._seen = None  # who fails to make it anew holds nothing
            return None
        self._observe(found)
        return found

    async def _write(self, found: Body | None) -> Body | None:
        """Write ourselves in as holder; None while another's Lease is alive."""
        spec = spec_of(found)
        unchanged = self._clock.monotonic() - self._seen_at
        if not may_take(spec, identity=self._identity, unchanged_seconds=unchanged):
            return None
        spec = taken(
            spec, identity=self._identity, now=self._clock.now(), duration=self._times.duration
        )
        if found is not None:
            meta = found["metadata"]
            for field, ours in (("annotations", self._annotations), ("labels", self._labels)):
                told = (meta.get(field) or {}) | ours
                meta = meta | ({field: told} if told else {})
            body = found | {"metadata": meta, "spec": spec}
            return await self._client.replace(LEASES, self._namespace, self._name, body)
        own = {"annotations": self._annotations, "labels": self._labels}
        meta = {"name": self._name, "namespace": self._namespace} | own
        kind = {"apiVersion": LEASES.api_version, "kind": LEASES.kind}
        body = kind | {"metadata": meta, "spec": spec}
        return await self._client.create(LEASES, self._namespace, body)

    def _observe(self, body: Body) -> None:
        """Start the expiry anew when the Lease is not as we last saw it."""
        if self._seen is None or spec_of(self._seen) != spec_of(body):
            self._seen_at = self._clock.monotonic()
        self._seen = body

    async def _write_free(self) -> None:
        found = await self._look()
        if found is None or self.holder != self._identity:
            return
        given_back = found | {"spec": freed(spec_of(found), now=self._clock.now())}
        self._observe(await self._client.replace(LEASES, self._namespace, self._name, given_back))


def _has_failed(work: asyncio.Future[None]) -> bool:
    return work.done() and not work.cancelled() and work.exception() is not None
