"""From 0.1.0 to this version and back with runs in flight, as docs/operations.md says.

All tests share one cluster of their own, for they replace the CustomResourceDefinitions.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from builders.cluster import LocalCluster
from builders.specs import a_task
from e2e.harness import installation, versions
from e2e.harness.bodies import HOLD
from e2e.harness.crossing import Crossing, crossing, documented, type_all
from e2e.harness.following import Follower
from e2e.harness.in_flight import InFlight
from e2e.harness.ledger import Ledger
from e2e.harness.operators import Operators
from e2e.harness.play import Play
from e2e.harness.plugin import Plugin
from e2e.harness.pools import pool
from e2e.harness.removal import (
    held,
    in_the_manifest,
    left_of_the_release,
    made_by_the_release,
)
from e2e.harness.versions import Version
from spectra_operator.kube.access import ClusterAccess, load_access
from spectra_operator.kube.client import AiohttpClient
from spectra_operator.kube.resources import LEASES, NAMESPACES

pytestmark = [pytest.mark.xdist_group("upgrades"), pytest.mark.redefining]
SECONDS = 400
"""For each test; most of it is other tests' work beside it."""
VERSION_LABEL = "app.kubernetes.io/version"


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Version:
    """The version before this one."""
    return versions.version_of(versions.CUT_0_1_0, tmp_path_factory.mktemp("older"))


@pytest.fixture(scope="module")
def newer() -> Version:
    """This version."""
    return versions.this_version()


@pytest.fixture(scope="module")
def cluster(older: Version, newer: Version) -> Iterator[LocalCluster]:
    """A cluster with the images of both versions, in place of the one that other tests share."""
    found = LocalCluster(f"{LocalCluster().name}-u"[-20:].strip("-"))
    found.down()
    found.up()
    versions.load(found, older, *versions.NEEDED_IMAGES)
    versions.load(found, newer, "operator")
    yield found
    found.down()


@pytest.fixture(scope="module")
def access(cluster: LocalCluster) -> ClusterAccess:
    """The way to that cluster."""
    return load_access(str(cluster.kubeconfig))


@pytest.fixture
def from_older(cluster: LocalCluster, older: Version) -> None:
    """The older version is installed."""
    if deployed(cluster) != older.chart:
        older.install(cluster)


@pytest.fixture
def upgraded(cluster: LocalCluster, older: Version, newer: Version) -> None:
    """This version is installed, and the older one was before it."""
    if deployed(cluster) == newer.chart:
        return
    if deployed(cluster) != older.chart:
        older.install(cluster)
    newer.install(cluster)


@pytest_asyncio.fixture
async def in_flight(play: Play, access: ClusterAccess, older: Version) -> AsyncIterator[InFlight]:
    """Runs of every kind under way. Agents stay behind: their SDK is the older one throughout."""
    follower = Follower(access, play.namespace, [LEASES])
    ledger = Ledger()
    follower.listen("Lease", ledger.lease_event)
    async with follower.running():
        found = InFlight(play, older.reference("agent"), ledger)
        await found.begin()
        yield found


def deployed(cluster: LocalCluster) -> str:
    """Return the chart of the release and its version; empty without a release."""
    words = ("list", "-n", installation.NAMESPACE, "--deployed", "-o", "json")
    found = json.loads(cluster.run("helm", *words))
    return str(found[0]["chart"]) if found else ""


async def crd_versions(cluster: LocalCluster) -> set[str]:
    """Return which versions of the chart the CustomResourceDefinitions are of."""
    selector = "--selector=app.kubernetes.io/part-of=spectra"
    text = await cluster.kubectl("get", "crd", selector, "-o", "json")
    return {crd["metadata"]["labels"][VERSION_LABEL] for crd in json.loads(text)["items"]}


@pytest.mark.timeout(SECONDS, func_only=True)
@pytest.mark.usefixtures("from_older")
async def test_runs_of_0_1_0_go_on_through_an_upgrade_that_stands_still_half_way(
    operators: Operators,
    client: AiohttpClient,
    newer: Version,
    in_flight: InFlight,
    spectra: Plugin,
) -> None:
    upgrade, status, *checks = documented("operations", "Upgrade")
    async with crossing(operators, client, newer, [upgrade, status]) as way:
        await half_way(way)
        await in_flight.go_on("early")
        await way.taken_over()
        await arrived(way, in_flight)

    await type_all(operators, checks)
    await in_flight.end(spectra)


@pytest.mark.timeout(SECONDS, func_only=True)
@pytest.mark.usefixtures("upgraded")
async def test_runs_of_this_version_go_on_under_0_1_0_after_a_rollback(
    operators: Operators,
    client: AiohttpClient,
    older: Version,
    in_flight: InFlight,
    spectra: Plugin,
) -> None:
    async with crossing(operators, client, older, documented("operations", "Go back")) as way:
        await half_way(way)
        # 0.1.0 may patch statuses and not replace them, so this version writes none any more.
        await in_flight.opened("early")
        await way.taken_over()
        await in_flight.recorded("early")
        await arrived(way, in_flight)

    assert await made_by_the_release(operators.cluster) == in_the_manifest(operators.cluster)
    await in_flight.end(spectra)


@pytest.mark.timeout(SECONDS, func_only=True)
@pytest.mark.usefixtures("upgraded")
async def test_an_upgraded_release_is_uninstalled_with_runs_in_flight_and_leaves_nothing_behind(
    play: Play, operators: Operators, access: ClusterAccess, older: Version
) -> None:
    await begin_to_hold(play, older.reference("agent"))
    assert held(play)
    await type_all(operators, documented("install", "Uninstall with Helm"))

    await play.then.until("no pod is held", lambda: not held(play) or None)
    assert await left_of_the_release(play.cluster) == []
    secrets = ("get", "secrets", "-n", installation.NAMESPACE, "-l", "owner=helm", "-o", "name")
    assert await play.cluster.kubectl(*secrets) == "", "Helm remembers a former revision"
    assert await crd_versions(play.cluster), "the schemas stay, and with them what users made"
    async with Follower(access, None, [NAMESPACES]).running() as namespaces:
        await play.when.namespace_deleted()
        gone = f"namespace {play.namespace} is gone"
        await namespaces.until(gone, lambda: not namespaces.get("Namespace", play.namespace))


async def begin_to_hold(play: Play, image: str) -> None:
    """Have a pod of a task that runs, and a worker with two claims."""
    play.given.agent("holder", HOLD, template={"image": image})
    template = {"image": image, "terminationGracePeriodSeconds": 1}
    play.given.object(pool("press", replicas=1, template=template))
    warm = a_task("warm", agent="press", count=2, input={"seconds": 600})
    play.given.workflow([a_task("held", agent="holder"), warm])
    await play.when.applied()
    await play.then.task("work/held").pod_in("Running")
    await play.then.task("work/warm").shows(state="Running")


async def half_way(way: Crossing) -> None:
    """Check that the schemas, and so the rights, are the other version's, and its replica waits."""
    version = way.to.chart.removeprefix("spectra-operator-")
    assert await crd_versions(way.operators.cluster) == {version}
    assert not way.leads(), "the schemas change before the replica that leads"


async def arrived(way: Crossing, runs: InFlight) -> None:
    """Let runs go on while the other version leads and while it is alone."""
    await runs.go_on("middle")
    assert way.leads()
    await way.over()
    assert deployed(way.operators.cluster) == way.to.chart
    await runs.stands_as_before()
    await runs.go_on("late")
