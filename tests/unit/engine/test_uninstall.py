"""Before the uninstall the operator stops, and nothing of its own stays."""

from __future__ import annotations

from typing import Any

import pytest

from spectra_operator.engine.uninstall import forget_leases, stop_operator
from spectra_operator.kube.errors import Forbidden, KubeError, NotFound
from spectra_operator.kube.interface import Listing
from spectra_operator.kube.resources import LEASES, Body, Resource

SELECTOR = "app.kubernetes.io/name=spectra-operator"


class Cluster:
    """A Deployment whose pods end one look after the other, and some Leases."""

    def __init__(self, *pods: str, leases: tuple[str, ...] = ()) -> None:
        self.pods = list(pods)
        self.leases = set(leases)
        self.scaled: list[Body] = []
        self.asked: list[str] = []
        self.refusal: KubeError | None = None

    async def patch(
        self, resource: Resource, namespace: str, name: str, patch: Body, *, subresource: str
    ) -> Body:
        if self.refusal:
            raise self.refusal
        self.scaled.append({"name": name, "namespace": namespace, "sub": subresource} | patch)
        return {"status": {"selector": SELECTOR}}

    async def list(self, resource: Resource, namespace: str, *, label_selector: str) -> Listing:
        if resource == LEASES:
            labelled = [name for name in self.leases if name.startswith("spectra-operator-")]
            return Listing([{"metadata": {"name": name}} for name in labelled], "1")
        self.asked.append(label_selector)
        items = [{"metadata": {"name": pod}, "status": {"phase": "Running"}} for pod in self.pods]
        self.pods = self.pods[1:]
        ended = {"metadata": {"name": "ended"}, "status": {"phase": "Succeeded"}}
        return Listing([*items, ended], "1")

    async def delete(self, resource: Resource, namespace: str, name: str) -> None:
        if name not in self.leases:
            raise NotFound("no such Lease", status=404)
        self.leases.remove(name)


class Pauses:
    """A clock that only notes how often somebody waited."""

    def __init__(self) -> None:
        self.count = 0

    async def sleep(self, seconds: float) -> None:
        self.count += 1


async def stop(cluster: Cluster, *, there: bool = True, name: str = "spectra-operator") -> int:
    clock = Pauses()
    doubles: tuple[Any, Any] = (cluster, clock)
    assert await stop_operator(*doubles, "system", name) == there
    return clock.count


async def test_the_operator_is_scaled_to_zero_and_waited_for() -> None:
    cluster = Cluster("one", "two")

    assert await stop(cluster) == 2
    assert cluster.scaled == [
        {
            "name": "spectra-operator",
            "namespace": "system",
            "sub": "scale",
            "spec": {"replicas": 0},
        }
    ]
    assert set(cluster.asked) == {SELECTOR}


async def test_an_operator_that_has_ended_already_is_not_waited_for() -> None:
    assert await stop(Cluster()) == 0


async def test_a_deployment_that_is_gone_has_stopped() -> None:
    cluster = Cluster("never asked about")
    cluster.refusal = NotFound("no such Deployment", status=404)

    assert await stop(cluster, there=False) == 0
    assert cluster.asked == []


async def test_no_name_is_no_deployment_and_nothing_is_scaled() -> None:
    cluster = Cluster("never asked about")

    assert await stop(cluster, there=False, name="") == 0
    assert (cluster.scaled, cluster.asked) == ([], [])


async def test_a_lack_of_rights_is_told() -> None:
    cluster = Cluster()
    cluster.refusal = Forbidden("no", status=403)

    with pytest.raises(Forbidden):
        await stop(cluster)


async def test_the_leases_of_shards_and_replicas_go_and_missing_ones_are_well() -> None:
    ours = ("shard-0", "shard-2", "shard-7", "replica-one")
    cluster = Cluster(leases=(*(f"spectra-operator-{name}" for name in ours), "another"))
    client: Any = cluster

    await forget_leases(client, "system", 3)

    assert cluster.leases == {"another"}
