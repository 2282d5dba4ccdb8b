"""Large runs on fake nodes: a real control plane, KWOK's pods, the operator as a process.

Part of `make test-all`. Figures are printed; asserted are counts and sizes, never times.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator

import pytest
import yaml

from bench.process import an_operator
from builders.cluster import ROOT, LocalCluster
from e2e.harness.following import Follower
from perf import shapes
from perf.shapes import NAME, Shape
from perf.sizes import Largest
from spectra_operator.api import constants as c
from spectra_operator.engine.keys import PHASES, WORKFLOWS
from spectra_operator.kube.access import ClusterAccess, load_access
from spectra_operator.kube.client import AiohttpClient
from spectra_operator.kube.resources import PODS, Body

pytestmark = pytest.mark.timeout(2400)

KIB = 1024
PORT = 18_080
FAKE_NODES = 10
SECONDS = 2000.0
SHAPES: dict[str, Callable[[], Shape]] = {
    "1,000 named tasks in ten phases": lambda: shapes.ten_phases_of(100),
    "10,000 items by count": lambda: shapes.a_count_of(10_000),
    "10,000 items for each entry of a parameter": lambda: shapes.for_each_parameter(10_000),
    "5,000 items for each of 5,000 outputs": lambda: shapes.for_each_output(5_000),
}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    """A cluster of its own with fake nodes and a running operator; both go with the tests."""
    cluster = LocalCluster("spectra-scale")
    cluster.up(fake_nodes=FAKE_NODES)
    try:
        cluster.run("kubectl", "apply", "--server-side", "-f", str(ROOT / "crds"))
        cluster.run("kubectl", "create", "namespace", "spectra-system")
        with an_operator(cluster.kubeconfig, tmp_path_factory.mktemp("operator") / "log", PORT):
            yield cluster
    finally:
        cluster.down()


@pytest.fixture
def access(cluster: LocalCluster) -> ClusterAccess:
    """The cluster's administrator."""
    return load_access(str(cluster.kubeconfig))


async def _run(cluster: LocalCluster, access: ClusterAccess, shape: Shape) -> tuple[Body, Largest]:
    """Apply a workflow in a namespace of its own; return it as it ended, and the sizes seen."""
    namespace = _namespace()
    await cluster.kubectl("create", "namespace", namespace)
    async with Follower(access, namespace, [WORKFLOWS, PHASES]).running() as world:
        largest = Largest(world, "Workflow", "Phase")
        begin = asyncio.get_running_loop().time()
        manifests = yaml.safe_dump_all(shape.manifests())
        await cluster.kubectl("apply", "--server-side", "-n", namespace, "-f", "-", stdin=manifests)

        def finished() -> Body | None:
            flow = world.get("Workflow", NAME)
            labels = (flow["metadata"].get("labels") or {}) if flow else {}
            return flow if c.LABEL_FINISHED in labels else None

        flow = await world.until("the end of the workflow", finished, SECONDS)
        seconds = asyncio.get_running_loop().time() - begin
    print(f"\n{shape.items} items in {seconds:.1f} s; {largest}")  # noqa: T201
    assert max(largest.objects.values()) < 700 * KIB
    return flow, largest


async def _pods(access: ClusterAccess) -> list[Body]:
    """Return the metadata of all pods of the test."""
    async with AiohttpClient(access) as client:
        return (await client.list_metadata(PODS, _namespace())).items


def _namespace() -> str:
    test = os.environ["PYTEST_CURRENT_TEST"].rpartition("::")[2].partition(" (")[0]
    words = "".join(letter if letter.isalnum() else "-" for letter in test.lower())
    return f"scale-{words.strip('-')}"[-60:].strip("-")


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
async def test_a_large_run_does_every_item_once_and_no_object_grows_too_large(
    cluster: LocalCluster, access: ClusterAccess, shape: Callable[[], Shape]
) -> None:
    built = shape()
    flow, largest = await _run(cluster, access, built)
    assert flow["status"]["state"] == "Succeeded"
    if len(built.phases) == 10:
        assert max(largest.statuses.values()) < 300 * KIB
    pods = [pod["metadata"] for pod in await _pods(access)]
    done = {
        (p["labels"][c.LABEL_PHASE], p["labels"][c.LABEL_TASK], p["labels"][c.LABEL_INDEX])
        for p in pods
    }
    assert len(pods) == len(done) == built.items
    assert not [p["name"] for p in pods if c.RESULT_FINALIZER in p.get("finalizers", ())]


async def test_outputs_that_fit_no_status_fail_the_phase_and_every_pod_is_let_go(
    cluster: LocalCluster, access: ClusterAccess
) -> None:
    flow, _ = await _run(cluster, access, shapes.too_much(400))
    assert flow["status"]["state"] == "Failed"
    assert "OutputsTooLarge" in flow["status"]["message"]
    pods = [pod["metadata"] for pod in await _pods(access)]
    assert not [p["name"] for p in pods if c.RESULT_FINALIZER in p.get("finalizers", ())]


async def test_hundreds_of_long_messages_do_not_outgrow_a_status(
    cluster: LocalCluster, access: ClusterAccess
) -> None:
    flow, largest = await _run(cluster, access, shapes.failures(500))
    assert flow["status"]["state"] == "Failed"
    assert max(largest.statuses.values()) < 400 * KIB
