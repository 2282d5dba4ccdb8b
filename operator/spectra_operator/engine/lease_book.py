"""What the watch of Leases tells: which replicas there are, and how each shard's Lease stands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from ..api.constants import ANNOTATION_ASKS, ANNOTATION_SHARDS
from ..kube.informer import Change, Informer
from ..kube.lease_record import holder_of, spec_of
from ..kube.resources import LEASES, Body, name_of
from .leases import REPLICA_PREFIX, SHARD_PREFIX, LeaseRoom


@dataclass(frozen=True, slots=True)
class Seen:
    """A Lease as it was last seen.

    Attributes:
        body: The Lease.
        at: When it was first seen so, by our clock.
    """

    body: Body
    at: float

    @property
    def identity(self) -> str:
        """Who holds it, which is the replica itself for that of a replica; empty for nobody."""
        return holder_of(self.body)

    @property
    def asks(self) -> int | None:
        """Of a replica: the shard that it is ready to take over, if any."""
        return _number(self.body, ANNOTATION_ASKS)

    @property
    def shards(self) -> int | None:
        """How many shards there are for the holder; None for one that does not tell."""
        return shards_of(self.body)

    @property
    def gone_at(self) -> float:
        """When the holder counts as gone unless it renews the Lease: by our clock alone."""
        return self.at + float(spec_of(self.body).get("leaseDurationSeconds") or 0)


class LeaseBook:
    """Follows the Leases of shards and replicas.

    All Leases of the namespace are watched, as those of an older version have no label.

    `on_shard` is told of every change of a shard's Lease, by its name; `on_change` when something
    has changed beyond a renewal.
    """

    def __init__(
        self,
        room: LeaseRoom,
        on_shard: Callable[[str, Change], None],
        on_change: Callable[[], None],
    ) -> None:
        self._room = room
        self._on_shard = on_shard
        self._on_change = on_change
        self._seen: dict[str, Seen] = {}
        self.informer = Informer(
            room.client,
            LEASES,
            clock=room.clock,
            on_change=self._take_in,
            namespace=room.namespace,
        )

    def leases(self) -> Iterable[Seen]:
        """Return all Leases of shards and replicas."""
        return self._seen.values()

    def replicas(self) -> Iterator[Seen]:
        """Yield the Leases of all replicas, of those that are gone too."""
        return (seen for name, seen in self._seen.items() if name.startswith(REPLICA_PREFIX))

    def present(self) -> dict[str, Seen]:
        """Return the replicas that are there and share our shards, by identity."""
        now, shards = self._room.clock.monotonic(), self._room.shards
        there = (each for each in self.replicas() if each.identity and each.gone_at > now)
        return {each.identity: each for each in there if each.shards == shards}

    def strangers(self) -> set[str]:
        """Return the others that hold the Lease of a shard by another number of shards."""
        now, room = self._room.clock.monotonic(), self._room
        shards = (seen for name, seen in self._seen.items() if name.startswith(SHARD_PREFIX))
        others = (each for each in shards if each.identity not in ("", room.identity))
        return {
            each.identity for each in others if each.gone_at > now and each.shards != room.shards
        }

    def gone(self) -> list[Body]:
        """Return the Leases of replicas that do not renew them any more."""
        now = self._room.clock.monotonic()
        return [each.body for each in self.replicas() if each.gone_at <= now]

    def _take_in(self, change: Change) -> None:
        name = name_of(change.new or change.old or {})
        if not name.startswith((SHARD_PREFIX, REPLICA_PREFIX)):
            return
        was_gone = self._note(name, change.new)
        if name.startswith(SHARD_PREFIX):
            self._on_shard(name, change)
        if was_gone or _tells(change.old) != _tells(change.new):
            self._on_change()

    def _note(self, name: str, body: Body | None) -> bool:
        """Take a Lease in; return whether its holder counted as gone before."""
        now, before = self._room.clock.monotonic(), self._seen.pop(name, None)
        if body is not None:
            self._seen[name] = Seen(body, now)
        return before is not None and before.gone_at <= now


def shards_of(lease: Body) -> int | None:
    """Return how many shards there are for who holds a Lease; None where it does not tell."""
    return _number(lease, ANNOTATION_SHARDS)


def _number(body: Body, annotation: str) -> int | None:
    said = str((body["metadata"].get("annotations") or {}).get(annotation, ""))
    return int(said) if said.isascii() and said.isdigit() else None


def _tells(body: Body | None) -> object:
    """Return what is of interest beyond the time of a renewal."""
    if body is None:
        return None
    told = body["metadata"].get("annotations") or {}
    return holder_of(body), told.get(ANNOTATION_ASKS), told.get(ANNOTATION_SHARDS)
