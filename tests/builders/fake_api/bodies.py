"""Small objects for tests of the API layer."""

from __future__ import annotations

from typing import Any

from spectra_operator.kube.resources import Body, Resource

WIDGETS = Resource("example.com", "v1", "widgets", "Widget")
"""A custom kind with a status."""


def pod(name: str, **metadata: Any) -> Body:
    """Return a pod with nothing in it."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name} | metadata,
        "spec": {"containers": [{"name": "main", "image": "example"}]},
    }


def config_map(name: str, **data: str) -> Body:
    """Return a config map."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def widget(name: str, size: int = 1, **metadata: Any) -> Body:
    """Return an object of the custom kind."""
    return {
        "apiVersion": "example.com/v1",
        "kind": "Widget",
        "metadata": {"name": name} | metadata,
        "spec": {"size": size},
    }


def owned_by(owner: Body) -> list[dict[str, Any]]:
    """Return the owner references that name one owner."""
    metadata = owner["metadata"]
    return [
        {
            "apiVersion": owner["apiVersion"],
            "kind": owner["kind"],
            "name": metadata["name"],
            "uid": metadata["uid"],
            "controller": True,
            "blockOwnerDeletion": True,
        }
    ]
