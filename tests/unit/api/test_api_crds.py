"""The CRDs: committed as rendered, structural, bounded and described."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from spectra_operator.api.crds import KINDS, Kind, crd
from spectra_operator.api.export import main, render

ROOT = Path(__file__).parents[3]
Node = dict[str, Any]

FORBIDDEN = {"$ref", "anyOf", "oneOf", "allOf", "const", "title", "default", "$defs"}
BOUNDED_OTHERWISE = {
    ".apiVersion": "Kubernetes' own",
    ".kind": "Kubernetes' own",
    ".status.usage.cost": "its pattern",
    ".status.tasks[*].usage.cost": "its pattern",
}
"""Strings without a maximal length, and what bounds them."""

EACH_KIND = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)


def schema_of(kind: Kind) -> Node:
    """Return the schema of a kind."""
    (version,) = crd(kind)["spec"]["versions"]
    found: Node = version["schema"]["openAPIV3Schema"]
    return found


def nodes(schema: Node, path: str = "") -> Iterator[tuple[str, Node]]:
    """Yield every schema inside a schema with its path; maps and lists end in [*]."""
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from nodes(child, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from nodes(schema[key], f"{path}[*]")


@pytest.mark.parametrize("name", sorted(render()))
def test_what_is_committed_is_what_the_models_say(name: str) -> None:
    assert (ROOT / "crds" / name).read_text() == render()[name]


def test_nothing_else_is_committed_as_a_crd() -> None:
    assert {path.name for path in (ROOT / "crds").iterdir()} == set(render())


def test_the_exporter_writes_what_it_renders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["export", str(tmp_path / "new" / "crds")])
    main()
    written = {path.name: path.read_text() for path in (tmp_path / "new" / "crds").iterdir()}
    assert written == render()
    for text in written.values():
        assert yaml.safe_load(text)["kind"] == "CustomResourceDefinition"


@EACH_KIND
def test_a_schema_has_nothing_that_kubernetes_refuses(kind: Kind) -> None:
    found = {path: node.keys() & FORBIDDEN for path, node in nodes(schema_of(kind))}
    assert {path: keys for path, keys in found.items() if keys} == {}


@EACH_KIND
def test_every_schema_has_one_type_that_is_not_null_or_keeps_any_value(kind: Kind) -> None:
    types = {"object", "array", "string", "integer", "boolean"}
    other = [path for path, node in nodes(schema_of(kind)) if node.get("type") not in types]
    kept = {
        path
        for path, node in nodes(schema_of(kind))
        if node.get("x-kubernetes-preserve-unknown-fields")
        or node.get("x-kubernetes-int-or-string")
    }
    assert set(other) == kept


@EACH_KIND
def test_every_list_and_every_map_has_a_largest_size(kind: Kind) -> None:
    for path, node in nodes(schema_of(kind)):
        if node.get("type") == "array":
            assert node.get("maxItems", 0) > 0, path
        if "additionalProperties" in node:
            assert node.get("maxProperties", 0) > 0, path
            assert "properties" not in node, path


@EACH_KIND
def test_every_string_has_a_largest_length_or_stands_among_the_exceptions(kind: Kind) -> None:
    free = [
        path
        for path, node in nodes(schema_of(kind))
        if node.get("type") == "string"
        and not node.keys() & {"maxLength", "enum"}
        and node.get("format") != "date-time"
    ]
    assert set(free) <= set(BOUNDED_OTHERWISE)


@EACH_KIND
def test_every_field_has_a_description(kind: Kind) -> None:
    schema = schema_of(kind)
    bare = [
        path
        for path, node in nodes(schema)
        if "description" not in node
        and not path.endswith("[*]")
        and path not in ("", ".apiVersion", ".kind", ".metadata")
    ]
    assert bare == []


@EACH_KIND
def test_every_column_shows_a_field_that_exists(kind: Kind) -> None:
    paths = {path.replace("[*]", "") for path, _ in nodes(schema_of(kind))}
    for column in kind.columns:
        path = column.path.partition("[")[0]
        assert path in paths or path.startswith(".metadata."), column.name


@EACH_KIND
def test_a_kind_is_namespaced_with_a_status_of_its_own_and_names_that_collide_with_nobody(
    kind: Kind,
) -> None:
    spec = crd(kind)["spec"]
    assert (spec["group"], spec["scope"]) == ("spectra.dev", "Namespaced")
    assert spec["names"]["categories"] == ["spectra"]
    assert spec["names"]["shortNames"][0].startswith("s")
    assert spec["versions"][0]["subresources"]["status"] == {}
    assert crd(kind)["metadata"]["name"] == f"{kind.plural}.spectra.dev"


def test_only_an_agent_is_scaled_and_by_fields_that_it_has() -> None:
    scaled = {
        kind.kind: paths
        for kind in KINDS
        if (paths := crd(kind)["spec"]["versions"][0]["subresources"].get("scale"))
    }
    assert list(scaled) == ["Agent"]
    agent = next(kind for kind in KINDS if kind.kind == "Agent")
    fields = {path: node.get("type") for path, node in nodes(schema_of(agent))}
    assert fields[scaled["Agent"]["specReplicasPath"]] == "integer"
    assert fields[scaled["Agent"]["statusReplicasPath"]] == "integer"
    assert fields[scaled["Agent"]["labelSelectorPath"]] == "string"


def test_short_names_are_unique() -> None:
    assert len({kind.short for kind in KINDS}) == len(KINDS)


@EACH_KIND
def test_a_spec_is_required_and_a_status_is_not(kind: Kind) -> None:
    schema = schema_of(kind)
    assert schema["required"] == ["spec"]
    assert "required" not in schema["properties"]["status"]


@EACH_KIND
def test_every_rule_says_what_is_wrong_and_names_the_field(kind: Kind) -> None:
    schema = schema_of(kind)
    rules = [r for _, node in nodes(schema) for r in node.get("x-kubernetes-validations", ())]
    for rule in rules:
        assert rule["message"].partition(":")[0]
        assert ": " in rule["message"]


def test_the_status_of_a_phase_s_tasks_is_one_atomic_map() -> None:
    phase = next(kind for kind in KINDS if kind.kind == "Phase")
    tasks = schema_of(phase)["properties"]["status"]["properties"]["tasks"]
    assert tasks["x-kubernetes-map-type"] == "atomic"
    assert tasks["maxProperties"] == 1024


def test_lists_of_named_things_merge_by_name() -> None:
    keys = {
        f"{kind.kind}{path}": node.get("x-kubernetes-list-map-keys")
        for kind in KINDS
        for path, node in nodes(schema_of(kind))
    }
    assert keys["Workflow.spec.parameters"] == ["name"]
    assert keys["Agent.spec.template.env"] == ["name"]
    assert keys["Workflow.status.conditions"] == ["type"]


def test_lists_that_cannot_change_are_one_thing_to_who_owns_fields() -> None:
    types = {
        f"{kind.kind}{path}": node.get("x-kubernetes-list-type")
        for kind in KINDS
        for path, node in nodes(schema_of(kind))
    }
    for path in (
        "Workflow.spec.phases",
        "Workflow.spec.phases[*].tasks",
        "Workflow.spec.finally",
        "Workflow.spec.onFailure",
        "Phase.spec.tasks",
    ):
        assert types[path] == "atomic", path
