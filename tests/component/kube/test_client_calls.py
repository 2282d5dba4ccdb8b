"""The client's calls, over real HTTP."""

from __future__ import annotations

import asyncio
import dataclasses
import socket

import pytest

from builders.fake_api.bodies import WIDGETS, config_map, pod, widget
from builders.fake_api.faults import (
    CommitThenCut,
    CommitThenFail,
    CutBefore,
    Fault,
    HoldAnswer,
    HoldRequest,
    Match,
    Refuse,
)
from builders.fake_api.server import FakeApi
from spectra_operator.kube.access import ClusterAccess
from spectra_operator.kube.client import AiohttpClient, RequestRecord
from spectra_operator.kube.errors import (
    AlreadyExists,
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    KubeError,
    NotFound,
    ServerError,
    Throttled,
    Unreachable,
)
from spectra_operator.kube.patches import guarded
from spectra_operator.kube.resources import CONFIG_MAPS, NAMESPACES, PODS, name_of, uid_of


async def test_an_object_is_created_read_and_deleted(client: AiohttpClient) -> None:
    created = await client.create(PODS, "default", pod("a"))
    assert await client.get(PODS, "default", "a") == created
    await client.delete(PODS, "default", "a", uid=uid_of(created))
    with pytest.raises(NotFound, match=r'get pods default/a: 404 NotFound: pods "a" not found'):
        await client.get(PODS, "default", "a")


async def test_a_taken_name_is_told_apart_from_a_conflict(client: AiohttpClient) -> None:
    await client.create(PODS, "default", pod("a"))
    with pytest.raises(AlreadyExists, match="create pods default/a"):
        await client.create(PODS, "default", pod("a"))


async def test_a_patch_on_an_old_version_is_a_conflict(client: AiohttpClient) -> None:
    old = await client.create(WIDGETS, "default", widget("a"))
    new = await client.patch(WIDGETS, "default", "a", guarded(old, {"spec": {"size": 2}}))
    assert new["spec"] == {"size": 2}
    with pytest.raises(Conflict):
        await client.patch(WIDGETS, "default", "a", guarded(old, {"spec": {"size": 3}}))


async def test_a_status_patch_touches_only_the_status(client: AiohttpClient) -> None:
    await client.create(WIDGETS, "default", widget("a"))
    patch = {"status": {"state": "Running"}, "spec": {"size": 9}}
    patched = await client.patch(WIDGETS, "default", "a", patch, subresource="status")
    assert (patched["status"], patched["spec"]) == ({"state": "Running"}, {"size": 1})


async def test_a_replacement_needs_the_current_version(client: AiohttpClient) -> None:
    body = await client.create(CONFIG_MAPS, "default", config_map("a", x="1"))
    replaced = await client.replace(CONFIG_MAPS, "default", "a", body | {"data": {"y": "2"}})
    assert replaced["data"] == {"y": "2"}
    with pytest.raises(Conflict):
        await client.replace(CONFIG_MAPS, "default", "a", body | {"data": {}})
    with pytest.raises(Invalid, match="resourceVersion"):
        await client.replace(CONFIG_MAPS, "default", "a", config_map("a"))


async def test_a_delete_of_another_object_of_that_name_is_a_conflict(
    client: AiohttpClient,
) -> None:
    await client.create(PODS, "default", pod("a"))
    with pytest.raises(Conflict):
        await client.delete(PODS, "default", "a", uid="another")


async def test_a_list_is_read_in_pages_and_shows_one_moment(
    api: FakeApi, client: AiohttpClient
) -> None:
    for number in range(7):
        await api.create(PODS, pod(f"p{number}"))
    moment = api.version
    held = HoldAnswer()
    api.fault(Match(verb="list"), held)
    listing = asyncio.create_task(client.list(PODS, page_size=3))
    await held.reached()
    await api.create(PODS, pod("late"))
    held.release()
    result = await listing
    assert [name_of(item) for item in result.items] == [f"p{number}" for number in range(7)]
    assert result.resource_version == moment
    assert api.count("list", "pods") == 3


