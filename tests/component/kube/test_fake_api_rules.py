"""The fake server keeps the API's rules, where our code leans on them."""

from __future__ import annotations

import pytest

from builders.clock import FakeClock
from builders.fake_api.bodies import WIDGETS, config_map, owned_by, pod, widget
from builders.fake_api.failure import ApiFailure
from builders.fake_api.server import FakeApi
from spectra_operator.kube.client import AiohttpClient
from spectra_operator.kube.errors import Invalid, KubeError, NotFound
from spectra_operator.kube.patches import without_finalizer
from spectra_operator.kube.resources import (
    CONFIG_MAPS,
    NAMESPACES,
    PODS,
    Body,
    Resource,
    name_of,
    version_of,
)

KEEP = "example.com/keep"


async def _names(api: FakeApi, resource: Resource) -> list[str]:
    return [name_of(body) for body in await api.objects(resource)]


async def test_a_created_object_has_an_identity_and_a_time() -> None:
    api = FakeApi(now=FakeClock().now)
    metadata = (await api.create(PODS, pod("a")))["metadata"]
    assert metadata["creationTimestamp"] == "2026-01-01T00:00:00Z"
    assert metadata["namespace"] == "default"
    assert metadata["uid"]
    assert metadata["generation"] == 1


async def test_names_are_generated_from_a_prefix(client: AiohttpClient) -> None:
    body = pod("unused") | {"metadata": {"generateName": "job-"}}
    names = {name_of(await client.create(PODS, "default", body)) for _ in range(50)}
    assert len(names) == 50
    assert all(name.startswith("job-") and len(name) == 9 for name in names)


async def test_the_status_given_at_creation_is_ignored(client: AiohttpClient) -> None:
    created = await client.create(WIDGETS, "default", widget("a") | {"status": {"x": 1}})
    assert "status" not in created
    created = await client.create(PODS, "default", pod("a") | {"status": {"phase": "Failed"}})
    assert created["status"] == {"phase": "Pending"}


async def test_status_and_the_rest_are_written_apart(client: AiohttpClient) -> None:
    await client.create(WIDGETS, "default", widget("a"))
    both = {"spec": {"size": 2}, "status": {"x": 1}}
    main = await client.patch(WIDGETS, "default", "a", both)
    assert (main["spec"], main.get("status")) == ({"size": 2}, None)
    status = await client.replace(
        WIDGETS, "default", "a", main | {"spec": {}, "status": {"y": 2}}, subresource="status"
    )
    assert (status["spec"], status["status"]) == ({"size": 2}, {"y": 2})


async def test_the_generation_counts_changes_of_the_spec_only(api: FakeApi) -> None:
    await api.create(WIDGETS, widget("a"))
    await api.patch(WIDGETS, "a", {"metadata": {"labels": {"x": "1"}}})
    assert (await api.patch_status(WIDGETS, "a", {"x": 1}))["metadata"]["generation"] == 1
    assert (await api.patch(WIDGETS, "a", {"spec": {"size": 5}}))["metadata"]["generation"] == 2


async def test_a_merge_patch_replaces_lists_and_removes_what_is_null(api: FakeApi) -> None:
    await api.create(WIDGETS, widget("a") | {"spec": {"size": 1, "list": [1, 2], "map": {"k": 1}}})
    patch = {"spec": {"size": None, "list": [3], "map": {"l": 2}}}
    assert (await api.patch(WIDGETS, "a", patch))["spec"] == {"list": [3], "map": {"k": 1, "l": 2}}


async def test_a_write_that_changes_nothing_makes_no_version(api: FakeApi) -> None:
    created = await api.create(WIDGETS, widget("a"))
    unchanged = await api.patch(WIDGETS, "a", {"spec": {"size": 1}})
    assert version_of(unchanged) == version_of(created) == int(api.version)


