"""Our own objects as last seen: what kopf reported, overlaid by the answers to our writes.

The store never goes back in time: resourceVersions are compared as numbers, and what was
deleted is remembered for a while, so that a late answer does not bring it back.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator

from ..kube.resources import Body, version_of
from .keys import Key, key_of

_TOMBSTONES = 10_000


class ObjectStore:
    """Bodies by key."""

    def __init__(self) -> None:
        self._bodies: dict[Key, Body] = {}
        self._dropped: OrderedDict[Key, int] = OrderedDict()

    def __len__(self) -> int:
        return len(self._bodies)

    def get(self, key: Key) -> Body | None:
        """Return the body, or None."""
        return self._bodies.get(key)

    def count(self) -> Counter[str]:
        """Return how many bodies there are by kind."""
        return Counter(key.kind for key in self._bodies)

    def of_kind(self, kind: str, namespace: str | None = None) -> Iterator[Body]:
        """Yield the bodies of a kind, in one namespace or all."""
        for key, body in list(self._bodies.items()):
            if key.kind == kind and namespace in (None, key.namespace):
                yield body

    def offer(self, body: Body) -> bool:
        """Keep a body if it is newer than what is known; return whether it was."""
        key, version = key_of(body), version_of(body)
        known = self._bodies.get(key)
        oldest = version_of(known) if known else self._dropped.get(key, -1)
        if version <= oldest:
            return False
        self._bodies[key] = body
        self._dropped.pop(key, None)
        return True

    def drop(self, key: Key, version: int) -> bool:
        """Forget an object that was gone at that version; return whether it was known."""
        known = self._bodies.get(key)
        if known is not None and version_of(known) > version:
            return False
        self._dropped[key] = max(version, self._dropped.get(key, -1))
        self._dropped.move_to_end(key)
        if len(self._dropped) > _TOMBSTONES:
            self._dropped.popitem(last=False)
        return self._bodies.pop(key, None) is not None

    def replace_kind(self, kind: str, listed: Iterable[Body], version: int) -> list[Key]:
        """Bring a kind up to a list made at that version; return the keys that changed."""
        bodies = {key_of(body): body for body in listed}
        changed = [key for key, body in bodies.items() if self.offer(body)]
        gone = [k for k in self._bodies if k.kind == kind and k not in bodies]
        return changed + [key for key in gone if self.drop(key, version)]
