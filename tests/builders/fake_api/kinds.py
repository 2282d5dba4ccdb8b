"""The kinds the fake serves, and how their rules differ."""

from __future__ import annotations

from dataclasses import dataclass

from builders.fake_api.failure import ApiFailure
from spectra_operator.kube import resources
from spectra_operator.kube.resources import Resource

FRESH_STATUS: dict[Resource, dict[str, str]] = {
    resources.PODS: {"phase": "Pending"},
    resources.NAMESPACES: {"phase": "Active"},
}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind as served.

    Attributes:
        resource: Its names and place.
        has_status: Whether `/status` exists; then the main address ignores the status and
            `metadata.generation` counts changes of everything else.
        builtin: Lists of built-in kinds leave `apiVersion` and `kind` out of their items.
        short_names: For discovery.
    """

    resource: Resource
    has_status: bool = False
    builtin: bool = True
    short_names: tuple[str, ...] = ()


BUILTIN = (
    Kind(resources.PODS, has_status=True, short_names=("po",)),
    Kind(resources.NODES, has_status=True, short_names=("no",)),
    Kind(resources.NAMESPACES, has_status=True, short_names=("ns",)),
    Kind(resources.EVENTS, short_names=("ev",)),
    Kind(resources.PERSISTENT_VOLUME_CLAIMS, short_names=("pvc",)),
    Kind(resources.CONFIG_MAPS, short_names=("cm",)),
    Kind(resources.SECRETS),
    Kind(resources.LEASES),
    Kind(resources.CONTROLLER_REVISIONS),
    Kind(resources.CUSTOM_RESOURCE_DEFINITIONS, has_status=True, short_names=("crd",)),
)


class Kinds:
    """All kinds by group, version and plural."""

    def __init__(self) -> None:
        self._kinds: dict[tuple[str, str, str], Kind] = {}
        for kind in BUILTIN:
            self.add(kind)

    def add(self, kind: Kind) -> None:
        """Serve one more kind."""
        place = kind.resource
        self._kinds[(place.group, place.version, place.plural)] = kind

    def all(self) -> list[Kind]:
        """Return every kind."""
        return list(self._kinds.values())

    def find(self, group: str, version: str, plural: str) -> Kind:
        """Return a kind.

        Raises:
            ApiFailure: 404, it is not served.
        """
        kind = self._kinds.get((group, version, plural))
        if kind is None:
            raise ApiFailure(404, "NotFound", "the server could not find the requested resource")
        return kind

    def of(self, resource: Resource) -> Kind:
        """Return how a resource is served.

        Raises:
            ApiFailure: 404, it is not served: register it first.
        """
        return self.find(resource.group, resource.version, resource.plural)

    def named(self, api_version: str, kind_name: str) -> Kind | None:
        """Return the kind that an owner reference names; None if it is not served."""
        for kind in self._kinds.values():
            if (kind.resource.api_version, kind.resource.kind) == (api_version, kind_name):
                return kind
        return None
