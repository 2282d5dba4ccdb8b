"""The terms of this replica: which shards it runs, since when, and what it may do in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from ..kube.clock import Clock
from .keys import shard_of
from .worker_book import SILENT_SECONDS


@dataclass(frozen=True, slots=True)
class Standing:
    """How a replica stands to a shard.

    `held` is whether it may write there, `admitting` whether it starts new work, `led_seconds` how
    long it has led (None: it does not), `holder` where the leader serves the worker API.
    """

    shard: int
    held: bool
    admitting: bool
    led_seconds: float | None
    holder: str


class Terms:
    """What this replica may do in the namespaces of each shard.

    `holder_address` tells where the replica that holds a shard serves the worker API.
    """

    def __init__(self, clock: Clock, shards: int) -> None:
        self._clock = clock
        self._shards = shards
        self._may_write: dict[int, Callable[[], bool]] = {}
        self._admitting: set[int] = set()
        self._settled_at: dict[int, float] = {}
        self._led_since: dict[int, datetime] = {}
        self.holder_address: Callable[[int], str] = lambda _shard: ""

    @property
    def admitted(self) -> int:
        """In how many shards new work is started."""
        return len(self._admitting)

    @property
    def any_held(self) -> bool:
        """Whether a term is under way."""
        return bool(self._may_write)

    def begin(self, shard: int, held: Callable[[], bool]) -> None:
        """Begin to lead a shard; `held` says at any time whether its Lease is still ours."""
        self._may_write[shard] = held
        self._led_since[shard] = self._clock.now()

    def admit(self, shard: int) -> None:
        """Start new work in a shard from now on, and let its workers call."""
        self._admitting.add(shard)
        self._settled_at[shard] = self._clock.monotonic() + SILENT_SECONDS

    def end(self, shard: int) -> bool:
        """Do nothing any more in a shard; return whether new work was started there."""
        admitting = shard in self._admitting
        self._may_write.pop(shard, None)
        self._admitting.discard(shard)
        self._settled_at.pop(shard, None)
        self._led_since.pop(shard, None)
        return admitting

    def shard(self, namespace: str) -> int:
        """Return the shard of a namespace."""
        return shard_of(namespace, self._shards)

    def runs(self, shard: int) -> bool:
        """Whether the term of a shard is under way."""
        return shard in self._may_write

    def holds(self, namespace: str) -> bool:
        """Whether the term of a namespace's shard is under way."""
        return self.runs(self.shard(namespace))

    def may_write(self, namespace: str) -> bool:
        """Whether this replica holds the Lease of a namespace's shard at this moment."""
        held = self._may_write.get(self.shard(namespace))
        return held is not None and held()

    def admitting(self, namespace: str) -> bool:
        """Whether new work is started in a namespace."""
        return self.shard(namespace) in self._admitting

    def is_beginning(self, namespace: str) -> bool:
        """Whether a namespace's shard is led, and no new work is started there yet."""
        shard = self.shard(namespace)
        return shard in self._may_write and shard not in self._admitting

    def settles_in(self, namespace: str) -> float:
        """Return the seconds until all live workers have had time to call since they may."""
        at = self._settled_at.get(self.shard(namespace))
        return SILENT_SECONDS if at is None else max(at - self._clock.monotonic(), 0.0)

    def led_since(self, namespace: str) -> datetime | None:
        """Return since when this replica leads a namespace's shard, if it does."""
        return self._led_since.get(self.shard(namespace))

    def address(self, namespace: str) -> str:
        """Return where the holder of a namespace's shard serves the worker API."""
        return self.holder_address(self.shard(namespace))

    def standings(self) -> list[Standing]:
        """Return how this replica stands to every shard."""
        return [self._standing(shard) for shard in range(self._shards)]

    def _standing(self, shard: int) -> Standing:
        may, since = self._may_write.get(shard), self._led_since.get(shard)
        return Standing(
            shard=shard,
            held=may is not None and may(),
            admitting=shard in self._admitting,
            led_seconds=(self._clock.now() - since).total_seconds() if since else None,
            holder=self.holder_address(shard),
        )
