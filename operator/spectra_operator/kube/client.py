"""The calls the operator makes to the API server, over aiohttp."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any

from spectra_operator.kube.errors import Gone
from spectra_operator.kube.interface import DEFAULT_PAGE_SIZE, KubeClient, Listing
from spectra_operator.kube.resources import Body, Resource, name_of, namespace_of
from spectra_operator.kube.transport import RequestRecord, Transport, Verb
from spectra_operator.kube.watching import WatchEvent, read_events

if TYPE_CHECKING:
    from collections.abc import Callable

    from spectra_operator.kube.access import ClusterAccess

__all__ = ["AiohttpClient", "KubeClient", "Listing", "RequestRecord", "WatchEvent"]

MERGE_PATCH = "application/merge-patch+json"
METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
PAGING_RESTARTS = 2
WATCH_SERVER_SECONDS = 480
"""How long the server keeps a watch open; then it closes and we resume."""
WATCH_SILENCE_SECONDS = 90.0
"""Longest silence of a live watch; servers send a bookmark about every minute."""


class AiohttpClient:
    """`KubeClient` over one aiohttp session. Use it as an async context manager.

    It retries nothing but a list whose continue token expired between pages: whether to try
    again is the caller's decision.
    """

    def __init__(
        self,
        access: ClusterAccess,
        *,
        connections: int = 64,
        request_seconds: float = 15.0,
        watch_silence_seconds: float = WATCH_SILENCE_SECONDS,
        on_request: Callable[[RequestRecord], None] | None = None,
    ) -> None:
        """Prepare a client; it connects with the first call.

        Args:
            access: Where the cluster is and who we are.
            connections: Size of the pool; each watch takes one for as long as it lasts.
            request_seconds: Limit for a whole call other than a watch.
            watch_silence_seconds: A watch that says nothing for so long is given up.
            on_request: Told about every finished call, for metrics and bounds.
        """
        self._transport = Transport(
            access, connections=connections, request_seconds=request_seconds, on_request=on_request
        )
        self._watch_silence_seconds = watch_silence_seconds

    async def __aenter__(self) -> AiohttpClient:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections; running watches end."""
        await self._transport.close()

    async def get(self, resource: Resource, namespace: str | None, name: str) -> Body:
        """Return one object, read from the API server now."""
        return await self._transport.call(Verb("get", "GET", resource, namespace, name))

    async def create(self, resource: Resource, namespace: str | None, body: Body) -> Body:
        """Create an object and return it as stored; AlreadyExists if the name is taken."""
        verb = Verb("create", "POST", resource, namespace, new_name=name_of(body))
        return await self._transport.call(verb, body=body)

    async def patch(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        patch: Body,
        *,
        subresource: str = "",
    ) -> Body:
        """Apply a JSON merge patch; with `metadata.resourceVersion` in it, or Conflict."""
        verb = Verb("patch", "PATCH", resource, namespace, name, subresource)
        return await self._transport.call(verb, body=patch, content_type=MERGE_PATCH)

    async def replace(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        body: Body,
        *,
        subresource: str = "",
    ) -> Body:
        """Replace an object; with `metadata.resourceVersion` in the body, or Conflict."""
        verb = Verb("update", "PUT", resource, namespace, name, subresource)
        return await self._transport.call(verb, body=body)

    async def delete(
        self,
        resource: Resource,
        namespace: str | None,
        name: str,
        *,
        uid: str | None = None,
        propagation: str | None = None,
        grace_seconds: int | None = None,
    ) -> None:
        """Ask for an object's deletion; with `uid`, of exactly that object or Conflict."""
        options: Body = {"apiVersion": "v1", "kind": "DeleteOptions"}
        if uid is not None:
            options["preconditions"] = {"uid": uid}
        if propagation is not None:
            options["propagationPolicy"] = propagation
        if grace_seconds is not None:
            options["gracePeriodSeconds"] = grace_seconds
        await self._transport.call(
            Verb("delete", "DELETE", resource, namespace, name), body=options
        )

    async def delete_as_read(self, resource: Resource, body: Body) -> None:
        """Ask for the deletion of an object that is still at the version given, or Conflict."""
        meta = body["metadata"]
        wanted = {"uid": meta["uid"], "resourceVersion": meta["resourceVersion"]}
        options = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": wanted}
        verb = Verb("delete", "DELETE", resource, namespace_of(body), meta["name"])
        await self._transport.call(verb, body=options)

    async def list(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        label_selector: str = "",
        field_selector: str = "",
        page_size: int = DEFAULT_PAGE_SIZE,
    ) -> Listing:
        """Return all objects at one moment, read in pages.

        When the moment of the first page expires before the last one is read, the list begins
        again, at last in one piece: a server too busy for paging still gets it done.
        """
        query = _selectors(label_selector, field_selector)
        return await self._list(Verb("list", "GET", resource, namespace), query, page_size)

    async def list_metadata(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        label_selector: str = "",
        page_size: int = DEFAULT_PAGE_SIZE,
    ) -> Listing:
        """Return the metadata of all objects at one moment: bodies without spec and status."""
        verb = Verb("list", "GET", resource, namespace, accept=METADATA_ONLY)
        listing = await self._list(verb, _selectors(label_selector, ""), page_size)
        own = {"apiVersion": resource.api_version, "kind": resource.kind}
        return Listing([item | own for item in listing.items], listing.resource_version)

    async def _list(self, verb: Verb, query: dict[str, str], page_size: int) -> Listing:
        for _ in range(PAGING_RESTARTS):
            try:
                return await _pages(self._transport, verb, query | {"limit": str(page_size)})
            except Gone:
                continue
        return await _pages(self._transport, verb, query)

    async def watch(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        resource_version: str,
        label_selector: str = "",
        field_selector: str = "",
    ) -> AsyncGenerator[WatchEvent, None]:
        """Yield what changes after a moment, and bookmarks.

        Ends quietly when the stream ends, whoever ended it; raises Gone when the moment is
        too long ago.
        """
        query = _selectors(label_selector, field_selector) | {
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": resource_version,
            "timeoutSeconds": str(WATCH_SERVER_SECONDS),
        }
        verb = Verb("watch", "GET", resource, namespace)
        async with self._transport.stream(
            verb, query, silence_seconds=self._watch_silence_seconds
        ) as response:
            async for event in read_events(response.content, about=verb.about):
                yield event


async def _pages(transport: Transport, verb: Verb, query: dict[str, str]) -> Listing:
    items: list[Body] = []
    token = ""
    while True:
        page = await transport.call(verb, query=query | ({"continue": token} if token else {}))
        items.extend(_typed(item, verb.resource) for item in page.get("items") or [])
        metadata: dict[str, Any] = page.get("metadata") or {}
        token = metadata.get("continue") or ""
        if not token:
            return Listing(items, str(metadata.get("resourceVersion", "")))


def _selectors(label_selector: str, field_selector: str) -> dict[str, str]:
    query = {"labelSelector": label_selector, "fieldSelector": field_selector}
    return {name: value for name, value in query.items() if value}


def _typed(item: Body, resource: Resource) -> Body:
    item.setdefault("apiVersion", resource.api_version)
    item.setdefault("kind", resource.kind)
    return item
