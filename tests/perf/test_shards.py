"""Two replicas that share eight shards: a real control plane, fake pods, operators as processes.

Part of `make test-all`. Figures are printed; asserted are counts and shares, never times. How long
a shard was run by nobody is told by the replicas' logs: from "given up", or the death of its
holder, to "taken over", which comes after the take-over's last pass.
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import uvloop
import yaml

from bench import proc
from bench.bodies import AGENT, a_fake_agent, a_step, a_task, a_workflow
from bench.process import OperatorProcess, a_free_port, a_service_account, an_operator
from builders.cluster import ROOT, LocalCluster
from e2e.harness.following import Follower
from perf.figures import spread
from perf.shard_log import gaps, turns
from spectra_operator.api import constants as c
from spectra_operator.engine.keys import WORKFLOWS
from spectra_operator.engine.leases import SHARD_LEASE
from spectra_operator.kube.access import load_access
from spectra_operator.kube.client import AiohttpClient
from spectra_operator.kube.resources import LEASES, PODS

pytestmark = pytest.mark.timeout(1200)

SHARDS = 8
NAMESPACES = [f"space-{number:02}" for number in range(16)]
ITEMS = int(os.environ.get("SPECTRA_SHARDS_ITEMS", "40"))
"""Tasks of a workflow; one in each namespace makes a load."""
CHAIN = 3
PATIENCE = 300.0


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    """A cluster of its own with fake nodes."""
    cluster = LocalCluster("spectra-shards")
    cluster.up(fake_nodes=4)
    try:
        cluster.run("kubectl", "apply", "--server-side", "-f", str(ROOT / "crds"))
        for namespace in ("spectra-system", *NAMESPACES):
            cluster.run("kubectl", "create", "namespace", namespace)
            agent = yaml.safe_dump(a_fake_agent(AGENT, {}))
            cluster.run("kubectl", "apply", "-n", namespace, "-f", "-", stdin=agent)
        yield cluster
    finally:
        cluster.down()


@dataclass
class Stage:
    """Replicas at work, and what is seen of them."""

    kubeconfig: Path
    folder: Path
    world: Follower
    client: AiohttpClient
    stack: ExitStack
    replicas: dict[str, OperatorProcess] = field(default_factory=dict)
    changes: list[tuple[str, float, float | None]] = field(default_factory=list)
    """What happened to replicas, since when, and when one died of it."""

    def starts(self, name: str) -> None:
        """Start a replica."""
        settings = {"shards": str(SHARDS), "log_format": "json", "identity": name}
        log = self.folder / f"{name}.log"
        process = an_operator(self.kubeconfig, log, a_free_port(), **settings)
        self.replicas[name] = self.stack.enter_context(process)

    def ends(self, name: str, how: signal.Signals) -> float:
        """End a replica; returns the POSIX time."""
        os.kill(self.replicas.pop(name).pid, how)
        return time.time()

    def shares(self) -> dict[str, int]:
        """Return how many shards each replica holds, by the Leases."""
        leases = [self.world.get("Lease", SHARD_LEASE.format(shard=s)) for s in range(SHARDS)]
        return Counter(x["spec"]["holderIdentity"] for x in leases if x)

    async def until_shared(self, *sizes: int) -> None:
        """Wait until the replicas hold so many shards each."""
        wanted = dict(zip(sorted(self.replicas), sizes, strict=True))
        await self.world.until(f"shares {wanted}", lambda: self.shares() == wanted, PATIENCE)

    async def load(self, name: str) -> None:
        """Begin a workflow in each namespace: chains of a fan-out."""
        names = [f"stage-{number}" for number in range(CHAIN)]
        steps = [
            a_step(one, [a_task("work", count=ITEMS // CHAIN)], dependsOn=names[:number][-1:])
            for number, one in enumerate(names)
        ]
        for namespace in NAMESPACES:
            await self.client.create(WORKFLOWS, namespace, a_workflow(f"{name}-{namespace}", steps))

    def done(self, name: str) -> int:
        """Return how many of a load's workflows have ended and are let go."""
        flows = [self.world.get("Workflow", f"{name}-{space}") for space in NAMESPACES]
        return sum(c.LABEL_FINISHED in (f["metadata"].get("labels") or {}) for f in flows if f)

    async def until_done(self, name: str, part: float = 1.0) -> None:
        """Wait for the end of a load, or of a part of its workflows."""
        least = part * len(NAMESPACES)
        await self.world.until(f"the end of {name}", lambda: self.done(name) >= least, PATIENCE)

    async def measured(self, name: str) -> float:
        """Do a load and print what it took; returns the makespan."""
        before = {who: proc.cpu_seconds(each.pid) for who, each in self.replicas.items()}
        began = time.monotonic()
        await self.load(name)
        await self.until_done(name)
        seconds = time.monotonic() - began
        used = {w: proc.cpu_seconds(self.replicas[w].pid) - then for w, then in before.items()}
        shown = ", ".join(f"{who} {cpu:.1f}" for who, cpu in sorted(used.items()))
        tasks = len(NAMESPACES) * (ITEMS // CHAIN) * CHAIN
        print(f"\n{name}: {tasks} pods in {seconds:.1f} s; CPU seconds: {shown}")  # noqa: T201
        return seconds

    def tell(self) -> None:
        """Print for how long shards were run by nobody when replicas came and went."""
        found = turns(self.folder.glob("*.log"))
        ends = [*(since for _, since, _ in self.changes[1:]), float("inf")]
        for (name, since, died), end in zip(self.changes, ends, strict=True):
            waits = gaps([turn for turn in found if since <= turn.at < end], died)
            print(f"  {spread(f'{name}: a shard run by nobody', waits)}")  # noqa: T201


@asynccontextmanager
async def a_stage(cluster: LocalCluster, folder: Path) -> AsyncIterator[Stage]:
    """Open the stage; replicas end with it."""
    kubeconfig = a_service_account(cluster, "spectra-system")
    access = load_access(str(kubeconfig))
    async with (
        AiohttpClient(access) as client,
        Follower(access, None, [LEASES, WORKFLOWS]).running() as world,
    ):
        with ExitStack() as stack:
            yield Stage(kubeconfig, folder, world, client, stack)


def test_two_replicas_share_the_work_and_every_task_is_done_once(
    cluster: LocalCluster, tmp_path: Path
) -> None:
    # The loop that leaves most of the cores to what is measured.
    uvloop.run(_shared(cluster, tmp_path))


async def _shared(cluster: LocalCluster, folder: Path) -> None:
    print(f"\nload of the machine: {os.getloadavg()}, {os.cpu_count()} cores")  # noqa: T201
    async with a_stage(cluster, folder) as stage:
        stage.starts("one")
        await stage.until_shared(SHARDS)
        await stage.measured("warm")
        alone = await stage.measured("alone")
        await _amid(stage, "join", lambda: stage.starts("two"))
        both = await stage.measured("both")
        print(f"  one replica to two: {alone / both:.2f}")  # noqa: T201
        await _amid(stage, "leave", lambda: stage.ends("two", signal.SIGTERM))
        await _amid(stage, "rejoin", lambda: stage.starts("three"))
        await _amid(stage, "death", lambda: stage.ends("three", signal.SIGKILL), dies=True)
        stage.tell()
        loads = ("warm", "alone", "join", "both", "leave", "rejoin", "death")
        await _each_was_done_once(stage.client, len(loads))


async def _amid(
    stage: Stage, name: str, happens: Callable[[], float | None], *, dies: bool = False
) -> None:
    """Let something happen to a replica in the middle of a load."""
    await stage.load(name)
    await stage.world.until("some progress", lambda: _has_begun(stage, name), PATIENCE)
    since = time.time()
    at = happens()
    stage.changes.append((name, since, at if dies else None))
    await stage.until_shared(*[SHARDS // len(stage.replicas)] * len(stage.replicas))
    await stage.until_done(name)


def _has_begun(stage: Stage, name: str) -> bool:
    flows = [stage.world.get("Workflow", f"{name}-{space}") or {} for space in NAMESPACES]
    return sum("status" in flow for flow in flows) == len(NAMESPACES)


async def _each_was_done_once(client: AiohttpClient, loads: int) -> None:
    pods = (await client.list_metadata(PODS, label_selector=f"{c.MANAGED_BY}={c.MANAGER}")).items
    labels = [pod["metadata"]["labels"] for pod in pods]
    done = {(x[c.LABEL_PHASE_UID], x[c.LABEL_TASK], x[c.LABEL_INDEX]) for x in labels}
    print(f"\n{len(pods)} pods for {len(done)} tasks")  # noqa: T201
    assert len(pods) == len(done) == loads * len(NAMESPACES) * (ITEMS // CHAIN) * CHAIN
    assert {x[c.LABEL_ATTEMPT] for x in labels} == {"1"}
    held = [p for p in pods if c.RESULT_FINALIZER in p["metadata"].get("finalizers", ())]
    assert not held
