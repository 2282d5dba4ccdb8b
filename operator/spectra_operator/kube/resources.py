"""Which kinds of objects exist and where they live in the API's address space."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

Body = dict[str, Any]
"""An API object as decoded JSON."""


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of object the API server keeps.

    Attributes:
        group: API group; empty for the core group.
        version: API version, such as `v1`.
        plural: The name in addresses, such as `pods`.
        kind: The name in bodies, such as `Pod`.
        namespaced: Whether objects live in namespaces.
    """

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """The `apiVersion` of a body of this kind."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str | None, name: str | None = None, subresource: str = "") -> str:
        """Return the address of a collection, an object or a subresource.

        Args:
            namespace: The namespace; None means all namespaces (collections only), and is
                what a cluster-scoped kind takes.
            name: The object's name; None for the collection.
            subresource: Such as `status`; empty for the object itself.

        Raises:
            ValueError: The parts do not make an address of this kind.
        """
        self._check(namespace, name, subresource)
        parts = [self._root()]
        if namespace:
            parts += ["namespaces", quote(namespace, safe="")]
        parts.append(self.plural)
        if name:
            parts.append(quote(name, safe=""))
        if subresource:
            parts.append(subresource)
        return "/".join(parts)

    def _root(self) -> str:
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"

    def _check(self, namespace: str | None, name: str | None, subresource: str) -> None:
        if namespace and not self.namespaced:
            raise ValueError(f"{self.kind} is cluster-scoped: give no namespace, not {namespace!r}")
        if name == "" or namespace == "":
            raise ValueError(f"{self.kind}: an empty name or namespace; use None for 'all'")
        if name and self.namespaced and not namespace:
            raise ValueError(f"{self.kind} {name!r} lives in a namespace: give one")
        if subresource and not name:
            raise ValueError(f"{self.kind}/{subresource}: a subresource needs a name")


PODS = Resource("", "v1", "pods", "Pod")
NODES = Resource("", "v1", "nodes", "Node", namespaced=False)
NAMESPACES = Resource("", "v1", "namespaces", "Namespace", namespaced=False)
EVENTS = Resource("", "v1", "events", "Event")
CONFIG_MAPS = Resource("", "v1", "configmaps", "ConfigMap")
SECRETS = Resource("", "v1", "secrets", "Secret")
LEASES = Resource("coordination.k8s.io", "v1", "leases", "Lease")
PERSISTENT_VOLUME_CLAIMS = Resource("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim")
DEPLOYMENTS = Resource("apps", "v1", "deployments", "Deployment")
CONTROLLER_REVISIONS = Resource("apps", "v1", "controllerrevisions", "ControllerRevision")
TOKEN_REVIEWS = Resource(
    "authentication.k8s.io", "v1", "tokenreviews", "TokenReview", namespaced=False
)
"""Questions to the API server, not objects: `create` answers them, and nothing is kept."""
CUSTOM_RESOURCE_DEFINITIONS = Resource(
    "apiextensions.k8s.io",
    "v1",
    "customresourcedefinitions",
    "CustomResourceDefinition",
    namespaced=False,
)

VALIDATING_WEBHOOKS = Resource(
    "admissionregistration.k8s.io",
    "v1",
    "validatingwebhookconfigurations",
    "ValidatingWebhookConfiguration",
    namespaced=False,
)


def namespace_of(body: Body) -> str | None:
    """Return the namespace of an object; None for a cluster-scoped one."""
    namespace: str | None = body.get("metadata", {}).get("namespace")
    return namespace or None


def name_of(body: Body) -> str:
    """Return the name of an object; empty when it has none yet."""
    name: str = body.get("metadata", {}).get("name", "")
    return name


def uid_of(body: Body) -> str:
    """Return the UID of an object; empty when the API server has not given one yet."""
    uid: str = body.get("metadata", {}).get("uid", "")
    return uid


def version_of(body: Body) -> int:
    """Return the resourceVersion of an object or a list as a number; 0 when it has none.

    Raises:
        ValueError: The resourceVersion is not a decimal number, so nothing can be ordered by it.
    """
    return parse_version(body.get("metadata", {}).get("resourceVersion", ""))


def parse_version(resource_version: str) -> int:
    """Return a resourceVersion as a number; 0 for the empty one.

    Kubernetes promises (since 1.35 in writing, always in fact) that versions of one kind are
    decimal numbers that grow with every write.

    Raises:
        ValueError: It is not a decimal number.
    """
    if not resource_version:
        return 0
    if not resource_version.isdecimal():
        raise ValueError(f"resourceVersion {resource_version!r} is not a decimal number")
    return int(resource_version)
