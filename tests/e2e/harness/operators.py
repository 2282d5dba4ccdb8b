"""The operator's own pods: who leads, what they say, and how they die."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builders.cluster import LocalCluster
from e2e.harness.following import Follower
from e2e.harness.installation import NAMESPACE, REPLICAS
from spectra_operator.kube.resources import DEPLOYMENTS, LEASES, PODS

Body = dict[str, Any]

FOLLOWED = (PODS, LEASES, DEPLOYMENTS)
DEPLOYMENT = "spectra-operator"
LEASE = "spectra-operator-shard-0"
_METRIC = re.compile(r"^(?P<name>\w+)(\{(?P<labels>[^}]*)\})? (?P<value>\S+)$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True)
class Sample:
    """One line of metrics."""

    name: str
    labels: dict[str, str]
    value: float


@dataclass
class Operators:
    """The installed operator. `world` follows its namespace."""

    cluster: LocalCluster
    world: Follower

    def pods(self) -> list[Body]:
        """The operator's pods that are not on their way out."""
        return [
            pod
            for pod in self.world.all("Pod")
            if (pod["metadata"].get("labels") or {}).get("app.kubernetes.io/name") == DEPLOYMENT
            and not pod["metadata"].get("deletionTimestamp")
        ]

    def holder(self) -> str:
        """Identity of the replica that holds the Lease; empty for nobody."""
        lease = self.world.get("Lease", LEASE) or {}
        return str((lease.get("spec") or {}).get("holderIdentity") or "")

    def leader(self) -> Body:
        """The pod of the replica that holds the Lease."""
        name = self.holder().rsplit("_", 1)[0]
        return next(pod for pod in self.pods() if pod["metadata"]["name"] == name)

    def lease_seconds(self) -> float:
        """How long the Lease lasts without renewal."""
        lease = self.world.get("Lease", LEASE) or {}
        return float(lease["spec"]["leaseDurationSeconds"])

    async def settled(self) -> None:
        """Wait until all replicas are ready and one of them leads."""

        def ready() -> bool:
            up = [pod for pod in self.pods() if is_ready(pod)]
            names = {pod["metadata"]["name"] for pod in up}
            return len(up) == REPLICAS and self.holder().rsplit("_", 1)[0] in names

        await self.world.until("all replicas ready, one leads", ready, 90.0)

    def kill(self, pod: Body) -> str:
        """SIGKILL the processes of a pod's container, from this machine; returns its ID."""
        container: str = pod["status"]["containerStatuses"][0]["containerID"].split("//")[1]
        found = list(processes_of(container))
        assert found, f"no process of container {container} on this machine"
        for pid in found:
            os.kill(pid, signal.SIGKILL)
        return container

    async def taken_over(self, before: str) -> str:
        """Wait until another replica, or a restarted one, holds the Lease; returns who."""
        return await self.world.until(
            f"somebody takes over from {before}",
            lambda: (self.holder() != before and self.holder()) or None,
            60.0,
        )

    async def renewed(self, times: int) -> None:
        """Wait until the leader has renewed its Lease so often: time passes, nothing else does."""
        seen: set[str] = set()

        def enough() -> bool:
            lease = self.world.get("Lease", LEASE) or {}
            seen.add(lease["metadata"]["resourceVersion"])
            return len(seen) > times

        await self.world.until(f"{times} renewals of the Lease", enough)

    async def metrics(self) -> list[Sample]:
        """The metrics of all replicas."""
        return [sample for text in await self.metric_pages() for sample in samples(text)]

    async def metric_pages(self) -> list[str]:
        """The metrics of each replica, as Prometheus reads them."""
        return await asyncio.gather(*(self._read(pod, "metrics") for pod in self.pods()))

    async def hops(self) -> list[float]:
        """Seconds of the leader's recent hops."""
        found: list[float] = json.loads(await self._read(self.leader(), "metrics/hops"))
        return found

    async def logs(self) -> list[Body]:
        """Every log line that is still there, decoded, of all replicas."""
        lines: list[Body] = []
        for pod in self.pods():
            name = ("logs", "-n", NAMESPACE, pod["metadata"]["name"])
            texts = [await self.cluster.kubectl(*name)]
            if pod["status"]["containerStatuses"][0]["restartCount"]:
                texts.append((await self.cluster.try_kubectl(*name, "--previous")).out)
            lines += [json.loads(line) for text in texts for line in text.splitlines()]
        return lines

    async def _read(self, pod: Body, path: str) -> str:
        name = pod["metadata"]["name"]
        address = f"/api/v1/namespaces/{NAMESPACE}/pods/{name}:8080/proxy/{path}"
        return await self.cluster.kubectl("get", "--raw", address)


def samples(text: str) -> Iterator[Sample]:
    """Decode metrics in Prometheus' text format."""
    for found in _METRIC.finditer(text):
        labels = dict(_LABEL.findall(found["labels"] or ""))
        yield Sample(found["name"], labels, float(found["value"]))


def processes_of(container: str) -> Iterator[int]:
    """Process IDs, on this machine, of what runs in a container."""
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            if container in (folder / "cgroup").read_text():
                yield int(folder.name)
        except (FileNotFoundError, ProcessLookupError):
            continue


def is_ready(pod: Body) -> bool:
    """Whether a pod is ready."""
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(x["type"] == "Ready" and x["status"] == "True" for x in conditions)
