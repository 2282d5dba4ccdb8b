"""What a write costs the API server: of a status, and of a worker's page.

Part of `make test-all`. Figures are printed; asserted are sizes, never times. The processor time is
the API server's own, with nothing else to do but this.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from typing import Any

import pytest

from bench.loads import Load, fan_outs, stages
from bench.process import api_server_seconds
from builders.cluster import ROOT, LocalCluster
from spectra_operator.api import constants as c
from spectra_operator.engine.keys import PHASES, WORKFLOWS
from spectra_operator.engine.pages import NOBODYS_FIELDS
from spectra_operator.engine.status import with_status
from spectra_operator.kube.access import load_access
from spectra_operator.kube.client import AiohttpClient
from spectra_operator.kube.resources import LEASES, Resource

Body = dict[str, Any]

pytestmark = pytest.mark.timeout(300)

NAMESPACE = "default"
WRITES = 400
CHANGED = 30
"""Tasks that a status patch changes: what ends within a second."""
PAGES = 8
ENTRIES = 30
ENTRY = "x" * 350
"""About what an entry of a page has; the docs of pages say what stands there."""
FEW_BYTES = 2048


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    """A cluster of its own without an operator."""
    cluster = LocalCluster("spectra-writes")
    cluster.up()
    try:
        cluster.run("kubectl", "apply", "--server-side", "-f", str(ROOT / "crds"))
        cluster.run("kubectl", "wait", "--for=condition=Established", "crd", "--all")
        yield cluster
    finally:
        cluster.down()


@pytest.fixture
async def client(cluster: LocalCluster) -> AsyncIterator[AiohttpClient]:
    """The cluster's administrator."""
    async with AiohttpClient(load_access(str(cluster.kubeconfig))) as client:
        yield client


Write = Callable[[int], Awaitable[Body]]


