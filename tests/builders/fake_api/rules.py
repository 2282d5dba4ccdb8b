"""What the API server does with a write: the rules that every kind shares."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from builders.fake_api.failure import ApiFailure, conflict, not_found
from builders.fake_api.kinds import FRESH_STATUS, Kind
from builders.fake_api.merge import merge_patch
from builders.fake_api.store import Key, Store, key_of
from spectra_operator.kube.resources import NAMESPACES, PODS, Body

_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
_SERVER_OWNED = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds",
                 "generation", "namespace", "name")  # fmt: skip


class Rules:
    """Creates, changes and deletes objects in the store."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        """Work on a store; `now` gives the time for the objects' timestamps."""
        self._store = store
        self._now = now
        self._uids = itertools.count(1)
        self._suffixes = itertools.count(1)

    def read(self, kind: Kind, key: Key) -> Body:
        """Return an object; not to be changed. 404 if it is not there."""
        body = self._store.get(kind.resource, key)
        if body is None:
            raise not_found(kind.resource.plural, key[1])
        return body

    def create(self, kind: Kind, namespace: str | None, given: Body) -> Body:
        """Create an object and return it as kept; 409 if the name is taken."""
        body = self.try_create(kind, namespace, given)
        return self._store.put(kind.resource, (namespace, body["metadata"]["name"]), body)

    def try_create(self, kind: Kind, namespace: str | None, given: Body) -> Body:
        """Return an object as it would be kept, which is what a dry run answers."""
        metadata = copy.deepcopy(given.get("metadata") or {})
        self._check_create(kind, namespace, given)
        self._check_namespace(kind, namespace, metadata)
        if "name" not in metadata:
            metadata["name"] = metadata.get("generateName", "") + self._suffix()
        if namespace:
            metadata["namespace"] = namespace
        key = (namespace, metadata["name"])
        plural = kind.resource.plural
        if self._store.get(kind.resource, key) is not None:
            raise ApiFailure(409, "AlreadyExists", f'{plural} "{key[1]}" already exists')
        metadata["uid"] = f"00000000-0000-4000-8000-{next(self._uids):012d}"
        metadata["creationTimestamp"] = self._timestamp()
        for name in ("resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds"):
            metadata.pop(name, None)
        content = {name: value for name, value in given.items() if name != "metadata"}
        body = copy.deepcopy(content) | {"metadata": metadata}
        if kind.has_status:
            metadata["generation"] = 1
            body.pop("status", None)
            if kind.resource in FRESH_STATUS:
                body["status"] = dict(FRESH_STATUS[kind.resource])
        return body

    def apply(self, kind: Kind, key: Key, given: Body) -> tuple[int, Body]:
        """Apply an object server-side, of one manager: what is given is laid over what is there."""
        if self._store.get(kind.resource, key) is None:
            return 201, self.create(kind, key[0], given)
        return 200, self.patch(kind, key, given, "")

    def patch(self, kind: Kind, key: Key, patch: Body, subresource: str) -> Body:
        """Apply a merge patch and return the object as kept."""
        old = self.read(kind, key)
        self._check_preconditions(kind, old, patch.get("metadata") or {})
        return self._change(kind, old, merge_patch(old, copy.deepcopy(patch)), subresource)

    def replace(self, kind: Kind, key: Key, given: Body, subresource: str) -> Body:
        """Replace an object and return it as kept."""
        old = self.read(kind, key)
        metadata = given.get("metadata") or {}
        if not metadata.get("resourceVersion"):
            why = "metadata.resourceVersion: Invalid value: must be specified for an update"
            raise ApiFailure(422, "Invalid", f'{kind.resource.kind} "{key[1]}" is invalid: {why}')
        self._check_preconditions(kind, old, metadata)
        return self._change(kind, old, copy.deepcopy(given), subresource)

    def delete(self, kind: Kind, key: Key, options: Body) -> Body:
        """Delete an object, or mark it while finalizers or a running pod hold it back."""
        old = self.read(kind, key)
        self._check_preconditions(kind, old, options.get("preconditions") or {})
        grace = _grace(kind, old, options)
        metadata = dict(old["metadata"])
        if "deletionTimestamp" not in metadata:
            metadata["deletionTimestamp"] = self._timestamp()
            if "generation" in metadata:
                metadata["generation"] += 1
        left = metadata.get("deletionGracePeriodSeconds", grace)
        metadata["deletionGracePeriodSeconds"] = min(left, grace)
        if options.get("propagationPolicy") == "Foreground":
            metadata["finalizers"] = [*(metadata.get("finalizers") or []), "foregroundDeletion"]
        marked = old | {"metadata": metadata}
        if kind.resource == NAMESPACES:
            marked["status"] = {"phase": "Terminating"}
        return self._keep_or_remove(kind, old, marked)

    def _change(self, kind: Kind, old: Body, new: Body, subresource: str) -> Body:
        if subresource == "status":
            new = old | ({"status": new["status"]} if "status" in new else {})
        elif kind.has_status:
            new.pop("status", None)
            if "status" in old:
                new["status"] = old["status"]
        metadata = dict(new["metadata"])
        for name in (*_SERVER_OWNED, "resourceVersion"):
            metadata.pop(name, None)
            if name in old["metadata"]:
                metadata[name] = old["metadata"][name]
        self._check_finalizers(kind, old, metadata)
        new = new | {"metadata": metadata, "kind": old["kind"], "apiVersion": old["apiVersion"]}
        if kind.has_status and _content(new) != _content(old):
            metadata["generation"] = old["metadata"]["generation"] + 1
        return self._keep_or_remove(kind, old, new)

    def _keep_or_remove(self, kind: Kind, old: Body, new: Body) -> Body:
        metadata = new["metadata"]
        leaving = "deletionTimestamp" in metadata
        # A namespace goes when it is empty, which is the garbage collector's to see.
        held = metadata.get("finalizers") or kind.resource == NAMESPACES
        if leaving and not held and not metadata.get("deletionGracePeriodSeconds"):
            self._store.remove(kind.resource, key_of(old))
            return new  # at the old version: only the watch tells that of the removal
        if new == old:
            return old
        return self._store.put(kind.resource, key_of(old), new)

    def _check_create(self, kind: Kind, namespace: str | None, given: Body) -> None:
        resource = kind.resource
        metadata = given.get("metadata") or {}
        if (given.get("apiVersion"), given.get("kind")) != (resource.api_version, resource.kind):
            said = f"{given.get('apiVersion')}, Kind={given.get('kind')}"
            raise ApiFailure(400, "BadRequest", f"{said} does not match {resource.kind}")
        if not metadata.get("name") and not metadata.get("generateName"):
            why = "metadata.name: Required value: name or generateName is required"
            raise ApiFailure(422, "Invalid", f"{resource.kind} is invalid: {why}")
        if metadata.get("namespace", namespace) != namespace:
            why = "the namespace of the object does not match the namespace on the request"
            raise ApiFailure(400, "BadRequest", why)
        if resource.namespaced and not namespace:
            raise ApiFailure(400, "BadRequest", "an empty namespace may not be set on creation")

    def _check_namespace(self, kind: Kind, namespace: str | None, metadata: Body) -> None:
        if namespace is None:
            return
        found = self._store.get(NAMESPACES, (None, namespace))
        if found is None:
            raise not_found("namespaces", namespace)
        if "deletionTimestamp" in found["metadata"]:
            name = metadata.get("name", "")
            why = "it is being terminated"
            said = f"is forbidden: unable to create new content in namespace {namespace}: {why}"
            raise ApiFailure(
                403,
                "Forbidden",
                f'{kind.resource.plural} "{name}" {said}',
                causes=[{"reason": "NamespaceTerminating", "message": why}],
            )

    def _check_preconditions(self, kind: Kind, old: Body, wanted: Body) -> None:
        plural, metadata = kind.resource.plural, old["metadata"]
        for field in ("uid", "resourceVersion"):
            if wanted.get(field) and wanted[field] != metadata[field]:
                why = f"the {field} is {metadata[field]}, not {wanted[field]}"
                raise conflict(plural, metadata["name"], why)

    def _check_finalizers(self, kind: Kind, old: Body, metadata: Body) -> None:
        if "deletionTimestamp" not in old["metadata"]:
            return
        added = set(metadata.get("finalizers") or []) - set(old["metadata"].get("finalizers") or [])
        if added:
            why = f"no new finalizers can be added if the object is being deleted: {sorted(added)}"
            name = metadata["name"]
            raise ApiFailure(422, "Invalid", f'{kind.resource.kind} "{name}" is invalid: {why}')

    def _timestamp(self) -> str:
        return self._now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def _suffix(self) -> str:
        number, letters = next(self._suffixes), ""
        for _ in range(5):
            number, index = divmod(number, len(_LETTERS))
            letters = _LETTERS[index] + letters
        return letters


def _content(body: Body) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in {"metadata", "status"}}


def _grace(kind: Kind, body: Body, options: Body) -> int:
    """Return the seconds a deletion waits: only a pod that may be running has any."""
    phase = (body.get("status") or {}).get("phase")
    placed = (body.get("spec") or {}).get("nodeName")
    if kind.resource != PODS or not placed or phase in {"Succeeded", "Failed"}:
        return 0
    default = (body.get("spec") or {}).get("terminationGracePeriodSeconds", 30)
    return int(options.get("gracePeriodSeconds", default))
