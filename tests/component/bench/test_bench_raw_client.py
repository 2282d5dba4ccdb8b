"""The plain client of the raw limit."""

from __future__ import annotations

import asyncio

from bench import raw_pods
from bench.raw_client import AT_ONCE, RawClient
from builders.benchmarks import a_pod
from builders.fake_api.server import FakeApi
from spectra_operator.api import constants as c
from spectra_operator.kube.client import AiohttpClient
from spectra_operator.kube.resources import PODS, Body, name_of


def copies(count: int) -> list[Body]:
    template = raw_pods.a_template(a_pod())
    return [raw_pods.numbered(template, "before", number) for number in range(count)]


async def end_all(api: FakeApi, count: int) -> None:
    """Let pods succeed as soon as they are there."""
    ended: set[str] = set()
    while len(ended) < count:
        for pod in await api.objects(PODS):
            if name_of(pod) not in ended:
                await api.patch_status(PODS, name_of(pod), {"phase": "Succeeded"})
                ended.add(name_of(pod))
        await asyncio.sleep(0)


async def test_every_pod_is_made_once_and_let_go_with_the_operators_mark(
    api: FakeApi, client: AiohttpClient
) -> None:
    raw = RawClient(client, "default", "before")

    await asyncio.gather(raw.done(copies(5)), end_all(api, 5))

    pods = await api.objects(PODS)
    assert len(pods) == 5
    for pod in pods:
        assert not pod["metadata"].get("finalizers")
        assert pod["metadata"]["labels"][c.LABEL_RECORDED] == "true"
    assert api.count("create", "pods") == api.count("patch", "pods") == 5


async def test_a_pod_that_has_ended_does_not_wait_for_creates_that_have_not_begun(
    api: FakeApi, client: AiohttpClient
) -> None:
    raw = RawClient(client, "default", "before")
    count = 6 * AT_ONCE

    await asyncio.gather(raw.done(copies(count)), end_all(api, count))

    calls = [entry.call.verb for entry in api.log if entry.call.verb in {"create", "patch"}]
    assert calls.count("create") == calls.count("patch") == count
    before = calls[: calls.index("patch")]
    assert len(before) < count / 2


async def test_a_watch_that_breaks_is_opened_again(api: FakeApi, client: AiohttpClient) -> None:
    raw = RawClient(client, "default", "before")
    made = asyncio.create_task(raw.done(copies(3)))
    await api.wait_watched(PODS)
    api.end_watches()

    await asyncio.gather(made, end_all(api, 3))

    assert not [p for p in await api.objects(PODS) if p["metadata"].get("finalizers")]


async def test_pods_of_another_run_are_left_alone(api: FakeApi, client: AiohttpClient) -> None:
    other = raw_pods.numbered(raw_pods.a_template(a_pod()), "after", 0)
    await api.create(PODS, other)
    raw = RawClient(client, "default", "before")

    await asyncio.gather(raw.done(copies(1)), end_all(api, 2))

    left = await api.get(PODS, "raw-after-00000")
    assert left["metadata"]["finalizers"] == [c.RESULT_FINALIZER]


async def test_deleting_leaves_nothing(api: FakeApi, client: AiohttpClient) -> None:
    raw, bodies = RawClient(client, "default", "before"), copies(3)
    await asyncio.gather(raw.done(bodies), end_all(api, 3))

    await raw.delete(bodies)

    assert await api.objects(PODS) == []
