"""Large runs on fake nodes: a real control plane, KWOK's pods, the operator as a process.

Part of `make test-all`. Figures are printed; asserted are counts, never times.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from builders.cluster import ROOT, LocalCluster
from builders.specs import an_agent

pytestmark = pytest.mark.timeout(900)

PORT = 18_080
FAKE = {
    "image": "none",
    "command": ["run"],
    "nodeSelector": {"type": "kwok"},
    "tolerations": [{"key": "kwok.x-k8s.io/node", "operator": "Exists"}],
}
SHAPES: dict[str, list[dict[str, Any]]] = {
    "fan-out of 1,000": [{"name": "item", "agent": "worker", "count": 1000}],
    "ten layers of 40": [
        {
            "name": f"t{layer}-{place}",
            "agent": "worker",
            "dependsOn": [f"t{layer - 1}-{before}" for before in range(40)] if layer else [],
        }
        for layer in range(10)
        for place in range(40)
    ],
}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    """A cluster of its own with fake nodes and a running operator; both go with the tests."""
    cluster = LocalCluster("spectra-scale")
    cluster.up(fake_nodes=4)
    try:
        cluster.run("kubectl", "apply", "--server-side", "-f", str(ROOT / "crds"))
        cluster.run("kubectl", "create", "namespace", "spectra-system")
        with _operator(cluster, tmp_path_factory.mktemp("operator") / "log"):
            yield cluster
    finally:
        cluster.down()


@contextmanager
def _operator(cluster: LocalCluster, log: Path) -> Iterator[None]:
    """Run the operator on this machine until the end of the block."""
    command = [sys.executable, "-m", "spectra_operator", "run"]
    with log.open("w") as lines:
        process = subprocess.Popen(command, env=_settings(cluster.kubeconfig), stderr=lines)
        try:
            yield
        finally:
            process.terminate()
            process.wait(30)


def _settings(kubeconfig: Path) -> dict[str, str]:
    ours = {"KUBECONFIG": str(kubeconfig), "HEALTH_PORT": str(PORT), "LOG_FORMAT": "console"}
    return os.environ | {f"SPECTRA_OPERATOR_{name}": value for name, value in ours.items()}


@pytest.mark.parametrize("shape", SHAPES)
async def test_a_large_run_does_every_item_once(cluster: LocalCluster, shape: str) -> None:
    namespace = "scale-" + "".join(c for c in shape if c.isdigit())
    workflow = {
        "apiVersion": "spectra.dev/v1alpha1",
        "kind": "Workflow",
        "metadata": {"name": "large"},
        "spec": {"phases": [{"name": "only", "tasks": SHAPES[shape]}]},
    }
    await cluster.kubectl("create", "namespace", namespace)
    agent = an_agent(template=FAKE)
    agent["metadata"] = {"name": "worker"}
    begin = asyncio.get_running_loop().time()
    manifests = yaml.safe_dump_all([agent, workflow])
    await cluster.kubectl("apply", "-n", namespace, "-f", "-", stdin=manifests)
    waited = ("wait", "-n", namespace, "--for=condition=Complete", "workflow/large")
    await asyncio.to_thread(cluster.run, "kubectl", *waited, "--timeout=280s")
    seconds = asyncio.get_running_loop().time() - begin
    pods = json.loads(await cluster.kubectl("get", "pods", "-n", namespace, "-o", "json"))["items"]
    items = sum(task.get("count", 1) for task in SHAPES[shape])
    done = {
        (p["metadata"]["labels"]["spectra.dev/task"], p["metadata"]["labels"]["spectra.dev/index"])
        for p in pods
    }
    phase = json.loads(await cluster.kubectl("get", "phases", "-n", namespace, "-o", "json"))
    size = len(json.dumps(phase["items"][0]["status"]))
    print(f"\n{shape}: {items} items in {seconds:.1f} s, status of {size} bytes")  # noqa: T201
    assert len(pods) == len(done) == items
    assert size < 300 * 1024
