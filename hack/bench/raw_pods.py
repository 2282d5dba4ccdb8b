"""Pods of the raw limit: copies of one that an engine made, which no engine takes for its own."""

from __future__ import annotations

from typing import Any

from bench.flavour import Item
from spectra_operator.api import constants as c
from spectra_operator.kube.resources import Body, name_of

RAW_LABEL = "bench.spectra.dev/raw"
MANAGER = "spectra-raw-pods"
"""As long as the operator's own name, so that the copies are as large."""
FOREIGN, NEUTRAL = "argoproj.io", "rawpods.org"
"""The domain of another engine's keys, and one as long that nobody looks for."""
_OF_SERVER = ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields")


def a_template(pod: Body) -> Body:
    """Return what has to be created to have such a pod again.

    Args:
        pod: A pod as the API server has it.
    """
    meta: dict[str, Any] = {k: v for k, v in pod["metadata"].items() if k not in _OF_SERVER}
    labels = {**_nobodys(meta.get("labels")), c.MANAGED_BY: MANAGER}
    labels.pop(c.LABEL_RECORDED, None)
    notes = _nobodys(meta.get("annotations"))
    meta |= {"labels": labels, "annotations": notes, "finalizers": [c.RESULT_FINALIZER]}
    spec = {name: value for name, value in pod["spec"].items() if name != "nodeName"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}


def _nobodys(words: dict[str, str] | None) -> dict[str, str]:
    return {key.replace(FOREIGN, NEUTRAL): text for key, text in (words or {}).items()}


def numbered(template: Body, run: str, number: int) -> Body:
    """Return one copy with a name of its own and the label of its run."""
    meta = template["metadata"]
    name = f"raw-{run}-{number:05}"
    labels = {**meta["labels"], RAW_LABEL: run}
    return {**template, "metadata": {**meta, "name": name, "labels": labels}}


def item_of(pod: Body) -> Item | None:
    """Return what a pod of the raw limit stands for: its run and its name."""
    run = (pod["metadata"].get("labels") or {}).get(RAW_LABEL)
    return Item(run, "raw", name_of(pod)) if run else None
