"""Lists, in pages that all show the same moment."""

from __future__ import annotations

import itertools
from typing import Any

from builders.fake_api.failure import ApiFailure, expired
from builders.fake_api.kinds import Kind
from builders.fake_api.selectors import selection
from builders.fake_api.store import Store
from spectra_operator.kube.resources import Body


class Pages:
    """Answers list requests; remembers what is left of those that are not finished."""

    def __init__(self, store: Store) -> None:
        """Read from a store."""
        self._store = store
        self._tokens = itertools.count(1)
        self._rests: dict[str, tuple[int, list[Body]]] = {}

    def page(
        self, kind: Kind, namespace: str | None, query: dict[str, str], *, short: bool = False
    ) -> Body:
        """Return one page, or everything when no limit is given; `short` for metadata alone.

        Raises:
            ApiFailure: 410, the list can no longer be continued; 400, a bad selector.
        """
        version, items = self._moment(kind, namespace, query)
        limit = int(query.get("limit") or 0) or len(items)
        shown, rest = items[:limit], items[limit:]
        metadata: dict[str, Any] = {"resourceVersion": str(version)}
        if rest:
            token = f"page-{next(self._tokens)}"
            self._rests[token] = (version, rest)
            metadata |= {"continue": token, "remainingItemCount": len(rest)}
        if short:
            return {
                "apiVersion": "meta.k8s.io/v1",
                "kind": "PartialObjectMetadataList",
                "metadata": metadata,
                "items": [_metadata_of(item) for item in shown],
            }
        return {
            "apiVersion": kind.resource.api_version,
            "kind": f"{kind.resource.kind}List",
            "metadata": metadata,
            "items": [_untyped(item) for item in shown] if kind.builtin else shown,
        }

    def _moment(
        self, kind: Kind, namespace: str | None, query: dict[str, str]
    ) -> tuple[int, list[Body]]:
        token = query.get("continue")
        if not token:
            selects = selection(query.get("labelSelector", ""), query.get("fieldSelector", ""))
            found = self._store.all(kind.resource, namespace)
            return self._store.version, [body for body in found if selects(body)]
        if token not in self._rests:
            raise ApiFailure(400, "BadRequest", f"continue: unknown token {token!r}")
        version, rest = self._rests[token]
        if self._store.is_expired(version):
            raise expired("The provided continue parameter is too old")
        return version, rest


def is_metadata_only(accept: str) -> bool:
    """Whether a client wants nothing but the metadata of a list's objects."""
    return "as=PartialObjectMetadataList" in accept


def _metadata_of(body: Body) -> Body:
    partial = {"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata"}
    return partial | {"metadata": body["metadata"]}


def _untyped(body: Body) -> Body:
    return {name: value for name, value in body.items() if name not in {"apiVersion", "kind"}}
