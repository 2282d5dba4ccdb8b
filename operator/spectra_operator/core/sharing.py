"""Which replica runs which shard: as many each, give or take one, and few moves.

Every replica works this out by itself from what the Leases say; the same facts give the same answer
everywhere. It is a hint all the same: facts reach replicas at different moments, and only the Lease
of a shard says who may write there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class View:
    """The Leases as a replica sees them at one moment.

    Attributes:
        me: The identity of this replica.
        shards: How many there are.
        members: The replicas that share the shards, and the shard that each asks for, if any.
        holders: Who holds which shard; those that nobody holds are missing.
        free: Shards whose Lease can be taken: nobody's, expired or our own.
        running: Shards that this replica runs, with its take-over done.
        competing: Shards whose Lease this replica holds or tries to take.
        forsaken: Shards that have been free for so long that anybody may take them.
    """

    me: str
    shards: int
    members: Mapping[str, int | None]
    holders: Mapping[int, str]
    free: AbstractSet[int] = frozenset()
    running: AbstractSet[int] = frozenset()
    competing: AbstractSet[int] = frozenset()
    forsaken: AbstractSet[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Plan:
    """What a replica does about the shards.

    Attributes:
        assigned: Which replica each shard is meant for.
        compete: Shards whose Lease it tries to take, or goes on to hold.
        hand_over: Shards that it gives up now, as the replica they are meant for is ready.
        asks: The shard that it asks its holder for, if any.
    """

    assigned: Mapping[int, str]
    compete: frozenset[int]
    hand_over: frozenset[int]
    asks: int | None


def assign(shards: int, members: Collection[str], holders: Mapping[int, str]) -> dict[int, str]:
    """Return which member each shard is meant for; empty without members.

    The numbers of any two members differ by one at most. No other even assignment leaves more
    shards where they are.
    """
    room = _quotas(shards, members, holders)
    assigned: dict[int, str] = {}
    for shard in range(shards):
        holder = holders.get(shard, "")
        if room.get(holder):
            assigned[shard] = holder
            room[holder] -= 1
    for shard in range(shards if room else 0):
        if shard not in assigned:
            member = min(room, key=lambda name: (-room[name], name))
            assigned[shard] = member
            room[member] -= 1
    return assigned


def plan(view: View) -> Plan:
    """Return what to do."""
    assigned = assign(view.shards, view.members, view.holders)
    mine = {shard for shard, member in assigned.items() if member == view.me}
    hand_over = {shard for shard in view.running if _is_awaited(shard, assigned, view)}
    compete = mine & view.free
    compete |= {shard for shard in view.competing if view.holders.get(shard) == view.me}
    compete |= view.forsaken
    return Plan(
        assigned=assigned,
        compete=frozenset(compete - hand_over),
        hand_over=frozenset(hand_over),
        asks=_wish(mine, view),
    )


def _quotas(shards: int, members: Collection[str], holders: Mapping[int, str]) -> dict[str, int]:
    """Return how many shards each member is to have: the odd ones go to who has most already."""
    if not members:
        return {}
    has = Counter(holders.values())
    least, odd = divmod(shards, len(members))
    order = sorted(members, key=lambda name: (-has[name], name))
    return {name: least + (place < odd) for place, name in enumerate(order)}


def _is_awaited(shard: int, assigned: Mapping[int, str], view: View) -> bool:
    """Whether another replica is to have a shard, and is ready for it."""
    member = assigned.get(shard, view.me)
    return member != view.me and view.members.get(member) == shard


def _wish(mine: AbstractSet[int], view: View) -> int | None:
    """Return the shard to ask for: one after the other, and none while we take another over."""
    missing = mine - view.running
    if missing & view.free:
        return None
    return min(missing, default=None)
