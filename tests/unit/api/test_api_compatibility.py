"""The schemas against those of 0.1.0: fields are added, never changed, so either version may write.

Runs go on through an upgrade and back because each version reads what the other one wrote.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from builders.cluster import ROOT
from e2e.harness.versions import CUT_0_1_0, exported

Node = dict[str, Any]

KINDS = sorted(path.name for path in (ROOT / "crds").iterdir())
MOST = ("maxLength", "maxItems", "maxProperties", "maximum")
LEAST = ("minLength", "minItems", "minProperties", "minimum")
SAME = (
    *("type", "format", "pattern", "default", "nullable"),
    *("x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-map-type"),
    *("x-kubernetes-preserve-unknown-fields", "x-kubernetes-int-or-string"),
)


@cache
def schema(text: str) -> Node:
    """Return the schema in a CustomResourceDefinition's text."""
    (version,) = yaml.load(text, yaml.CSafeLoader)["spec"]["versions"]
    found: Node = version["schema"]["openAPIV3Schema"]
    return found


def changed(old: Node, new: Node, path: str = "") -> Iterator[str]:
    """Yield what an older version, or an object that it let in, would stumble over."""
    yield from (f"{path}: {key} changed" for key in SAME if old.get(key) != new.get(key))
    for keys, sign in ((MOST, 1), (LEAST, -1)):
        for key in keys:
            if key in new and (key not in old or sign * new[key] < sign * old[key]):
                yield f"{path}: {key} is narrower"
    more = set(new.get("required", ())) - set(old.get("required", ()))
    yield from (f"{path}.{name} is required now" for name in sorted(more))
    if "enum" in new and not set(old.get("enum", ("anything",))) <= set(new["enum"]):
        yield f"{path}: values were taken away"
    for name, child in old.get("properties", {}).items():
        if name in new.get("properties", {}):
            yield from changed(child, new["properties"][name], f"{path}.{name}")
        else:
            yield f"{path}.{name} is gone"
    for key in ("items", "additionalProperties"):
        if isinstance(old.get(key), dict):
            yield from changed(old[key], new.get(key, {}), f"{path}[*]")


def added_states(old: Node, new: Node, path: str = "") -> Iterator[str]:
    """Yield values that a field of a status may have now, and could not have before."""
    if path.startswith(".status") and "enum" in old:
        yield from sorted(set(new.get("enum", ())) - set(old["enum"]))
    for name, child in old.get("properties", {}).items():
        yield from added_states(child, new.get("properties", {}).get(name, {}), f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if isinstance(old.get(key), dict):
            yield from added_states(old[key], new.get(key, {}), f"{path}[*]")


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources of 0.1.0."""
    return exported(CUT_0_1_0, tmp_path_factory.mktemp("older"))


@pytest.mark.parametrize("name", KINDS)
def test_what_0_1_0_let_in_this_version_lets_in(name: str, older: Path) -> None:
    before = older / "crds" / name
    if not before.exists():
        pytest.skip("a kind that 0.1.0 does not have")

    assert (
        list(changed(schema(before.read_text()), schema((ROOT / "crds" / name).read_text()))) == []
    )


def test_no_kind_of_0_1_0_is_gone(older: Path) -> None:
    assert {path.name for path in (older / "crds").iterdir()} <= set(KINDS)


def test_the_changelog_names_the_states_that_0_1_0_does_not_know(older: Path) -> None:
    text = (ROOT / "CHANGELOG.md").read_text().partition("## 0.1.0")[0]
    pairs = [(older / "crds" / name, ROOT / "crds" / name) for name in KINDS]
    states = [
        state
        for before, after in pairs
        if before.exists()
        for state in added_states(schema(before.read_text()), schema(after.read_text()))
    ]

    assert [state for state in states if f"`{state}`" not in text] == []


OLD: Node = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "maxLength": 40, "minLength": 1},
        "state": {"type": "string", "enum": ["Ready", "Running"]},
        "tasks": {"type": "array", "items": {"type": "object", "properties": {"a": {}}}},
    },
}


def but(**properties: Node) -> Node:
    """Return the old schema with other properties."""
    return OLD | {"properties": OLD["properties"] | properties}


@pytest.mark.parametrize(
    ("new", "said"),
    [
        (but(more={"type": "string"}), []),
        (but(name={"type": "string", "maxLength": 50}), []),
        (but(state={"type": "string", "enum": ["Ready", "Running", "Held"]}), []),
        (but(name={"type": "integer"}), [".name: type changed"]),
        (but(name={"type": "string", "maxLength": 39}), [".name: maxLength is narrower"]),
        (but(name={"type": "string", "minLength": 2}), [".name: minLength is narrower"]),
        (but(state={"type": "string", "enum": ["Ready"]}), [".state: values were taken away"]),
        (but(name={"type": "string", "enum": ["a"]}), [".name: values were taken away"]),
        (OLD | {"required": ["name", "state"]}, [".state is required now"]),
        (OLD | {"properties": {}}, [".name is gone", ".state is gone", ".tasks is gone"]),
        (
            but(tasks={"type": "array", "items": {"type": "object"}}),
            [".tasks[*].a is gone"],
        ),
        (but(name={"type": "string", "default": "x"}), [".name: default changed"]),
    ],
)
def test_what_would_break_an_upgrade_is_found(new: Node, said: list[str]) -> None:
    assert list(changed(OLD, new)) == said


def test_a_new_state_is_found() -> None:
    old, new = (a_status(*states) for states in (["Ready"], ["Ready", "Held"]))

    assert list(added_states(old, new)) == ["Held"]
    assert list(added_states(new, old)) == []


def a_status(*states: str) -> Node:
    """Return the schema of an object whose status has one of these states."""
    return {"properties": {"status": {"properties": {"state": {"enum": [*states]}}}}}