async def test_identity_cannot_be_changed(api: FakeApi) -> None:
    created = await api.create(WIDGETS, widget("a"))
    patch = {"metadata": {"name": "b", "creationTimestamp": "x", "generation": 9}}
    assert await api.patch(WIDGETS, "a", patch) == created


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "a"}}, "does not match Pod"),
        ({"apiVersion": "v1", "kind": "Pod", "metadata": {}}, "name or generateName"),
        (pod("a", namespace="other"), "does not match the namespace"),
    ],
)
async def test_a_body_that_does_not_fit_its_address_is_invalid(
    client: AiohttpClient, body: Body, said: str
) -> None:
    with pytest.raises(Invalid, match=said):
        await client.create(PODS, "default", body)


async def test_what_is_not_served_is_not_found(client: AiohttpClient) -> None:
    unknown = Resource("nobody.example.com", "v1", "things", "Thing")
    with pytest.raises(NotFound):
        await client.list(unknown)
    with pytest.raises(NotFound):
        await client.patch(CONFIG_MAPS, "default", "a", {}, subresource="status")
    with pytest.raises(NotFound, match="nowhere"):
        await client.create(CONFIG_MAPS, "nowhere", config_map("a"))


# Deletion


async def test_finalizers_hold_a_deletion_back(api: FakeApi, client: AiohttpClient) -> None:
    await api.create(PODS, pod("a", finalizers=[KEEP, "example.com/other"]))
    await client.delete(PODS, "default", "a")
    marked = await api.get(PODS, "a")
    assert marked["metadata"]["deletionTimestamp"]
    patch = without_finalizer(marked, KEEP)
    assert patch is not None
    left = await client.patch(PODS, "default", "a", patch)
    assert left["metadata"]["finalizers"] == ["example.com/other"]
    patch = without_finalizer(left, "example.com/other")
    assert patch is not None
    last = await client.patch(PODS, "default", "a", patch)
    assert await _names(api, PODS) == []
    assert last["metadata"].get("finalizers") is None
    assert version_of(last) == version_of(left) < int(api.version)


async def test_marking_for_deletion_counts_as_a_generation(api: FakeApi) -> None:
    await api.create(WIDGETS, widget("a", finalizers=[KEEP]))
    await api.delete(WIDGETS, "a")
    await api.delete(WIDGETS, "a")
    assert (await api.get(WIDGETS, "a"))["metadata"]["generation"] == 2


async def test_what_is_being_deleted_takes_no_new_finalizer(
    api: FakeApi, client: AiohttpClient
) -> None:
    await api.create(PODS, pod("a", finalizers=[KEEP]))
    await api.delete(PODS, "a")
    with pytest.raises(Invalid, match="no new finalizers"):
        await client.patch(PODS, "default", "a", {"metadata": {"finalizers": [KEEP, "x.y/z"]}})


async def test_a_pod_on_a_node_stays_until_the_kubelet_lets_it_go(api: FakeApi) -> None:
    await api.create(PODS, pod("a") | {"spec": {"nodeName": "n1"}})
    await api.delete(PODS, "a")
    marked = (await api.get(PODS, "a"))["metadata"]
    assert marked["deletionGracePeriodSeconds"] == 30
    await api.delete(PODS, "a", grace_seconds=0)
    assert await _names(api, PODS) == []


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
async def test_a_pod_that_has_ended_goes_at_once(api: FakeApi, phase: str) -> None:
    await api.create(PODS, pod("a") | {"spec": {"nodeName": "n1"}, "status": {"phase": phase}})
    await api.delete(PODS, "a")
    assert await _names(api, PODS) == []


async def test_what_an_owner_owned_goes_with_it_and_so_on(api: FakeApi) -> None:
    owner = await api.create(WIDGETS, widget("owner"))
    child = await api.create(WIDGETS, widget("child", ownerReferences=owned_by(owner)))
    await api.create(PODS, pod("grandchild", ownerReferences=owned_by(child)))
    await api.create(PODS, pod("held", ownerReferences=owned_by(child), finalizers=[KEEP]))
    await api.create(PODS, pod("free"))
    await api.delete(WIDGETS, "owner")
    assert await _names(api, WIDGETS) == []
    assert await _names(api, PODS) == ["free", "held"]
    assert "deletionTimestamp" in (await api.get(PODS, "held"))["metadata"]


