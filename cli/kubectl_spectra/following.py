"""Follow objects by watches: a thread for each list, and one who waits for what they bring."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Self

from .cluster import Body, Cluster
from .errors import TimedOut, Unreachable
from .kinds import Kind
from .program import INTERRUPTED

_WATCH_SECONDS = 300
_TRIES = 6
_BREATH = 0.5
"""Seconds of one wait for the lock of the queue: a signal that comes just before it begins is
noticed only when it ends."""


@dataclass(frozen=True, slots=True)
class Source:
    """What is followed: a kind, narrowed by labels or fields."""

    kind: Kind
    labels: str = ""
    fields: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """An object as it is now; `gone` if it was deleted."""

    kind: Kind
    body: Body = field(default_factory=dict)
    gone: bool = False


class Follower:
    """The objects of some sources as the API server last told of them.

    Used by one thread. It raises what `Cluster` raises, from `with` and from `wait`.
    """

    def __init__(self, cluster: Cluster, sources: Iterable[Source]) -> None:
        self.cluster = cluster
        self._sources = tuple(sources)
        self._objects: dict[tuple[str, str], Body] = {}
        self._news: SimpleQueue[Change | Exception | None] = SimpleQueue()
        self._over = threading.Event()

    def __enter__(self) -> Self:
        """List everything, then watch from there on."""
        for source in self._sources:
            listed, version = self._list(source)
            for body in listed:
                self._take(Change(source.kind, body))
            names = {str(body["metadata"]["name"]) for body in listed}
            # A daemon: a watch that hangs in the network must not keep the program from ending.
            watch = threading.Thread(
                target=self._follow, args=(source, version, names), daemon=True
            )
            watch.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let the watches end by themselves."""
        self._over.set()

    def get(self, kind: Kind, name: str) -> Body | None:
        """Return an object as last told; None if there is none."""
        return self._objects.get((kind.name, name))

    def all(self, kind: Kind) -> list[Body]:
        """Return the objects of a kind as last told."""
        return [body for (name, _), body in self._objects.items() if name == kind.name]

    def wait(self, seconds: float | None = None, what: str = "a change") -> list[Change]:
        """Wait for news and return all there are.

        Raises:
            TimedOut: Nothing came within `seconds`; the text says that `what` was waited for.
        """
        news = [self._first(None if seconds is None else time.monotonic() + seconds, what)]
        while not self._news.empty():
            news.append(self._news.get())
        changes = []
        for item in news:
            if isinstance(item, Exception):
                raise item
            if item is not None:
                self._take(item)
                changes.append(item)
        return changes

    def _first(self, end: float | None, what: str) -> Change | Exception | None:
        while True:
            if INTERRUPTED.is_set():
                raise KeyboardInterrupt
            left = _BREATH if end is None else end - time.monotonic()
            try:
                return self._news.get(timeout=min(max(left, 0.0), _BREATH))
            except Empty:
                if left <= 0:
                    raise TimedOut(f"gave up waiting for {what}") from None

    def nudge(self, error: Exception | None = None) -> None:
        """Wake who waits, from another thread; an error is raised there."""
        self._news.put(error)

    def _take(self, change: Change) -> None:
        key = (change.kind.name, str(change.body["metadata"]["name"]))
        if change.gone:
            self._objects.pop(key, None)
        else:
            self._objects[key] = change.body

    def _list(self, source: Source) -> tuple[list[Body], str]:
        found = self.cluster.find(source.kind, labels=source.labels, fields=source.fields)
        return found["items"], found["metadata"]["resourceVersion"]

    def _follow(self, source: Source, version: str, names: set[str]) -> None:
        tries = 0
        while not self._over.is_set():
            try:
                if not version:
                    version = self._relist(source, names)
                version = self._watch(source, version, names)
                tries = 0
            except Unreachable as error:
                tries += 1
                if tries >= _TRIES:
                    self._news.put(error)
                    return
                self._over.wait(tries - 1)
            except Exception as error:  # raised where the program waits: else it waits for ever
                self._news.put(error)
                return

    def _relist(self, source: Source, names: set[str]) -> str:
        listed, version = self._list(source)
        found = {str(body["metadata"]["name"]): body for body in listed}
        for name in names - set(found):
            self._news.put(Change(source.kind, {"metadata": {"name": name}}, gone=True))
        for body in listed:
            self._news.put(Change(source.kind, body))
        names.clear()
        names.update(found)
        return version

    def _watch(self, source: Source, version: str, names: set[str]) -> str:
        """Hand on events until the watch ends; return where to go on, empty: list again."""
        query = {
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(_WATCH_SECONDS),
            "labelSelector": source.labels,
            "fieldSelector": source.fields,
        }
        path = source.kind.path(self.cluster.namespace)
        query = {key: value for key, value in query.items() if value}
        with self.cluster.stream(
            path, query, what=source.kind.plural, seconds=_WATCH_SECONDS + 30
        ) as lines:
            for line in lines:
                event = json.loads(line)
                if event["type"] == "ERROR":
                    return ""
                version = event["object"]["metadata"]["resourceVersion"]
                if event["type"] != "BOOKMARK":
                    self._tell(source.kind, event, names)
        return version

    def _tell(self, kind: Kind, event: Body, names: set[str]) -> None:
        name = str(event["object"]["metadata"]["name"])
        gone = event["type"] == "DELETED"
        if gone:
            names.discard(name)
        else:
            names.add(name)
        self._news.put(Change(kind, event["object"], gone))