async def _measured(cluster: LocalCluster, what: str, *writes: Write) -> Body:
    """Write so often, each object by itself, and print what one write took the API server.

    Returns:
        The last answer.
    """

    async def often(write: Write) -> Body:
        for number in range(WRITES // len(writes)):
            body = await write(number + 1)
        return body

    for write in writes:
        body = await write(0)
    before = await api_server_seconds(cluster)
    *_, body = await asyncio.gather(*map(often, writes))
    used = await api_server_seconds(cluster) - before
    size, fields = len(json.dumps(body)), _bytes_of_fields(body)
    print(  # noqa: T201
        f"\n{what}: {1000 * used / WRITES:.1f} ms of CPU a write;"
        f" {size} bytes, {fields} of them managed fields"
    )
    return body


def _bytes_of_fields(body: Body) -> int:
    return len(json.dumps(body["metadata"].get("managedFields", [])))


@pytest.mark.parametrize("how", ["patched", "replaced"])
@pytest.mark.parametrize(("tasks", "load"), [(1, fan_outs("one", 2)), (200, stages("flow", 200))])
async def test_the_status_of_a_workflow(
    cluster: LocalCluster, client: AiohttpClient, tasks: int, load: Load, how: str
) -> None:
    flow = load.workflows[0] | {"metadata": {"name": f"flow-{tasks}-{how}"}}
    body = await client.create(WORKFLOWS, NAMESPACE, flow)

    async def write(number: int) -> Body:
        nonlocal body
        status = {"state": "Running", "progress": f"{number}/{tasks}"}
        body = await _write_status(client, WORKFLOWS, body, status, status, how)
        return body

    found = await _measured(cluster, f"status of a workflow of {tasks} tasks, {how}", write)

    assert _bytes_of_fields(found) < FEW_BYTES
    assert len(found["spec"]["phases"]) == len(flow["spec"]["phases"])


@pytest.mark.parametrize("how", ["patched", "replaced"])
async def test_the_status_of_a_phase_of_a_hundred_tasks(
    cluster: LocalCluster, client: AiohttpClient, how: str
) -> None:
    phase = f"phase-{how}"
    spec = stages("flow", 200).workflows[0]["spec"]["phases"][0]
    body: Body = {
        "apiVersion": c.API_VERSION,
        "kind": "Phase",
        "metadata": {"name": phase},
        "spec": {"tasks": spec["tasks"]},
    }
    await client.create(PHASES, NAMESPACE, body)
    task: Body = {
        "agent": "worker",
        "attempt": 1,
        "state": "Running",
        "pod": "worker-abcdef-12345678",
    }
    names = [task["name"] for task in spec["tasks"]]
    status: Body = {"state": "Running", "tasks": dict.fromkeys(names, task)}
    body = await client.patch(PHASES, NAMESPACE, phase, {"status": status}, subresource="status")

    async def write(number: int) -> Body:
        nonlocal body
        now = f"2026-01-01T00:{number // 60:02}:{number % 60:02}Z"
        times: Body = {"startedAt": now, "finishedAt": now}
        changed = dict.fromkeys(names[:CHANGED], times)
        tasks: Body = body["status"]["tasks"] | dict.fromkeys(changed, task | times)
        whole: Body = body["status"] | {"tasks": tasks}
        body = await _write_status(client, PHASES, body, {"tasks": changed}, whole, how)
        return body

    what = f"status of a phase of 100 tasks, {CHANGED} change, {how}"
    found = await _measured(cluster, what, write)

    assert _bytes_of_fields(found) < FEW_BYTES
    assert set(found["status"]["tasks"]) == set(names)


async def _write_status(
    client: AiohttpClient, resource: Resource, body: Body, changed: Body, whole: Body, how: str
) -> Body:
    """Write a status as a merge patch, or as the operator does: whole, and without the spec."""
    name = body["metadata"]["name"]
    if how == "patched":
        patch = {"status": changed}
        return await client.patch(resource, NAMESPACE, name, patch, subresource="status")
    replaced = with_status(resource, body, whole)
    return await client.replace(resource, NAMESPACE, name, replaced, subresource="status")


@pytest.mark.parametrize("how", ["patched, who set what kept", "patched", "replaced"])
async def test_pages_on_which_one_entry_comes_and_one_goes(
    cluster: LocalCluster, client: AiohttpClient, how: str
) -> None:
    kept = how.endswith("kept")
    fields: Body = {} if kept else {"managedFields": NOBODYS_FIELDS}
    pages: dict[str, Body] = {}
    for number in range(PAGES):
        name = f"{how.replace(', ', '-').replace(' ', '-')}-{number}"
        entries = {_entry(number): ENTRY for number in range(ENTRIES)}
        meta = {"name": name, "annotations": entries}
        body = {"apiVersion": LEASES.api_version, "kind": LEASES.kind, "metadata": meta}
        pages[name] = await client.create(LEASES, NAMESPACE, body)

    async def patch(name: str, number: int) -> Body:
        changed = {_entry(number + ENTRIES): ENTRY, _entry(number): None}
        patch = {"metadata": {"annotations": changed, **fields}}
        return await client.patch(LEASES, NAMESPACE, name, patch)

    async def replace(name: str, number: int) -> Body:
        meta = pages[name]["metadata"]
        notes = {key: text for key, text in meta["annotations"].items() if key != _entry(number)}
        notes |= {_entry(number + ENTRIES): ENTRY}
        page = pages[name] | {"metadata": meta | {"annotations": notes, **fields}}
        pages[name] = await client.replace(LEASES, NAMESPACE, name, page)
        return pages[name]

    write = replace if how == "replaced" else patch
    what = f"{PAGES} pages of {ENTRIES} entries, {how}"
    found = await _measured(cluster, what, *(partial(write, name) for name in pages))

    assert ("managedFields" in found["metadata"]) is kept
    assert len(found["metadata"]["annotations"]) == ENTRIES


def _entry(number: int) -> str:
    return f"{c.CLAIM_PREFIX}each-{number:05}"