async def test_one_remaining_owner_is_enough(api: FakeApi) -> None:
    one = await api.create(WIDGETS, widget("one"))
    two = await api.create(WIDGETS, widget("two"))
    await api.create(PODS, pod("a", ownerReferences=[*owned_by(one), *owned_by(two)]))
    await api.delete(WIDGETS, "one")
    assert await _names(api, PODS) == ["a"]
    await api.delete(WIDGETS, "two")
    assert await _names(api, PODS) == []


async def test_what_is_created_after_its_owner_went_is_collected(
    api: FakeApi, client: AiohttpClient
) -> None:
    owner = await api.create(WIDGETS, widget("owner"))
    await api.delete(WIDGETS, "owner")
    await client.create(PODS, "default", pod("late", ownerReferences=owned_by(owner)))
    assert await _names(api, PODS) == []


async def test_a_foreground_deletion_takes_the_dependents_first(
    api: FakeApi, client: AiohttpClient
) -> None:
    owner = await api.create(WIDGETS, widget("owner"))
    held = pod("a", ownerReferences=owned_by(owner), finalizers=[KEEP])
    await api.create(PODS, held)
    await client.delete(WIDGETS, "default", "owner", propagation="Foreground")
    assert "deletionTimestamp" in (await api.get(PODS, "a"))["metadata"]
    assert await _names(api, WIDGETS) == ["owner"]
    await api.patch(PODS, "a", {"metadata": {"finalizers": None}})
    assert (await _names(api, PODS), await _names(api, WIDGETS)) == ([], [])


async def test_a_namespace_is_emptied_and_goes_when_it_is_empty(api: FakeApi) -> None:
    await api.create_namespace("old")
    await api.create(CONFIG_MAPS, config_map("a"), "old")
    await api.create(PODS, pod("held", finalizers=[KEEP]), "old")
    await api.create(PODS, pod("elsewhere"))
    await api.delete(NAMESPACES, "old")
    assert (await api.get(NAMESPACES, "old"))["status"] == {"phase": "Terminating"}
    assert (await _names(api, CONFIG_MAPS), await _names(api, PODS)) == ([], ["elsewhere", "held"])
    await api.patch(PODS, "held", {"metadata": {"finalizers": None}}, "old")
    with pytest.raises(ApiFailure, match='namespaces "old" not found'):
        await api.get(NAMESPACES, "old")


async def test_an_empty_namespace_goes_at_once(api: FakeApi) -> None:
    await api.create_namespace("old")
    await api.delete(NAMESPACES, "old")
    await api.wait_gone(NAMESPACES, "old")


# The test's own tools


async def test_waiting_ends_as_soon_as_there_is_what_is_waited_for(
    api: FakeApi, client: AiohttpClient
) -> None:
    await client.create(PODS, "default", pod("a"))
    found = await api.wait_for(PODS, lambda body: body["status"]["phase"] == "Pending")
    assert name_of(found) == "a"


async def test_waiting_in_vain_fails(api: FakeApi) -> None:
    with pytest.raises(TimeoutError):
        await api.wait_for(PODS, lambda body: False, seconds=0.01)


async def test_what_the_test_gets_is_not_the_servers_own(api: FakeApi) -> None:
    body = await api.create(WIDGETS, widget("a"))
    body["spec"]["size"] = 99
    assert (await api.get(WIDGETS, "a"))["spec"] == {"size": 1}


async def test_requests_are_counted_but_not_the_tests_own_writes(
    api: FakeApi, client: AiohttpClient
) -> None:
    await api.create(PODS, pod("a"))
    await client.patch(PODS, "default", "a", {"status": {"phase": "Running"}}, subresource="status")
    with pytest.raises(KubeError):
        await client.get(PODS, "default", "b")
    assert api.count() == 2
    assert api.count("patch", "pods", subresource="status", name="a") == 1
    assert [(entry.call.verb, entry.status) for entry in api.log] == [("patch", 200), ("get", 404)]
    api.clear_log()
    assert api.count() == 0
