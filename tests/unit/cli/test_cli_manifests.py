"""How manifests are read: lines, duplicate keys, several documents, and what is not trusted."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_spectra.manifests import MAX_BYTES, MAX_DEPTH, MAX_NODES, Loaded, load


def read(text: str) -> Loaded:
    return load("f.yaml", text.encode())


def body(text: str) -> Any:
    (manifest,) = read(text).manifests
    return manifest.body


def reason(text: str) -> tuple[str, int]:
    (finding,) = read(text).findings
    return finding.reason, finding.line


def test_every_key_and_entry_has_its_line_and_column() -> None:
    (manifest,) = read("spec:\n  phases:\n  - name: a\n    tasks: []\n").manifests

    assert manifest.marks[("spec",)] == (1, 1)
    assert manifest.marks[("spec", "phases", 0)] == (3, 5)
    assert manifest.marks[("spec", "phases", 0, "tasks")] == (4, 5)
    assert manifest.mark(("spec", "phases", 0, "gone", "deeper")) == (3, 5)


def test_a_file_holds_several_documents_and_empty_ones_count_for_nothing() -> None:
    loaded = read("---\na: 1\n---\n# nothing\n---\nb: 2\n")
    assert [manifest.body for manifest in loaded.manifests] == [{"a": 1}, {"b": 2}]


def test_json_is_read_too() -> None:
    assert body('{"kind": "Workflow", "spec": {"n": [1, true, null]}}') == {
        "kind": "Workflow",
        "spec": {"n": [1, True, None]},
    }


def test_the_items_of_a_list_are_objects_with_lines_of_their_own() -> None:
    loaded = read("kind: List\nitems:\n- kind: A\n- kind: B\n  spec: 1\n")

    assert [manifest.kind for manifest in loaded.manifests] == ["A", "B"]
    assert loaded.manifests[1].mark(("spec",)) == (5, 3)


def test_values_are_those_that_kubectl_reads() -> None:
    found = body("date: 2026-01-01\nyes: yes\nnumber: 1\nfloat: 1.5\ntext: '1'\n7: seven\n")
    assert found == {
        "date": "2026-01-01",
        "yes": True,
        "number": 1,
        "float": 1.5,
        "text": "1",
        "7": "seven",
    }


def test_anchors_and_merges_are_followed() -> None:
    found = body("base: &b {a: 1, b: 2}\nmade: {<<: *b, b: 3}\nagain: *b\n")
    assert found["made"] == {"a": 1, "b": 3}
    assert found["again"] == {"a": 1, "b": 2}


def test_single_letters_are_truth_values_unless_quoted_as_kubectl_reads_them() -> None:
    found = body("name: n\nother: Y\nquoted: 'n'\n")

    assert found == {"name": False, "other": True, "quoted": "n"}


@pytest.mark.parametrize("key", ["on", "Off", "yes", "NO", "y", "N"])
def test_a_key_that_kubectl_takes_for_a_truth_value_is_found(key: str) -> None:
    (finding,) = read(f"input:\n  {key}: disk\n").findings
    assert (finding.reason, finding.field, finding.line) == ("KeyNotText", f"input.{key}", 2)
    assert f"reads the key {key} as a truth value; put it in quotes" in finding.message


@pytest.mark.parametrize("key", ["'on'", "true", "'y'", "one"])
def test_a_key_that_stays_what_it_is_is_well(key: str) -> None:
    assert read(f"input:\n  {key}: disk\n").findings == []


def test_a_duplicate_key_is_found_with_both_lines() -> None:
    loaded = read("spec:\n  a: 1\n  b: 2\n  a: 3\n")

    (finding,) = loaded.findings
    assert (finding.reason, finding.field, finding.line) == ("DuplicateKey", "spec.a", 4)
    assert finding.message.startswith("stands in line 2 already")
    assert len(loaded.manifests) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: [1, 2\n", ("InvalidYaml", 2)),
        ("a: 1\n\tb: 2\n", ("InvalidYaml", 2)),
        ("a: b: c\n", ("InvalidYaml", 1)),
        ("a: *ghost\n", ("InvalidYaml", 1)),
        ("? [a]\n: 1\n", ("InvalidYaml", 1)),
        ("x: 1\na: !!binary aGk=\n", ("InvalidYaml", 2)),
        ("a: !!python/object/apply:os.system [ls]\n", None),
        ("a: !!int x\n", ("InvalidYaml", 1)),
        ("a: &a [*a]\n", ("AliasLoop", 1)),
        ("a: " + "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), ("TooDeep", 1)),
        ("a: {<<: 3}\n", ("InvalidYaml", 1)),
        ("a: \x07\n", ("InvalidYaml", 1)),
    ],
)
def test_what_is_no_manifest_is_found_with_its_line(
    text: str, expected: tuple[str, int] | None
) -> None:
    if expected is None:
        assert body(text) == {"a": ["ls"]}  # a tag makes nothing run
        return
    assert reason(text) == expected


def test_aliases_that_stand_for_too_much_are_not_expanded() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert reason("\n".join(lines))[0] == "TooManyValues"
    assert MAX_NODES < 10**8


def test_a_file_that_is_too_large_is_not_read() -> None:
    assert reason("a: " + "x" * MAX_BYTES) == ("FileTooLarge", 1)


def test_what_is_no_text_is_found_with_its_line() -> None:
    (finding,) = load("f.yaml", b"a: 1\nb: \xff\n").findings
    assert (finding.reason, finding.line) == ("NotText", 2)


def test_documents_before_a_broken_one_are_kept() -> None:
    loaded = read("a: 1\n---\nb: &x [*x]\n")
    assert [manifest.body for manifest in loaded.manifests] == [{"a": 1}]
    assert [finding.reason for finding in loaded.findings] == ["AliasLoop"]
