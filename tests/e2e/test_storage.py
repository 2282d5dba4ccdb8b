"""Volume claims on the cluster of the tests: the default class serves pods of restricted users."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from e2e.harness.bodies import IMAGE
from e2e.harness.following import Follower
from e2e.harness.play import Play
from spectra_operator.kube.access import ClusterAccess
from spectra_operator.kube.resources import PODS, Resource

Body = dict[str, Any]

CLAIMS = Resource("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim")
VOLUMES = Resource("", "v1", "persistentvolumes", "PersistentVolume", namespaced=False)
PLACE = "/work"
USER = 65532


@pytest_asyncio.fixture
async def volumes(access: ClusterAccess) -> AsyncIterator[Follower]:
    async with Follower(access, None, [VOLUMES]).running() as world:
        yield world


def a_claim(name: str, mode: str, **spec: Any) -> Body:
    """Return a claim of the default class."""
    storage = {"requests": {"storage": "1Mi"}}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name},
        "spec": {"accessModes": [mode], "resources": storage, **spec},
    }


def a_pod(name: str, script: str, **spec: Any) -> Body:
    """Return a pod as the restricted standard wants it, with the claim `shared` at `PLACE`."""
    container = {
        "name": "main",
        "image": IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": ["sh", "-c", script],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "shared", "mountPath": PLACE}],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {
            "restartPolicy": "Never",
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": USER,
                "runAsGroup": USER,
                "fsGroup": USER,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [container],
            "volumes": [{"name": "shared", "persistentVolumeClaim": {"claimName": "shared"}}],
            **spec,
        },
    }


async def ended(play: Play, pod: Body) -> str:
    """Create a pod, wait until it has succeeded, and return its termination message."""
    name = pod["metadata"]["name"]
    await play.client.create(PODS, play.namespace, pod)

    def over() -> Body | None:
        status: Body = (play.world.get("Pod", name) or {}).get("status", {})
        return status if status.get("phase") in {"Succeeded", "Failed"} else None

    status = await play.then.until(f"pod {name} ends", over)
    assert status["phase"] == "Succeeded", status
    terminated = status["containerStatuses"][0]["state"]["terminated"]
    return str(terminated.get("message", ""))


def volume_of(play: Play, volumes: Follower) -> Body | None:
    """Return the volume of the scenario's claim, if it has one."""
    found = (v for v in volumes.all("PersistentVolume") if holder(v) == (play.namespace, "shared"))
    return next(found, None)


def is_there(path: Path) -> bool:
    return path.exists()


def holder(volume: Body) -> tuple[str, str]:
    reference = volume["spec"].get("claimRef", {})
    return reference.get("namespace", ""), reference.get("name", "")


@pytest.mark.parametrize("mode", ["ReadWriteOnce", "ReadWriteMany"])
async def test_what_one_pod_writes_to_a_claim_another_reads(play: Play, mode: str) -> None:
    await play.client.create(CLAIMS, play.namespace, a_claim("shared", mode))

    await ended(play, a_pod("writer", f"echo 'from one to another' > {PLACE}/letter"))
    read = await ended(play, a_pod("reader", f"cat {PLACE}/letter > /dev/termination-log"))

    assert read == "from one to another\n"


async def test_a_deleted_claim_takes_its_volume_and_its_folder_with_it(
    play: Play, volumes: Follower
) -> None:
    await play.client.create(CLAIMS, play.namespace, a_claim("shared", "ReadWriteOnce"))
    await ended(play, a_pod("writer", f"mkdir {PLACE}/deep && touch {PLACE}/deep/file"))
    volume = await volumes.until("the claim's volume", lambda: volume_of(play, volumes))
    folder = Path(volume["spec"].get("hostPath", {}).get("path", "/nowhere"))
    if play.cluster.folder not in folder.parents:
        pytest.skip("the volumes of this cluster are not on this machine")
    assert is_there(folder / "deep" / "file")

    await play.when.deleted("Pod", "writer")
    await play.client.delete(CLAIMS, play.namespace, "shared")

    await volumes.until("the volume is gone", lambda: volume_of(play, volumes) is None)
    assert not is_there(folder)


async def test_a_pod_on_a_fake_node_can_have_a_claim_too(play: Play) -> None:
    await play.client.create(CLAIMS, play.namespace, a_claim("shared", "ReadWriteOnce"))
    taint = {"key": "kwok.x-k8s.io/node", "operator": "Exists"}

    said = await ended(
        play, a_pod("fake", "true", nodeSelector={"type": "kwok"}, tolerations=[taint])
    )

    assert said == ""


async def test_a_claim_that_cannot_be_served_says_why(play: Play) -> None:
    await play.client.create(
        CLAIMS, play.namespace, a_claim("shared", "ReadWriteOnce", volumeMode="Block")
    )
    pod = a_pod("waits", "true")
    (container,) = pod["spec"]["containers"]
    del container["volumeMounts"]
    container["volumeDevices"] = [{"name": "shared", "devicePath": "/dev/work"}]

    await play.client.create(PODS, play.namespace, pod)

    await play.then.told("PersistentVolumeClaim", "ProvisioningFailed", "Block")
