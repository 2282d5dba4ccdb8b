"""The chart with several shards: rights, admission policy and uninstall, on a cluster of its own.

Part of `make test-all`: it needs the images and a fresh cluster, a minute and a half.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from builders.cluster import ROOT, LocalCluster
from e2e.harness import installation
from e2e.harness.following import Follower
from spectra_operator.engine.leases import REPLICA_PREFIX, SHARD_PREFIX
from spectra_operator.kube.access import load_access
from spectra_operator.kube.resources import LEASES, name_of

pytestmark = pytest.mark.timeout(600)

SHARDS = 4
PLACE = ("-n", installation.NAMESPACE)
SELECTOR = "--selector=app.kubernetes.io/name=spectra-operator"


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    """A cluster of its own with the chart installed as it comes: one shard."""
    cluster = LocalCluster("spectra-shared")
    cluster.up()
    try:
        cluster.load_images()
        installation.install(cluster)
        yield cluster
    finally:
        cluster.down()


def holders(world: Follower, prefix: str) -> list[str]:
    """Return who holds the Leases whose names begin so; those that nobody holds count, too."""
    leases = [lease for lease in world.all("Lease") if name_of(lease).startswith(prefix)]
    return [lease["spec"].get("holderIdentity") or "" for lease in leases]


def is_shared(world: Follower) -> bool:
    """Whether two replicas that are there hold two shards each."""
    replicas, held = set(holders(world, REPLICA_PREFIX)), Counter(holders(world, SHARD_PREFIX))
    return len(replicas) == installation.REPLICAS and held == dict.fromkeys(replicas, 2)


async def test_shards_are_raised_by_an_upgrade_shared_by_two_pods_and_forgotten_at_the_end(
    cluster: LocalCluster,
) -> None:
    access = load_access(str(cluster.kubeconfig))
    async with Follower(access, installation.NAMESPACE, [LEASES]).running() as world:
        chart = str(ROOT / "helm" / "spectra-operator")
        values = ("--reuse-values", "--set", f"shards={SHARDS}", "--wait")
        cluster.run("helm", "upgrade", installation.RELEASE, chart, *PLACE, *values)
        await world.until("two shards each", lambda: is_shared(world))

        def is_renewed(before: set[str]) -> bool:
            return set(holders(world, REPLICA_PREFIX)) != before and is_shared(world)

        before = set(holders(world, REPLICA_PREFIX))
        said = await cluster.kubectl("logs", *PLACE, SELECTOR, "--tail=-1")
        assert "403" not in said
        gone = next(iter(before)).rsplit("_", 1)[0]
        await cluster.kubectl("delete", "pod", *PLACE, gone)
        await world.until("two shards each, after a pod was deleted", lambda: is_renewed(before))

        cluster.run("helm", "uninstall", installation.RELEASE, *PLACE, "--wait")
        await world.until("no Lease left", lambda: not world.all("Lease"))
