"""Lists of metadata alone, and deletions of exactly what was read."""

from __future__ import annotations

import pytest

from builders.fake_api.bodies import WIDGETS, pod, widget
from builders.fake_api.server import FakeApi
from spectra_operator.kube.client import AiohttpClient
from spectra_operator.kube.errors import Conflict, NotFound
from spectra_operator.kube.resources import PODS


async def test_a_list_of_metadata_has_neither_spec_nor_status(
    api: FakeApi, client: AiohttpClient
) -> None:
    await api.create(WIDGETS, widget("a", labels={"color": "red"}) | {"status": {"n": 1}})
    listing = await client.list_metadata(WIDGETS, "default")
    (found,) = listing.items
    assert set(found) == {"apiVersion", "kind", "metadata"}
    assert (found["apiVersion"], found["kind"]) == ("example.com/v1", "Widget")
    assert found["metadata"]["labels"] == {"color": "red"}


async def test_a_list_of_metadata_is_read_in_pages_and_by_labels(
    api: FakeApi, client: AiohttpClient
) -> None:
    for number in range(5):
        color = "red" if number % 2 else "blue"
        await api.create(PODS, pod(f"p{number}", labels={"color": color}))
    before = api.count(verb="list", plural="pods")
    listing = await client.list_metadata(PODS, label_selector="color=blue", page_size=2)
    assert [body["metadata"]["name"] for body in listing.items] == ["p0", "p2", "p4"]
    assert api.count(verb="list", plural="pods") == before + 2


async def test_what_was_read_is_deleted(client: AiohttpClient) -> None:
    created = await client.create(PODS, "default", pod("a"))
    await client.delete_as_read(PODS, created)
    with pytest.raises(NotFound):
        await client.get(PODS, "default", "a")


async def test_what_changed_since_it_was_read_stays(client: AiohttpClient) -> None:
    created = await client.create(PODS, "default", pod("a"))
    await client.patch(PODS, "default", "a", {"metadata": {"labels": {"new": "yes"}}})
    with pytest.raises(Conflict):
        await client.delete_as_read(PODS, created)
    assert await client.get(PODS, "default", "a")


async def test_another_object_of_that_name_stays(client: AiohttpClient) -> None:
    created = await client.create(PODS, "default", pod("a"))
    await client.delete_as_read(PODS, created)
    await client.create(PODS, "default", pod("a"))
    with pytest.raises(Conflict):
        await client.delete_as_read(PODS, created)
