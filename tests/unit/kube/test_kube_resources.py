"""Addresses and the small readers of metadata."""

from __future__ import annotations

import pytest

from spectra_operator.kube.resources import (
    CONTROLLER_REVISIONS,
    NODES,
    PODS,
    Resource,
    name_of,
    namespace_of,
    parse_version,
    uid_of,
    version_of,
)


def test_core_kinds_live_under_api_and_groups_under_apis() -> None:
    assert PODS.path("a", "b") == "/api/v1/namespaces/a/pods/b"
    assert CONTROLLER_REVISIONS.path("a") == "/apis/apps/v1/namespaces/a/controllerrevisions"


def test_without_a_namespace_the_address_means_all_namespaces() -> None:
    assert PODS.path(None) == "/api/v1/pods"


def test_a_cluster_scoped_object_has_no_namespace_in_its_address() -> None:
    assert NODES.path(None, "n1") == "/api/v1/nodes/n1"


def test_a_subresource_follows_the_name() -> None:
    assert PODS.path("a", "b", "status") == "/api/v1/namespaces/a/pods/b/status"


def test_a_name_cannot_reach_another_address() -> None:
    assert PODS.path("a", "../../secrets") == "/api/v1/namespaces/a/pods/..%2F..%2Fsecrets"


@pytest.mark.parametrize(
    ("resource", "namespace", "name", "subresource", "complaint"),
    [
        (NODES, "a", "n1", "", "cluster-scoped"),
        (PODS, None, "b", "", "lives in a namespace"),
        (PODS, "", None, "", "empty name or namespace"),
        (PODS, "a", "", "", "empty name or namespace"),
        (PODS, "a", None, "status", "needs a name"),
    ],
)
def test_parts_that_make_no_address_are_refused(
    resource: Resource, namespace: str | None, name: str | None, subresource: str, complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        resource.path(namespace, name, subresource)


def test_the_api_version_of_a_core_kind_has_no_group() -> None:
    assert PODS.api_version == "v1"
    assert CONTROLLER_REVISIONS.api_version == "apps/v1"


def test_metadata_is_read_from_a_body() -> None:
    body = {"metadata": {"namespace": "a", "name": "b", "uid": "u", "resourceVersion": "12"}}
    assert (namespace_of(body), name_of(body), uid_of(body), version_of(body)) == (
        "a",
        "b",
        "u",
        12,
    )


def test_a_body_without_metadata_reads_as_empty() -> None:
    assert (namespace_of({}), name_of({}), uid_of({}), version_of({})) == (None, "", "", 0)


@pytest.mark.parametrize("version", ["abc", "-1", "1.5", " 7"])
def test_a_version_that_is_no_number_is_refused(version: str) -> None:
    with pytest.raises(ValueError, match="not a decimal number"):
        parse_version(version)


def test_versions_are_ordered_as_numbers_not_as_text() -> None:
    assert parse_version("1000") > parse_version("999")
