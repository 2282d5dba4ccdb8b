"""Fields of messages and places in files, each found from the other."""

from __future__ import annotations

from typing import Any

import pytest

from spectra_operator.core.lint.findings import Finding, Manifest, Path, resolve, shown

BODY = {
    "spec": {
        "phases": [
            {"name": "one", "tasks": [{"name": "a", "input": {"x.y": {"z": 1}}}]},
            {"name": "7", "tasks": []},
            {"tasks": []},
        ]
    }
}
PLACES: list[tuple[str, Path]] = [
    ("spec", ("spec",)),
    ("spec.phases[one]", ("spec", "phases", 0)),
    ("spec.phases[7].tasks", ("spec", "phases", 1, "tasks")),
    ("spec.phases[2].tasks", ("spec", "phases", 2, "tasks")),
    (
        "spec.phases[one].tasks[a].input.x.y.z",
        ("spec", "phases", 0, "tasks", 0, "input", "x.y", "z"),
    ),
]


@pytest.mark.parametrize(("field", "path"), PLACES)
def test_a_field_is_found_in_the_object(field: str, path: Path) -> None:
    assert resolve(field, BODY) == path


@pytest.mark.parametrize(("field", "path"), PLACES)
def test_a_place_is_shown_as_a_field(field: str, path: Path) -> None:
    assert shown(path, BODY) == field


@pytest.mark.parametrize(
    ("field", "path"),
    [
        ("spec.phases[ghost].tasks", ("spec", "phases")),
        ("spec.phases[99]", ("spec", "phases")),
        ("spec.phases[99999999999999999999]", ("spec", "phases")),
        ("spec.gone.further", ("spec",)),
        ("", ()),
        ("status", ()),
        ("spec.phases[one", ("spec", "phases", 0)),
    ],
)
def test_of_a_field_that_is_not_there_what_is_around_it_is_found(field: str, path: Path) -> None:
    assert resolve(field, BODY) == path


def test_a_manifest_of_any_shape_has_a_kind_and_a_name() -> None:
    shapes: list[Any] = [None, [], "text", {}, {"metadata": []}, {"metadata": {"name": 7}}]
    for body in [*shapes, {"kind": 3}]:
        manifest = Manifest("f", body)
        assert isinstance(manifest.kind, str)
        assert manifest.name == ""
        assert manifest.mark(("spec",)) == (1, 1)


def test_a_finding_reads_as_compilers_write_them() -> None:
    finding = Finding("f.yaml", 3, 5, "spec.x", "WrongType", "is 7, not text; put it in quotes")
    assert str(finding) == (
        "f.yaml:3:5: error: spec.x: is 7, not text; put it in quotes (WrongType)"
    )


def test_what_is_wrong_with_a_file_as_a_whole_names_no_field() -> None:
    finding = Finding("f.yaml", 1, 1, "", "InvalidYaml", "is no YAML: check colons")
    assert str(finding) == "f.yaml:1:1: error: is no YAML: check colons (InvalidYaml)"
