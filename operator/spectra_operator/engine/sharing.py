"""Shares the shards with the other replicas: as many each, and handed over one by one.

`core/sharing.py` decides from what the Leases say; here its decisions are made to hold. A shard
that somebody runs changes hands only when the replica it is meant for asks for it, and that asks
for one at a time, with its caches filled and its last take-over done: so every other shard goes on
meanwhile, and a replica that is ill asks for nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence

from ..core.sharing import Plan, View, plan
from ..kube.errors import KubeError
from ..kube.informer import Change
from ..kube.resources import LEASES, Body
from ..kube.waits import bounded
from ..observability.debug_page import Table, a_table
from .engine import Engine
from .lease_book import LeaseBook
from .leases import SHARD_LEASE, LeaseRoom
from .presence import Presence
from .shards import PAUSE_SECONDS, KeepsShards, Seat, ShardKeeper

logger = logging.getLogger(__name__)

REST_SECONDS = 30.0
"""How long a replica that could not take a shard over leaves the work to the others."""
ILL_SECONDS = 600.0
"""How long a replica that did not take a free shard which is meant for it is given none."""
_LEAST_WAIT = 0.01
"""Seconds; what is due sooner is due now, give or take a rounding."""
_NOTHING = Plan({}, frozenset(), frozenset(), None)


def keeper_of(engine: Engine, room: LeaseRoom) -> KeepsShards:
    """Return who keeps this replica's shards; a single one cannot be shared."""
    return ShardKeeper(engine, room) if room.shards == 1 else SharingKeeper(engine, room)


