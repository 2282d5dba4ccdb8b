"""The documents by which clients find out which kinds are served."""

from __future__ import annotations

from typing import Any

from builders.fake_api.failure import ApiFailure
from builders.fake_api.kinds import Kind, Kinds

VERBS = ["create", "delete", "get", "list", "patch", "update", "watch"]


def document(kinds: Kinds, segments: list[str]) -> dict[str, Any]:
    """Return the document at an address such as `/apis/apps/v1`.

    Raises:
        ApiFailure: 404, there is none.
    """
    match segments:
        case ["version"]:
            return {"major": "1", "minor": "31", "gitVersion": "v1.31.0-fake"}
        case ["api"]:
            return {"kind": "APIVersions", "versions": ["v1"]}
        case ["api", version]:
            return _resources(kinds, "", version)
        case ["apis"]:
            groups = sorted({kind.resource.group for kind in kinds.all()} - {""})
            shown = [_group(kinds, group) for group in groups]
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": shown}
        case ["apis", group]:
            return {"kind": "APIGroup", "apiVersion": "v1"} | _group(kinds, group)
        case ["apis", group, version]:
            return _resources(kinds, group, version)
    raise ApiFailure(404, "NotFound", "the server could not find the requested resource")


def _group(kinds: Kinds, group: str) -> dict[str, Any]:
    found = sorted({k.resource.version for k in kinds.all() if k.resource.group == group})
    if not found:
        raise ApiFailure(404, "NotFound", f"no such group: {group}")
    shown = [{"groupVersion": f"{group}/{version}", "version": version} for version in found]
    return {"name": group, "versions": shown, "preferredVersion": shown[0]}


def _resources(kinds: Kinds, group: str, version: str) -> dict[str, Any]:
    found = [
        kind
        for kind in kinds.all()
        if (kind.resource.group, kind.resource.version) == (group, version)
    ]
    if not found:
        raise ApiFailure(404, "NotFound", f"no such version: {group}/{version}")
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": found[0].resource.api_version,
        "resources": [entry for kind in found for entry in _entries(kind)],
    }


def _entries(kind: Kind) -> list[dict[str, Any]]:
    resource = kind.resource
    base = {"kind": resource.kind, "namespaced": resource.namespaced}
    entries: list[dict[str, Any]] = [
        base
        | {
            "name": resource.plural,
            "singularName": resource.kind.lower(),
            "verbs": VERBS,
            "shortNames": list(kind.short_names),
        }
    ]
    if kind.has_status:
        status = {"name": f"{resource.plural}/status", "singularName": ""}
        entries.append(base | status | {"verbs": ["get", "patch", "update"]})
    return entries
