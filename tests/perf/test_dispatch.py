"""Dispatch latency of warm workers: a real control plane, the operator as a process, fake pods.

Part of `make test-all`. Figures are printed; asserted are counts and ratios, never times.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvloop

from bench.dispatch import WORKERS, Pool
from bench.fleet import Fleet, Tape
from bench.lease_limit import RawLimit, raw_limit
from bench.loads import Load, chains, fan_outs, stages
from bench.process import (
    OperatorProcess,
    Usage,
    a_free_port,
    a_service_account,
    an_operator,
    api_server_seconds,
)
from builders.cluster import ROOT, LocalCluster
from e2e.harness.following import Follower
from perf.figures import spread
from spectra_operator.api import constants as c
from spectra_operator.kube.access import ClusterAccess, load_access
from spectra_operator.kube.resources import LEASES, name_of

pytestmark = pytest.mark.timeout(1200)

NAMESPACE = "dispatch"
RATE = 200.0
SECONDS = float(os.environ.get("SPECTRA_DISPATCH_SECONDS", "30"))
RAW_SECONDS = 5.0
PATIENCE = 300.0
_ENTRIES = (c.CLAIM_PREFIX, c.ENDING_PREFIX)
MOST_REQUESTS = 3.0
"""Requests to the API server for each claim, those for workflows and phases included."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    """A cluster of its own with fake nodes."""
    cluster = LocalCluster("spectra-dispatch")
    cluster.up(fake_nodes=2)
    try:
        cluster.run("kubectl", "apply", "--server-side", "-f", str(ROOT / "crds"))
        for namespace in ("spectra-system", NAMESPACE):
            cluster.run("kubectl", "create", "namespace", namespace)
        yield cluster
    finally:
        cluster.down()


@pytest.fixture(scope="module")
def url() -> str:
    """Where the worker API is served."""
    return f"http://127.0.0.1:{a_free_port()}"


@pytest.fixture(scope="module")
def kubeconfig(cluster: LocalCluster) -> Path:
    """How the operator and the plain patches call: with a token, as in a pod."""
    return a_service_account(cluster, "spectra-system")


@pytest.fixture(scope="module")
def operator(
    kubeconfig: Path, url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OperatorProcess]:
    """An operator that serves the worker API."""
    log = tmp_path_factory.mktemp("operator") / "log"
    settings = {"worker_url": url, "worker_port": url.rpartition(":")[2]}
    with an_operator(kubeconfig, log, a_free_port(), **settings) as process:
        yield process


@pytest.fixture
def access(kubeconfig: Path) -> ClusterAccess:
    """The access of the test itself, which is the operator's."""
    return load_access(str(kubeconfig))


def _told(name: str, tape: Tape, used: Usage, seconds: float) -> str:
    total = sum(used.requests.values())
    asked = ", ".join(f"{count} {what}" for what, count in used.requests.most_common(6))
    passes = ", ".join(f"{count} {kind}" for kind, count in used.passes.most_common(4))
    return (
        f"{name}: {tape.ended} claims in {seconds:.1f} s: {tape.ended / seconds:.0f} a second;"
        f" {total / tape.ended:.2f} requests and {used.sent / tape.ended:.0f} bytes a claim"
        f" ({asked}); {tape.idle} times nothing in hand when a task should have ended;"
        f" {tape.again} claims came again after their end"
        f"\n  operator: {1000 * used.cpu / tape.ended:.2f} ms of CPU a claim,"
        f" {100 * used.cpu / seconds:.0f}% of a core; {100 * used.starved / seconds:.0f}% of the"
        f" time it waited for one; passes: {passes}"
    )


async def _measured(
    cluster: LocalCluster, pool: Pool, fleet: Fleet, load: Load, rate: float | None
) -> float:
    """Run a load, print its figures, check its counts, and return its claims a second."""
    name = name_of(load.workflows[0]).rpartition("-")[0]
    server = await api_server_seconds(cluster)
    played = await pool.played(fleet, load, rate)
    tape, used = played.tape, played.used
    server = await api_server_seconds(cluster) - server
    print(_told(f"\n{name}", tape, used, played.seconds))  # noqa: T201
    print(f"  API server: {1000 * server / tape.ended:.2f} ms of CPU a claim")  # noqa: T201
    for what, found in (
        ("ready to claimed, inside the operator", played.hops),
        ("result sent to successor's claim come", tape.chained),
        ("last result of a phase answered to first claims of the next one come", tape.entered),
        ("result sent to next claim for its slot", tape.refilled),
        ("result sent to answer", tape.answered),
    ):
        print(f"  {spread(what, found)}")  # noqa: T201
    assert played.states == {"Succeeded"}
    assert tape.ended == len(tape.given) == load.tasks
    assert set(tape.given.values()) == {1}
    assert tape.attempts == {1}
    assert sum(used.requests.values()) < MOST_REQUESTS * load.tasks
    return tape.ended / played.seconds


async def _raw(access: ClusterAccess) -> RawLimit:
    """Measure the raw limit with as many writes at once as the operator has pages."""
    raw = await raw_limit(access, NAMESPACE, WORKERS, RAW_SECONDS)
    print(f"\nraw limit: {raw.rate:.0f} Lease patches a second; {spread('each', raw.each)}")  # noqa: T201
    return raw


def test_two_hundred_claims_a_second_are_each_done_once(
    cluster: LocalCluster, access: ClusterAccess, operator: OperatorProcess, url: str
) -> None:
    # The loop that leaves most of the cores to what is measured.
    uvloop.run(_two_hundred_a_second(cluster, access, operator, url))


async def _two_hundred_a_second(
    cluster: LocalCluster, access: ClusterAccess, operator: OperatorProcess, url: str
) -> None:
    print(f"\nload of the machine: {os.getloadavg()}, {os.cpu_count()} cores")  # noqa: T201
    before = await _raw(access)
    tasks = int(RATE * SECONDS)
    pool = Pool(cluster, access, operator, url, NAMESPACE)
    async with pool.fleet() as fleet:
        await _measured(cluster, pool, fleet, chains("chains", tasks), RATE)
        await _measured(cluster, pool, fleet, stages("phases", tasks), RATE)
        await _measured(cluster, pool, fleet, fan_outs("fan-outs", tasks), RATE)
        most = await _measured(cluster, pool, fleet, fan_outs("unpaced", tasks), None)
    after = await _raw(access)
    raw = (before.rate + after.rate) / 2
    print(f"\nclaims to raw patches: {RATE / raw:.2f} paced, {most / raw:.2f} unpaced")  # noqa: T201
    print(f"load of the machine: {os.getloadavg()}")  # noqa: T201
    assert not await _left_on_pages(access)


async def _left_on_pages(access: ClusterAccess) -> list[str]:
    """Return the claims that stand on the pages of workers."""
    async with Follower(access, NAMESPACE, [LEASES]).running() as world:

        def left() -> list[str]:
            notes = [page["metadata"].get("annotations") or {} for page in world.all("Lease")]
            return [key for note in notes for key in note if key.startswith(_ENTRIES)]

        await world.until("clear pages", lambda: not left(), PATIENCE)
        return left()
