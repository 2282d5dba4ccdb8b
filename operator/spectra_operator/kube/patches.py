"""Merge patches that are easy to get wrong by hand."""

from __future__ import annotations

from spectra_operator.kube.resources import Body


def without_finalizer(body: Body, finalizer: str) -> Body | None:
    """Return the patch that takes one finalizer off an object and leaves all others.

    A merge patch replaces the whole list, so it carries the resourceVersion of the list it was
    made from: if anyone changed the object since, the API server answers Conflict.

    Args:
        body: The object as last seen.
        finalizer: The finalizer to remove.

    Returns:
        The patch; None when the finalizer is not there.
    """
    finalizers = body.get("metadata", {}).get("finalizers") or []
    if finalizer not in finalizers:
        return None
    kept = [other for other in finalizers if other != finalizer]
    return guarded(body, {"metadata": {"finalizers": kept or None}})


def guarded(body: Body, patch: Body) -> Body:
    """Return the patch with the object's resourceVersion as its precondition.

    Raises:
        ValueError: The object has no resourceVersion: it did not come from the API server.
    """
    metadata = body.get("metadata", {})
    version = metadata.get("resourceVersion")
    if not version:
        raise ValueError(f"{body.get('kind')} {metadata.get('name')!r} has no resourceVersion")
    return patch | {"metadata": patch.get("metadata", {}) | {"resourceVersion": version}}
