"""What tests of several replicas see of the cluster: whose calls come when, and each change."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from builders.engine import World
from builders.fake_api.faults import Call, Fault, Match


@dataclass(frozen=True, slots=True)
class Of(Match):
    """Calls of one replica, of one kind of objects or any; watches are left alone."""

    identity: str = ""
    but_plural: str = ""

    def __call__(self, call: Call) -> bool:
        """Return whether a call is meant."""
        mine = call.authorization in ("", f"Bearer {self.identity}") and call.authorization
        wanted = self.plural is None or call.plural == self.plural
        return bool(mine) and wanted and call.verb != "watch" and call.plural != self.but_plural


class Arrivals:
    """Notes when which replica sent which write; Leases apart."""

    def __init__(self, world: World) -> None:
        self.seen: list[tuple[float, str, str]] = []
        self._world = world
        world.api.fault(self._match(), Fault())

    def _match(self) -> Match:
        def note(call: Call) -> bool:
            if call.verb in ("create", "update", "patch", "delete") and call.plural != "leases":
                who = call.authorization.removeprefix("Bearer ")
                what = f"{call.verb} {call.plural} {call.name}"
                self.seen.append((self._world.clock.monotonic(), who, what))
            return False

        matching: Any = note
        return matching  # type: ignore[no-any-return]

    def of(self, identity: str) -> list[float]:
        """Return when a replica wrote."""
        return [when for when, who, _ in self.seen if who == identity]


class Every:
    """Does something at every n-th change of any object, as long as it is entered."""

    def __init__(self, world: World, nth: int, act: Callable[[], None]) -> None:
        self.times = 0
        self._world, self._nth, self._act = world, nth, act
        self._count = 0
        self._stop: Callable[[], None] = lambda: None

    def __enter__(self) -> Every:
        self._stop = self._world.api._store.listen(self._on_event)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def _on_event(self, _: Any) -> None:
        self._count += 1
        if self._count % self._nth == 0:
            self.times += 1
            asyncio.get_running_loop().call_soon(self._act)
