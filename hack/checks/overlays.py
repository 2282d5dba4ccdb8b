"""The kustomize overlays: what differs between the base and the chart with other values.

Each is made from the chart with a file of values, so an overlay can neither fall behind nor say
something else than the chart would.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

Body = dict[str, Any]
Key = tuple[str, str, str, str]

OVERLAYS = ("ha", "namespaced", "prometheus")
"""Names of overlays, and of the files of values in the chart's folder `ci`."""

_SPREAD = "topologySpreadConstraints"


def key_of(body: Body) -> Key:
    """Return what names an object: API version, kind, namespace, name."""
    meta = body["metadata"]
    return body["apiVersion"], body["kind"], meta.get("namespace", ""), meta["name"]


def overlay(base: Iterable[Body], wanted: Iterable[Body]) -> Mapping[str, list[Body]]:
    """Return the files of an overlay that makes what is wanted of a base, by their names.

    Changed objects are patches with the whole object: a strategic merge of it is the object
    itself, as long as no entry of a list that merges by key is gone. Of these only the spread of
    replicas loses entries, so it is replaced. Tests compare the outcome.
    """
    before = {key_of(body): body for body in base}
    after = {key_of(body): body for body in wanted}
    added = [body for key, body in after.items() if key not in before]
    changed = [_patch(b) for key, b in after.items() if key in before and b != before[key]]
    gone = [_deletion(body) for key, body in before.items() if key not in after]
    files = {"resources": added, "patches": [*changed, *gone]}
    return {name: bodies for name, bodies in files.items() if bodies} | {
        "kustomization": [_kustomization(files)]
    }


def agents_policy(bodies: Iterable[Body], namespace: str) -> Body:
    """Return the policy of agents' pods, to be applied in any namespace.

    Args:
        bodies: The chart's objects, with the policy in the namespace.
        namespace: That namespace.
    """
    found = next(
        body
        for body in bodies
        if body["kind"] == "NetworkPolicy" and body["metadata"]["namespace"] == namespace
    )
    meta = {field: value for field, value in found["metadata"].items() if field != "namespace"}
    return found | {"metadata": meta}


def _patch(body: Body) -> Body:
    if body["kind"] != "Deployment":
        return body
    patch = copy.deepcopy(body)
    pod = patch["spec"]["template"]["spec"]
    pod[_SPREAD] = [{"$patch": "replace"}, *pod[_SPREAD]]
    return patch


def _deletion(body: Body) -> Body:
    meta = {
        name: body["metadata"][name] for name in ("name", "namespace") if name in body["metadata"]
    }
    return {
        "$patch": "delete",
        "apiVersion": body["apiVersion"],
        "kind": body["kind"],
        "metadata": meta,
    }


def _kustomization(files: Mapping[str, list[Body]]) -> Body:
    body: Body = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}
    body["resources"] = ["../../base"] + ["resources.yaml"] * bool(files["resources"])
    if files["patches"]:
        body["patches"] = [{"path": "patches.yaml"}]
    return body
