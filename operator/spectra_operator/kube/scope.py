"""A client that may list in some namespaces only."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from spectra_operator.kube.client import AiohttpClient
from spectra_operator.kube.interface import DEFAULT_PAGE_SIZE, Listing
from spectra_operator.kube.resources import Resource, parse_version

if TYPE_CHECKING:
    from spectra_operator.kube.access import ClusterAccess
    from spectra_operator.kube.transport import RequestRecord


class ScopedClient(AiohttpClient):
    """The client, for which all namespaces are those it is given; without any, all there are.

    A list of all namespaces is then one list each, told as of the earliest of their moments:
    nobody may take it for news of what came later. Watches are made by `Informers`.
    """

    def __init__(
        self,
        access: ClusterAccess,
        namespaces: tuple[str, ...],
        *,
        connections: int = 64,
        on_request: Callable[[RequestRecord], None] | None = None,
    ) -> None:
        """`connections` is without those of the watches in each namespace."""
        room = 4 * len(namespaces)
        super().__init__(access, connections=connections + room, on_request=on_request)
        self._namespaces = namespaces

    async def list(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        label_selector: str = "",
        field_selector: str = "",
        page_size: int = DEFAULT_PAGE_SIZE,
    ) -> Listing:
        """Return all objects, read in pages: at one moment in each namespace."""
        return _together(
            [
                await super(ScopedClient, self).list(
                    resource,
                    each,
                    label_selector=label_selector,
                    field_selector=field_selector,
                    page_size=page_size,
                )
                for each in self._places(resource, namespace)
            ]
        )

    async def list_metadata(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        label_selector: str = "",
        page_size: int = DEFAULT_PAGE_SIZE,
    ) -> Listing:
        """Return the metadata of all objects: at one moment in each namespace."""
        return _together(
            [
                await super(ScopedClient, self).list_metadata(
                    resource, each, label_selector=label_selector, page_size=page_size
                )
                for each in self._places(resource, namespace)
            ]
        )

    def _places(self, resource: Resource, namespace: str | None) -> Iterable[str | None]:
        if namespace is None and resource.namespaced and self._namespaces:
            return self._namespaces
        return (namespace,)


def _together(listings: list[Listing]) -> Listing:
    earliest = min((one.resource_version for one in listings), key=parse_version)
    return Listing([item for one in listings for item in one.items], earliest)
