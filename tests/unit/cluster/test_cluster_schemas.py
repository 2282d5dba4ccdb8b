"""Schemas for kubeconform, from an OpenAPI document."""

from __future__ import annotations

from typing import Any

import pytest

from cluster import schemas

GVK = schemas.GROUP_VERSION_KIND
DOCUMENT: dict[str, Any] = {
    "definitions": {
        "apps.Thing": {
            "type": "object",
            "required": ["size"],
            "properties": {
                "size": {"type": "integer"},
                "note": {"type": "string", "x-kubernetes-hint": "dropped"},
                "x-kubernetes-named": {"type": "boolean"},
                "spec": {"$ref": "#/definitions/Tree"},
                "any": {"description": "free"},
            },
            GVK: [{"group": "apps.example.org", "version": "v1", "kind": "Thing"}],
        },
        "core.Plain": {
            "type": "object",
            GVK: [{"group": "", "version": "v1", "kind": "Plain"}],
        },
        "Tree": {
            "type": "object",
            "properties": {
                "children": {"type": "array", "items": {"$ref": "#/definitions/Tree"}},
                "free": {"type": "object", "additionalProperties": {"type": "string"}},
            },
        },
        "Unused": {"type": "object"},
    }
}


@pytest.fixture(scope="module")
def files() -> dict[str, dict[str, Any]]:
    return dict(schemas.schema_files(DOCUMENT))


@pytest.fixture(scope="module")
def thing(files: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return files["thing-apps-v1.json"]


@pytest.mark.parametrize(
    ("group", "version", "kind", "name"),
    [
        ("", "v1", "Pod", "pod-v1.json"),
        ("apps", "v1", "Deployment", "deployment-apps-v1.json"),
        ("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicy-networking-v1.json"),
    ],
)
def test_files_have_the_names_that_kubeconform_looks_for(
    group: str, version: str, kind: str, name: str
) -> None:
    assert schemas.file_name(group, version, kind) == name


def test_there_is_a_file_for_each_kind(files: dict[str, dict[str, Any]]) -> None:
    assert set(files) == {"thing-apps-v1.json", "plain-v1.json"}


def test_unknown_fields_are_refused(thing: dict[str, Any]) -> None:
    assert thing["additionalProperties"] is False


def test_an_object_without_fixed_fields_stays_open(files: dict[str, dict[str, Any]]) -> None:
    assert "additionalProperties" not in files["plain-v1.json"]


def test_a_map_of_strings_stays_a_map(thing: dict[str, Any]) -> None:
    free = thing["definitions"]["Tree"]["properties"]["free"]

    assert free["additionalProperties"] == {"type": "string"}


def test_only_optional_fields_take_null(thing: dict[str, Any]) -> None:
    assert thing["properties"]["note"]["type"] == ["string", "null"]
    assert thing["properties"]["size"]["type"] == "integer"
    assert thing["properties"]["any"] == {"description": "free"}


def test_extensions_go_but_fields_named_like_extensions_stay(thing: dict[str, Any]) -> None:
    assert "x-kubernetes-hint" not in thing["properties"]["note"]
    assert "x-kubernetes-named" in thing["properties"]
    assert GVK not in thing


def test_a_file_carries_what_it_refers_to_also_when_that_refers_to_itself(
    thing: dict[str, Any],
) -> None:
    assert set(thing["definitions"]) == {"Tree"}
    assert thing["definitions"]["Tree"]["type"] == ["object", "null"]


def test_kind_and_version_are_fixed(thing: dict[str, Any]) -> None:
    assert thing["properties"]["apiVersion"]["enum"] == ["apps.example.org/v1"]
    assert thing["properties"]["kind"]["enum"] == ["Thing"]


def test_quantities_may_be_numbers() -> None:
    name = "io.k8s.apimachinery.pkg.api.resource.Quantity"
    holder = {
        "type": "object",
        "properties": {"cpu": {"$ref": f"#/definitions/{name}"}},
        GVK: [{"group": "", "version": "v1", "kind": "Holder"}],
    }
    document = {"definitions": {"Holder": holder, name: {"type": "string"}}}

    made = dict(schemas.schema_files(document))["holder-v1.json"]

    assert made["definitions"][name]["type"] == ["string", "number", "null"]