class SharingKeeper:
    """Holds this replica's share of the shards."""

    def __init__(self, engine: Engine, room: LeaseRoom) -> None:
        self._engine = engine
        self._room = room
        self._client = room.client
        self._clock = room.clock
        self._woken = asyncio.Event()
        told = self._woken.set
        self._seats = {shard: Seat(engine, shard, room, told) for shard in range(room.shards)}
        self._by_lease = {SHARD_LEASE.format(shard=shard): shard for shard in self._seats}
        self._book = LeaseBook(room, self._saw_shard, self._woken.set)
        self._presence = Presence(room)
        self._terms: dict[int, asyncio.Task[None]] = {}
        self._leaving: set[int] = set()
        self._overdue: dict[int, tuple[str, float]] = {}
        self._ill: dict[str, float] = {}
        self._plan = _NOTHING
        self._released = False

    def address(self, shard: int) -> str:
        """Return where the holder of a shard serves the worker API; empty if nobody knows."""
        return self._seats[shard].address

    async def run(self) -> None:
        """Take part from when the caches are filled until cancelled or released."""
        async with asyncio.TaskGroup() as group:
            following = group.create_task(self._book.informer.run())
            joining = group.create_task(self._join())
            await self._book.informer.synced.wait()
            while not self._released:
                self._woken.clear()
                self._step(group)
                await bounded(self._clock, self._woken.wait(), self._next_look())
            following.cancel()
            joining.cancel()

    async def release(self) -> None:
        """Leave, stop writing and give the Leases back, so that the others go on at once."""
        self._released = True
        self._woken.set()
        gives = (seat.give_back() for seat in self._seats.values())
        await asyncio.gather(self._presence.leave(), *gives)

    def tables(self) -> Sequence[Table]:
        """Return what the status page shows of it."""
        meant = Counter(self._plan.assigned.values())
        holds = Counter(seat.lock.holder for seat in self._seats.values())
        present, now = self._book.present(), self._clock.monotonic()
        rows = [
            (name, name in present, now - each.at, holds[name], meant[name], each.asks)
            for each in sorted(self._book.replicas(), key=lambda each: each.identity)
            if (name := each.identity)
        ]
        columns = ("replica", "present", "quietSeconds", "holds", "share", "asksFor")
        return (a_table("replicas", columns, rows),)

    async def _join(self) -> None:
        """Take part once the caches are filled: what is handed over then is run at once."""
        engine = self._engine
        for caches in (engine.pods, engine.pool.pods, engine.pool.pages):
            await caches.synced.wait()
        await self._presence.run()

    def _saw_shard(self, lease: str, change: Change) -> None:
        shard = self._by_lease.get(lease)
        if shard is None:
            return
        lock = self._seats[shard].lock
        if change.new is not None:
            lock.observe(change.new)
        elif change.old is not None:
            lock.forget(change.old)

    # Deciding

    def _step(self, group: asyncio.TaskGroup) -> None:
        """Look at how things stand, and begin what follows from it."""
        view = self._view()
        self._plan = found = plan(view)
        self._note_overdue(view)
        self._presence.ask(found.asks)
        for shard in self._terms.keys() - found.compete - self._leaving:
            self._leaving.add(shard)
            group.create_task(self._withdraw(shard))
        for shard in found.compete - self._terms.keys() - self._leaving:
            self._terms[shard] = group.create_task(self._term(shard))
        if min(view.members, default="") == self._room.identity:
            for body in self._book.gone():
                group.create_task(self._sweep(body))

    def _view(self) -> View:
        """Return how the Leases stand.

        While anybody works by another number of shards, namespaces belong to other shards for it:
        then none is for us, until it has stopped.
        """
        me, seats, strange = self._room.identity, self._seats, self._book.strangers()
        free = {shard for shard, seat in seats.items() if not seat.lock.free_in()}
        of = {shard: seat.lock.holder for shard, seat in seats.items() if seat.lock.holder}
        return View(
            me=me,
            shards=len(seats),
            members={} if strange else self._members({of[s] for s in free & of.keys()} - {me}),
            holders={s: holder for s, holder in of.items() if holder == me or s not in free},
            free=free,
            running={shard for shard, seat in seats.items() if seat.runs},
            competing=set() if strange else self._terms.keys(),
            forsaken=set() if strange else self._forsaken(),
        )

    def _members(self, deposed: set[str]) -> dict[str, int | None]:
        """Return who shares the shards, and what each asks for.

        Left out is whoever let the Lease of a shard expire, or did not take one that was free; all
        the same they are asked if there is nobody else.
        """
        me, now = self._room.identity, self._clock.monotonic()
        self._ill = {name: until for name, until in self._ill.items() if until > now}
        present = {name: each.asks for name, each in self._book.present().items() if name != me}
        well = {n: asks for n, asks in present.items() if n not in deposed | self._ill.keys()}
        if self._presence.there:
            return well | {me: None}
        return well or present

    def _forsaken(self) -> set[int]:
        """Return the shards that are free and meant for nobody who could take them."""
        late = {s: who for s, (who, at) in self._overdue.items() if self._is_late(at)}
        return {shard for shard, who in late.items() if not who or who in self._ill}

    def _is_late(self, since: float) -> bool:
        return since + self._room.times.duration <= self._clock.monotonic()

    def _note_overdue(self, view: View) -> None:
        """Note since when a free shard has waited for whom, and who has kept one waiting."""
        now, before = self._clock.monotonic(), self._overdue
        meant = {s: self._plan.assigned.get(s, "") for s in view.free - view.holders.keys()}
        waiting = {shard: (who, now) for shard, who in meant.items() if who != view.me}
        same = {s for s, (who, _) in waiting.items() if s in before and before[s][0] == who}
        self._overdue = waiting | {shard: before[shard] for shard in same}
        for shard, (who, since) in self._overdue.items():
            if who and self._is_late(since) and who not in self._ill:
                logger.warning("shard %d: not taken by %s, which is left out", shard, who)
                self._ill[who] = now + ILL_SECONDS
                self._woken.set()

    def _next_look(self) -> float | None:
        """Return after how many seconds something changes by itself; None for nothing."""
        now, me = self._clock.monotonic(), self._room.identity
        duration = self._room.times.duration
        ends = [each.gone_at for each in self._book.leases() if each.identity not in ("", me)]
        ends += [since + duration for _, since in self._overdue.values()]
        ends += self._ill.values()
        locks = (seat.lock for seat in self._seats.values())
        waits = [end - now for end in ends] + [lock.free_in() for lock in locks]
        soonest = min((seconds for seconds in waits if seconds > 0), default=None)
        return None if soonest is None else max(soonest, _LEAST_WAIT)

    # Doing

    async def _term(self, shard: int) -> None:
        try:
            await self._seats[shard].term()
        except KubeError as error:
            logger.warning("shard %d: %s; competing again", shard, error)
            if self._book.present().keys() - {self._room.identity}:
                self._presence.rest(REST_SECONDS)
            await self._clock.sleep(PAUSE_SECONDS)
        finally:
            del self._terms[shard]
            self._woken.set()

    async def _withdraw(self, shard: int) -> None:
        """Give a shard up, for good or until it is ours again."""
        seat, term = self._seats[shard], self._terms.get(shard)
        await seat.give_back()
        if term is not None:
            await asyncio.wait([term])
        seat.clear()
        seat.lock.reopen()
        self._leaving.discard(shard)
        self._woken.set()

    async def _sweep(self, body: Body) -> None:
        """Delete the Lease of a replica that is gone; one that is back meanwhile keeps it."""
        try:
            await self._client.delete_as_read(LEASES, body)
        except KubeError as error:
            logger.debug("lease %s: not deleted: %s", body["metadata"]["name"], error)
