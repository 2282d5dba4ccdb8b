"""The garbage collector and the namespace controller, at once instead of eventually."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from typing import Any

from builders.fake_api.failure import ApiFailure
from builders.fake_api.kinds import Kinds
from builders.fake_api.rules import Rules
from builders.fake_api.store import Key, Store, StoreEvent, key_of
from spectra_operator.kube.resources import NAMESPACES, Body, Resource, namespace_of, uid_of

FOREGROUND = "foregroundDeletion"
Place = tuple[Resource, Key]


class GarbageCollector:
    """Reacts to events of the store.

    - An object whose owners are all gone is deleted, also when it is created after they went.
      Owners of kinds that are not served are left out of account.
    - A namespace that is being deleted is emptied and removed once empty.
    - An owner deleted in the foreground loses its dependents first.
    """

    def __init__(self, store: Store, rules: Rules, kinds: Kinds) -> None:
        """Begin to listen to the store."""
        self._store = store
        self._rules = rules
        self._kinds = kinds
        self._places: dict[str, Place] = {}
        self._owned: dict[str, set[Place]] = defaultdict(set)
        store.listen(self._on_event)

    def _on_event(self, event: StoreEvent) -> None:
        self._index(event)
        if event.removed:
            self._on_removed(event.body)
        elif event.previous is None:
            self._collect_orphan(event.resource, event.body)
        elif "deletionTimestamp" in event.body["metadata"]:
            self._on_leaving(event.resource, event.body)

    def _index(self, event: StoreEvent) -> None:
        place = (event.resource, key_of(event.body))
        for reference in _owners(event.previous or {}):
            self._owned[reference["uid"]].discard(place)
        if event.removed:
            self._places.pop(uid_of(event.body), None)
            return
        self._places[uid_of(event.body)] = place
        for reference in _owners(event.body):
            self._owned[reference["uid"]].add(place)

    def _on_removed(self, body: Body) -> None:
        for resource, dependent in self._dependents(uid_of(body)):
            self._collect_orphan(resource, dependent)
        for reference in _owners(body):
            self._finish_foreground(reference)
        self._finish_namespace(namespace_of(body))

    def _on_leaving(self, resource: Resource, body: Body) -> None:
        if FOREGROUND in (body["metadata"].get("finalizers") or []):
            for kind, dependent in self._dependents(uid_of(body)):
                self._delete(kind, dependent)
            self._finish(resource, body)
        if resource == NAMESPACES:
            name = body["metadata"]["name"]
            for kind, content in self._content(name):
                self._delete(kind, content)
            self._finish_namespace(name)

    def _collect_orphan(self, resource: Resource, body: Body) -> None:
        owners = [
            reference
            for reference in _owners(body)
            if self._kinds.named(reference["apiVersion"], reference["kind"])
        ]
        if owners and not any(reference["uid"] in self._places for reference in owners):
            self._delete(resource, body)

    def _delete(self, resource: Resource, body: Body) -> None:
        with contextlib.suppress(ApiFailure):  # gone already: another cascade was faster
            self._rules.delete(self._kinds.of(resource), key_of(body), {})

    def _finish_foreground(self, reference: dict[str, Any]) -> None:
        place = self._places.get(reference["uid"])
        owner = self._store.get(*place) if place else None
        if place and owner:
            self._finish(place[0], owner)

    def _finish(self, resource: Resource, body: Body) -> None:
        current = self._store.get(resource, key_of(body))
        finalizers = (current or {"metadata": {}})["metadata"].get("finalizers") or []
        if current is None or FOREGROUND not in finalizers or self._dependents(uid_of(current)):
            return
        kept = [name for name in finalizers if name != FOREGROUND]
        patch = {"metadata": {"finalizers": kept}}
        self._rules.patch(self._kinds.of(resource), key_of(current), patch, "")

    def _finish_namespace(self, name: str | None) -> None:
        namespace = self._store.get(NAMESPACES, (None, name)) if name else None
        if namespace is None or "deletionTimestamp" not in namespace["metadata"]:
            return
        if name and not self._content(name):
            self._store.remove(NAMESPACES, (None, name))

    def _content(self, namespace: str) -> list[tuple[Resource, Body]]:
        return [
            (resource, body)
            for resource in self._store.resources()
            for body in self._store.all(resource, namespace)
        ]

    def _dependents(self, uid: str) -> list[tuple[Resource, Body]]:
        places = sorted(self._owned.get(uid, ()), key=lambda place: (place[0].plural, place[1][1]))
        found = ((resource, self._store.get(resource, key)) for resource, key in places)
        return [(resource, body) for resource, body in found if body is not None]


def _owners(body: Body) -> list[dict[str, Any]]:
    owners: list[dict[str, Any]] = body.get("metadata", {}).get("ownerReferences") or []
    return owners