async def test_list_items_say_what_they_are(api: FakeApi, client: AiohttpClient) -> None:
    await api.create(PODS, pod("a"))
    await api.create(WIDGETS, widget("b"))
    (listed_pod,) = (await client.list(PODS)).items
    (listed_widget,) = (await client.list(WIDGETS, "default")).items
    assert (listed_pod["apiVersion"], listed_pod["kind"]) == ("v1", "Pod")
    assert (listed_widget["apiVersion"], listed_widget["kind"]) == ("example.com/v1", "Widget")


async def test_a_list_whose_pages_expired_begins_again(api: FakeApi, client: AiohttpClient) -> None:
    for number in range(4):
        await api.create(PODS, pod(f"p{number}"))
    held = HoldAnswer()
    api.fault(Match(verb="list"), held)
    listing = asyncio.create_task(client.list(PODS, page_size=2))
    await held.reached()
    await api.create(PODS, pod("p9"))
    api.compact()
    held.release()
    assert len((await listing).items) == 5


async def test_a_server_that_cannot_keep_pages_is_asked_for_all_at_once(
    api: FakeApi, client: AiohttpClient
) -> None:
    await api.create(PODS, pod("a"))
    api.fault(Match(verb="list"), Refuse(410, "Expired"), times=2)
    assert len((await client.list(PODS, page_size=1)).items) == 1
    api.fault(Match(verb="list"), Refuse(410, "Expired"), times=3)
    with pytest.raises(Gone):
        await client.list(PODS)


async def test_selectors_reach_the_server(api: FakeApi, client: AiohttpClient) -> None:
    await api.create(PODS, pod("a", labels={"app": "x", "tier": "1"}))
    await api.create(PODS, pod("b", labels={"app": "x"}))
    await api.create(PODS, pod("c"))
    chosen = await client.list(PODS, label_selector="app=x,!tier")
    assert [name_of(item) for item in chosen.items] == ["b"]
    named = await client.list(PODS, field_selector="metadata.name=c")
    assert [name_of(item) for item in named.items] == ["c"]


async def test_a_throttled_call_says_how_long_to_wait(api: FakeApi, client: AiohttpClient) -> None:
    api.fault(Match(verb="create"), Refuse(429, "TooManyRequests", retry_after=4))
    with pytest.raises(Throttled) as caught:
        await client.create(PODS, "default", pod("a"))
    assert caught.value.retry_after == 4.0
    assert not caught.value.ambiguous


async def test_a_namespace_that_ends_takes_no_new_objects(
    api: FakeApi, client: AiohttpClient
) -> None:
    await api.create_namespace("old")
    await api.create(PODS, pod("kept", finalizers=["example.com/keep"]), "old")
    await api.delete(NAMESPACES, "old")
    with pytest.raises(Forbidden) as caught:
        await client.create(PODS, "old", pod("a"))
    assert caught.value.namespace_terminating


@pytest.mark.parametrize(
    ("fault", "expected", "committed"),
    [
        (Refuse(500, "InternalError"), ServerError, False),
        (CutBefore(), Unreachable, False),
        (CommitThenCut(), Unreachable, True),
        (CommitThenFail(), ServerError, True),
    ],
)
async def test_after_a_lost_answer_the_client_admits_that_it_does_not_know(
    api: FakeApi, client: AiohttpClient, fault: Fault, expected: type[KubeError], committed: bool
) -> None:
    api.fault(Match(verb="create"), fault)
    with pytest.raises(expected) as caught:
        await client.create(PODS, "default", pod("a"))
    assert caught.value.ambiguous is True
    assert len(await api.objects(PODS)) == committed


async def test_a_lost_answer_to_a_read_is_not_ambiguous(
    api: FakeApi, client: AiohttpClient
) -> None:
    api.fault(Match(verb="list"), Refuse(503, "ServiceUnavailable"))
    with pytest.raises(ServerError) as caught:
        await client.list(PODS)
    assert not caught.value.ambiguous


