"""What is kept of a pod once its evidence is taken in. Memory follows the live work.

An attempt says all else. Here stands what is asked of a pod later: which one it is, whose it is,
whether it has ended, and what the patch that lets it go is made from. All but the first is the same
for the pods of a fan-out, and kept once.
"""

from __future__ import annotations

from functools import lru_cache
from sys import intern

from ..api import constants as c
from ..kube.resources import Body

_OWN = ("name", "uid", "resourceVersion")
_OWNER = ("kind", "name", "uid")
_SHARED = 1024
"""So many different parts are shared; of more, those that were asked for last."""


def slim_pod(pod: Body) -> Body:
    """Return what is kept of a pod, in a pod's shape; nobody is to change what is shared of it."""
    meta = pod["metadata"]
    kept = {name: meta[name] for name in _OWN if name in meta}
    kept["namespace"] = intern(meta["namespace"])
    if finalizers := meta.get("finalizers"):
        kept["finalizers"] = _texts(*finalizers)
    if agent := (meta.get("labels") or {}).get(c.LABEL_AGENT):
        kept["labels"] = _entry(c.LABEL_AGENT, agent)
    if owners := meta.get("ownerReferences"):
        kept["ownerReferences"] = _owners(*(tuple(o.get(n, "") for n in _OWNER) for o in owners))
    return {"metadata": kept, "status": _entry("phase", (pod.get("status") or {}).get("phase", ""))}


@lru_cache(_SHARED)
def _texts(*texts: str) -> list[str]:
    return list(texts)


@lru_cache(_SHARED)
def _entry(name: str, value: str) -> Body:
    return {name: value}


@lru_cache(_SHARED)
def _owners(*owners: tuple[str, ...]) -> list[Body]:
    return [dict(zip(_OWNER, owner, strict=True)) for owner in owners]
