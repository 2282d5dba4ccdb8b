"""What the fake keeps: objects, one version counter, and the events of the recent past.

Bodies in the store are never changed in place, so that events, lists and pages share them.
"""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Callable
from typing import Any

from builders.fake_api.failure import expired
from spectra_operator.kube.resources import Body, Resource, version_of

Key = tuple[str | None, str]
FIRST_VERSION = 1000
HISTORY = 20_000
"""Events kept for each kind; who asks for older ones gets 410, as from a real watch cache."""


class StoreEvent:
    """One change: what an object is, what it was, and at which version."""

    __slots__ = ("_lines", "body", "previous", "resource", "version")

    def __init__(self, resource: Resource, body: Body, previous: Body | None, version: int) -> None:
        self.resource = resource
        self.body = body
        self.previous = previous
        self.version = version
        self._lines: dict[str, bytes] = {}

    @property
    def removed(self) -> bool:
        """Whether the object is gone with this event."""
        return False

    def line(self, kind: str) -> bytes:
        """Return the event as a watch sends it; encoded once for all watches."""
        if kind not in self._lines:
            self._lines[kind] = encode({"type": kind, "object": self._shown(kind)}) + b"\n"
        return self._lines[kind]

    def _shown(self, kind: str) -> Body:
        if kind == "DELETED" and self.previous is not None:
            return with_version(self.previous, self.version)  # it left a selector
        return self.body


class Removal(StoreEvent):
    """The object is gone; `body` is its last state, at the version of its removal."""

    __slots__ = ()

    @property
    def removed(self) -> bool:
        """Whether the object is gone with this event."""
        return True

    def _shown(self, kind: str) -> Body:
        return self.body


class Store:
    """Objects by kind, namespace and name."""

    def __init__(self) -> None:
        self.version = FIRST_VERSION
        self._objects: dict[Resource, dict[Key, Body]] = defaultdict(dict)
        self._history: dict[Resource, deque[StoreEvent]] = defaultdict(
            lambda: deque(maxlen=HISTORY)
        )
        self._compacted = 0
        self._listeners: list[Callable[[StoreEvent], None]] = []

    def listen(self, listener: Callable[[StoreEvent], None]) -> Callable[[], None]:
        """Tell the listener about every event from now on; return how to stop that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def get(self, resource: Resource, key: Key) -> Body | None:
        """Return an object; not to be changed."""
        return self._objects[resource].get(key)

    def all(self, resource: Resource, namespace: str | None = None) -> list[Body]:
        """Return the objects of a kind in the order of their keys; not to be changed."""
        objects = self._objects[resource]
        keys = sorted(
            (key for key in objects if namespace is None or key[0] == namespace),
            key=lambda key: (key[0] or "", key[1]),
        )
        return [objects[key] for key in keys]

    def resources(self) -> list[Resource]:
        """Return the kinds that ever had an object."""
        return list(self._objects)

    def put(self, resource: Resource, key: Key, body: Body) -> Body:
        """Keep an object at a new version and tell everyone; return it as kept."""
        previous = self._objects[resource].get(key)
        self.version += 1
        kept = with_version(body, self.version)
        self._objects[resource][key] = kept
        self._tell(StoreEvent(resource, kept, previous, self.version))
        return kept

    def remove(self, resource: Resource, key: Key) -> Body:
        """Forget an object and tell everyone; return its last state."""
        previous = self._objects[resource].pop(key)
        self.version += 1
        last = with_version(previous, self.version)
        self._tell(Removal(resource, last, previous, self.version))
        return last

    def since(self, resource: Resource, version: int) -> list[StoreEvent]:
        """Return the events of a kind after a version.

        Raises:
            ApiFailure: 410, some of them are no longer kept.
        """
        history = self._history[resource]
        overflowed = len(history) == HISTORY and version < history[0].version
        if version < self._compacted or overflowed:
            raise expired(f"too old resource version: {version} ({self.version})")
        return [event for event in history if event.version > version]

    def is_expired(self, version: int) -> bool:
        """Return whether a list of that version can no longer be continued."""
        return version < self._compacted

    def compact(self) -> None:
        """Forget the past: whoever is not up to date must list again."""
        self.version += 1  # as if something else in the cluster had been written
        self._compacted = self.version
        for history in self._history.values():
            history.clear()

    def _tell(self, event: StoreEvent) -> None:
        self._history[event.resource].append(event)
        for listener in list(self._listeners):
            listener(event)


def key_of(body: Body) -> Key:
    """Return where an object is kept."""
    metadata = body["metadata"]
    return (metadata.get("namespace"), metadata["name"])


def with_version(body: Body, version: int) -> Body:
    """Return the object at another version, the rest shared."""
    if version_of(body) == version:
        return body
    return body | {"metadata": body["metadata"] | {"resourceVersion": str(version)}}


def encode(document: Any) -> bytes:
    """Return JSON as the API sends it."""
    return json.dumps(document, separators=(",", ":")).encode()