async def test_a_replacement_that_the_http_library_sent_twice_is_ambiguous(
    api: FakeApi, client: AiohttpClient
) -> None:
    body = await client.create(CONFIG_MAPS, "default", config_map("a", x="1"))
    api.fault(Match(verb="update"), CommitThenCut())
    with pytest.raises(Conflict) as caught:
        await client.replace(CONFIG_MAPS, "default", "a", body | {"data": {"x": "2"}})
    assert caught.value.ambiguous
    assert (await api.get(CONFIG_MAPS, "a"))["data"] == {"x": "2"}


async def test_nothing_was_sent_when_the_connection_was_refused() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        access = ClusterAccess(f"http://127.0.0.1:{unused.getsockname()[1]}")
        async with AiohttpClient(access) as client:
            with pytest.raises(Unreachable, match="create pods default/a: no answer") as caught:
                await client.create(PODS, "default", pod("a"))
    assert not caught.value.ambiguous


async def test_a_server_that_does_not_answer_is_given_up(api: FakeApi) -> None:
    held = HoldRequest()
    api.fault(Match(verb="create"), held)
    async with AiohttpClient(api.access(), request_seconds=0.05) as client:
        with pytest.raises(Unreachable) as caught:
            await client.create(PODS, "default", pod("a"))
    assert caught.value.ambiguous
    held.release()


async def test_a_write_given_up_by_the_client_may_still_be_committed(api: FakeApi) -> None:
    held = HoldRequest()
    api.fault(Match(verb="create"), held)
    async with AiohttpClient(api.access(), request_seconds=0.05) as client:
        with pytest.raises(Unreachable):
            await client.create(PODS, "default", pod("a"))
    assert await api.objects(PODS) == []
    held.release()
    await api.wait_for(PODS, lambda body: name_of(body) == "a")


async def test_every_call_is_reported_with_its_cost(api: FakeApi) -> None:
    records: list[RequestRecord] = []
    async with AiohttpClient(api.access(), on_request=records.append) as client:
        created = await client.create(WIDGETS, "default", widget("a"))
        await client.patch(WIDGETS, "default", "a", {"status": {"x": 1}}, subresource="status")
        with pytest.raises(NotFound):
            await client.get(WIDGETS, "default", "b")
        api.fault(Match(verb="get"), CutBefore(), times=2)
        with pytest.raises(Unreachable):
            await client.get(WIDGETS, "default", "a")
    shown = [(r.verb, r.resource, r.subresource, r.status) for r in records]
    assert shown == [
        ("create", "widgets", "", 201),
        ("patch", "widgets", "status", 200),
        ("get", "widgets", "", 404),
        ("get", "widgets", "", 0),
    ]
    assert created["metadata"]["name"] == "a"
    assert [r.bytes_sent for r in records] == [
        api.log[0].call.bytes_in,
        len(b"{'status':{'x':1}}"),
        0,
        0,
    ]
    assert all(0 < r.seconds < 10 for r in records)


async def test_the_client_says_who_it_is(api: FakeApi, client: AiohttpClient) -> None:
    await client.list(PODS)
    assert api.log[0].call.user_agent.startswith("spectra-operator/")


async def test_each_call_carries_the_token_of_its_moment(api: FakeApi) -> None:
    tokens = iter(["first", "second"])
    access = dataclasses.replace(api.access(), token=lambda: next(tokens))
    async with AiohttpClient(access) as client:
        await client.list(PODS)
        await client.list(PODS)
    assert [entry.call.authorization for entry in api.log] == ["Bearer first", "Bearer second"]


async def test_calls_beyond_the_pool_wait_for_their_turn(api: FakeApi) -> None:
    held = HoldRequest()
    api.fault(Match(verb="get"), held)
    await api.create(PODS, pod("a"))
    async with AiohttpClient(api.access(), connections=1) as client:
        first = asyncio.create_task(client.get(PODS, "default", "a"))
        await held.reached()
        second = asyncio.create_task(client.list(PODS))
        held.release()
        await asyncio.gather(first, second)
    assert [entry.call.verb for entry in api.log] == ["get", "list"]
