"""An API server as the operator sees it: the interface of its client."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol

from spectra_operator.kube.resources import Body, Resource
from spectra_operator.kube.watching import WatchEvent

DEFAULT_PAGE_SIZE = 500


@dataclass(frozen=True, slots=True)
class Listing:
    """All objects of a kind at one moment.

    Attributes:
        items: The objects, each with `apiVersion` and `kind` (lists leave them out).
        resource_version: The moment; watch from here.
    """

    items: list[Body]
    resource_version: str


class KubeClient(Protocol):
    """An API server as the operator sees it. All calls raise `errors.KubeError`."""

    async def get(self, resource: Resource, namespace: str | None, name: str) -> Body:
        """Return one object, read from the API server now."""
        ...

    async def create(self, resource: Resource, namespace: str | None, body: Body) -> Body:
        """Create an object and return it as stored; AlreadyExists if the name is taken."""
        ...

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
        ...

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
        ...

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
        ...

    async def delete_as_read(self, resource: Resource, body: Body) -> None:
        """Ask for the deletion of an object that is still at the version given, or Conflict."""
        ...

    async def list(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        label_selector: str = "",
        field_selector: str = "",
        page_size: int = DEFAULT_PAGE_SIZE,
    ) -> Listing:
        """Return all objects at one moment, read in pages."""
        ...

    async def list_metadata(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        label_selector: str = "",
        page_size: int = DEFAULT_PAGE_SIZE,
    ) -> Listing:
        """Return the metadata of all objects at one moment: bodies without spec and status."""
        ...

    def watch(
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
        ...
