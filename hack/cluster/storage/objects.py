"""The objects of the storage class, and what claims and volumes ask for, as pure functions.

Claims and volumes are API objects as decoded JSON.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

Body = dict[str, Any]

CLASS = "standard"
"""As in kind, so that a manifest that names it works with either."""
PROVISIONER = "cluster.spectra.dev/storage"
FINALIZER = PROVISIONER
USER = "system:storage-provisioner"

CLASSES = "/apis/storage.k8s.io/v1/storageclasses"
CLAIMS = "/api/v1/persistentvolumeclaims"
VOLUMES = "/api/v1/persistentvolumes"

ASKED_OF = "volume.kubernetes.io/storage-provisioner"
"""The volume controller names here who is to provide, once a pod waits for the claim."""
PROVIDED_BY = "pv.kubernetes.io/provisioned-by"
# The phases of a volume that no claim holds any more.
UNCLAIMED = ("Available", "Released", "Failed")


def storage_class() -> Body:
    """Return the default StorageClass."""
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": CLASS,
            "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
        },
        "provisioner": PROVISIONER,
        "reclaimPolicy": "Delete",
        # As in kind and most clouds: what waits for Bound before it makes a pod must fail here too.
        "volumeBindingMode": "WaitForFirstConsumer",
    }


def role() -> Body:
    """Return the ClusterRole of the provisioner."""
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": USER},
        "rules": [
            {
                "apiGroups": [""],
                "resources": ["persistentvolumes"],
                "verbs": ["list", "watch", "create", "update", "delete"],
            },
            {
                "apiGroups": [""],
                "resources": ["persistentvolumeclaims"],
                "verbs": ["list", "watch"],
            },
            {"apiGroups": [""], "resources": ["events"], "verbs": ["create"]},
        ],
    }


def binding() -> Body:
    """Return the ClusterRoleBinding of the provisioner."""
    group = "rbac.authorization.k8s.io"
    return {
        "apiVersion": f"{group}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": USER},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": USER},
        "subjects": [{"apiGroup": group, "kind": "User", "name": USER}],
    }


def wants_volume(claim: Body) -> bool:
    """Tell whether a claim waits for a volume of ours."""
    meta = claim["metadata"]
    asked = meta.get("annotations", {}).get(ASKED_OF) == PROVISIONER
    return asked and "volumeName" not in claim["spec"] and "deletionTimestamp" not in meta


def refusal(claim: Body) -> str:
    """Return why a claim can't get a volume here and what to do, or "" when it can."""
    spec = claim["spec"]
    if spec.get("storageClassName") != CLASS:
        return f"spec.storageClassName: {PROVISIONER} serves only the class {CLASS}: use that"
    if spec.get("volumeMode") == "Block":
        return "spec.volumeMode: Block is not offered on this cluster: use Filesystem"
    if "dataSource" in spec or "dataSourceRef" in spec:
        return "spec.dataSource: copies are not offered on this cluster: leave it out"
    if "selector" in spec:
        return "spec.selector: volumes made on demand have no labels: leave it out"
    return ""


def refused_event(claim: Body, reason: str, now: str) -> Body:
    """Return the Event that tells a claim's owner why there is no volume.

    Args:
        claim: The claim.
        reason: What :func:`refusal` said.
        now: The time, as in RFC 3339.
    """
    meta = claim["metadata"]
    return {
        "apiVersion": "v1",
        "kind": "Event",
        # One name per claim: telling it again after a restart is a conflict, and no second Event.
        "metadata": {"name": f"storage-{meta['uid']}", "namespace": meta["namespace"]},
        "involvedObject": _reference(claim),
        "type": "Warning",
        "reason": "ProvisioningFailed",
        "message": reason,
        "source": {"component": PROVISIONER},
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }


def volume_for(claim: Body, folder: Path) -> Body:
    """Return the volume of a claim: a folder of its own below ``folder``.

    No node affinity, as there is one real node, and pods on fake nodes may have claims too.
    """
    name = f"pvc-{claim['metadata']['uid']}"
    spec = claim["spec"]
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {
            "name": name,
            "annotations": {PROVIDED_BY: PROVISIONER},
            "finalizers": [FINALIZER],
        },
        "spec": {
            "accessModes": spec["accessModes"],
            "capacity": {"storage": spec["resources"]["requests"]["storage"]},
            "claimRef": _reference(claim),
            # The kubelet must not make it: its folder would belong to root alone.
            "hostPath": {"path": str(folder / name), "type": "Directory"},
            "persistentVolumeReclaimPolicy": "Delete",
            "storageClassName": CLASS,
            "volumeMode": "Filesystem",
        },
    }


def is_to_be_deleted(volume: Body) -> bool:
    """Tell whether a volume of ours has lost its claim and is not deleted yet."""
    released = volume.get("status", {}).get("phase") == "Released"
    return _is_ours(volume) and released and erases(volume) and not _is_deleted(volume)


def is_to_be_let_go(volume: Body) -> bool:
    """Tell whether only our finalizer is to keep a deleted volume, as no claim holds it."""
    unclaimed = volume.get("status", {}).get("phase") in UNCLAIMED
    held = FINALIZER in volume["metadata"].get("finalizers", [])
    return _is_ours(volume) and _is_deleted(volume) and unclaimed and held


def erases(volume: Body) -> bool:
    """Tell whether the folder goes with the volume."""
    return bool(volume["spec"]["persistentVolumeReclaimPolicy"] == "Delete")


def without_finalizer(volume: Body) -> Body:
    """Return the volume without our finalizer."""
    meta = volume["metadata"]
    left = [name for name in meta.get("finalizers", []) if name != FINALIZER]
    return {**volume, "metadata": {**meta, "finalizers": left}}


def _reference(claim: Body) -> Body:
    meta = claim["metadata"]
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "namespace": meta["namespace"],
        "name": meta["name"],
        "uid": meta["uid"],
    }


def _is_ours(volume: Body) -> bool:
    annotations = volume["metadata"].get("annotations", {})
    return bool(annotations.get(PROVIDED_BY) == PROVISIONER)


def _is_deleted(volume: Body) -> bool:
    return "deletionTimestamp" in volume["metadata"]
