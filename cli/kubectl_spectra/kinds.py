"""The kinds that the command line reads and writes, and their paths at the API server."""

from __future__ import annotations

from dataclasses import dataclass

from spectra_operator.api.constants import GROUP, VERSION
from spectra_operator.api.crds import KINDS


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of object.

    Attributes:
        name: As in `kind:` of a manifest.
        plural: As in paths.
        group: API group; empty for the core group.
        version: API version.
        namespaced: Whether its objects are in namespaces.
    """

    name: str
    plural: str
    group: str = GROUP
    version: str = VERSION
    namespaced: bool = True

    def path(self, namespace: str | None, name: str = "") -> str:
        """Return the path of one object or, without a name, of the list; None: all namespaces."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        scope = f"/namespaces/{namespace}" if namespace else ""
        return f"{root}{scope}/{self.plural}" + (f"/{name}" if name else "")

    def title(self, name: str) -> str:
        """Return an object's name as kubectl writes it: workflow/foundation."""
        return f"{self.name.lower()}/{name}"


AGENTS = Kind("Agent", "agents")
WORKFLOWS = Kind("Workflow", "workflows")
PHASES = Kind("Phase", "phases")
TEMPLATES = Kind("WorkflowTemplate", "workflowtemplates")
ACTIONS = Kind("Action", "actions")
PODS = Kind("Pod", "pods", "", "v1")

BY_NAME = {kind.kind: Kind(kind.kind, kind.plural) for kind in KINDS}
"""Every kind of the group, by `kind:` of a manifest."""
