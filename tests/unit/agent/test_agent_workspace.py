"""Large outputs go through the workspace: whole, checked, or with a clear error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectra_agent import InputError, Result, ResultError, Task, contract, workspace

LARGE = {"rows": list(range(5000))}
KEY = "11111111-0000-4000-8000-000000000001/load/7"


def env_of(folder: Path, **more: str) -> dict[str, str]:
    """The environment of a task that mounts a folder as its workspace."""
    ours = {"SPECTRA_WORKSPACE": str(folder), "SPECTRA_KEY": KEY, "SPECTRA_ATTEMPT": "2"}
    return ours | more


def outputs_of(outputs: dict[str, Any], env: dict[str, str]) -> dict[str, Any]:
    """What later tasks are told of these outputs."""
    data = contract.encode(Result(outputs), env)
    assert len(data) <= contract.LIMIT_BYTES
    found: dict[str, Any] = json.loads(data)["outputs"]
    return found


def read(value: Any, env: dict[str, str]) -> Any:
    """What a task is handed for a value in its input."""
    return Task.from_env(env | {"SPECTRA_INPUT": json.dumps({"v": value})}).input["v"]


def test_a_large_output_is_a_file_and_a_reference(tmp_path: Path) -> None:
    found = outputs_of({"table": LARGE, "n": 3}, env_of(tmp_path))
    assert found["n"] == 3
    assert found["table"].keys() == {"$workspace", "bytes", "sha256"}
    path = found["table"]["$workspace"]
    assert path.startswith(".spectra/outputs/11111111-0000-4000-8000-000000000001_load_7-")
    assert path.endswith("/2/table.json")
    file = tmp_path / path
    assert json.loads(file.read_bytes()) == LARGE
    assert file.stat().st_size == found["table"]["bytes"]
    assert [entry.name for entry in file.parent.iterdir()] == ["table.json"]


def test_whoever_reads_a_reference_is_handed_the_value(tmp_path: Path) -> None:
    env = env_of(tmp_path)
    reference = outputs_of({"table": LARGE}, env)["table"]
    assert read(reference, env) == LARGE
    assert read({"deep": [1, {"er": reference}]}, env) == {"deep": [1, {"er": LARGE}]}


def test_a_workspace_may_be_mounted_elsewhere_by_the_reader(tmp_path: Path) -> None:
    claim = tmp_path / "claim"
    claim.mkdir()
    (tmp_path / "other").symlink_to(claim)
    reference = outputs_of({"table": LARGE}, env_of(claim))["table"]
    assert read(reference, env_of(tmp_path / "other")) == LARGE


def test_only_as_many_outputs_go_there_as_must_the_largest_first(tmp_path: Path) -> None:
    outputs = {"small": "x" * 1500, "larger": "y" * 2000, "largest": "z" * 3000}
    found = outputs_of(outputs, env_of(tmp_path))
    assert {name for name, value in found.items() if workspace.is_reference(value)} == {"largest"}
    assert {name: read(value, env_of(tmp_path)) for name, value in found.items()} == outputs


def test_small_outputs_touch_no_workspace(tmp_path: Path) -> None:
    assert outputs_of({"n": 1}, env_of(tmp_path)) == {"n": 1}
    assert list(tmp_path.iterdir()) == []


def test_each_attempt_and_each_item_has_files_of_its_own(tmp_path: Path) -> None:
    keys = (KEY, KEY.replace("/7", "/8"), KEY.replace("/load/", "_load/"))
    paths = {
        outputs_of({"v": LARGE}, env_of(tmp_path, SPECTRA_KEY=key, SPECTRA_ATTEMPT=attempt))["v"][
            "$workspace"
        ]
        for key in keys
        for attempt in ("1", "2")
    }
    assert len(paths) == 6


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/x", "..", ".", "a/b", "ü" * 300, ""])
def test_no_name_of_an_output_leads_out_of_its_folder(tmp_path: Path, name: str) -> None:
    env = env_of(tmp_path / "claim")
    (tmp_path / "claim").mkdir()
    reference = outputs_of({name: LARGE}, env)[name]
    file = tmp_path / "claim" / reference["$workspace"]
    assert file.resolve().is_relative_to(tmp_path / "claim" / ".spectra" / "outputs")
    assert file.parent.name == "2"
    assert read(reference, env) == LARGE


def test_names_that_look_alike_as_files_do_not_share_one(tmp_path: Path) -> None:
    outputs = {"a/b": ["1" * 3000], "a_b": ["2" * 3000], "a:b": ["3" * 3000]}
    env = env_of(tmp_path)
    found = outputs_of(outputs, env)
    assert {name: read(value, env) for name, value in found.items()} == outputs


@given(st.dictionaries(st.text(max_size=9), st.text(min_size=800, max_size=900), max_size=6))
def test_whatever_is_returned_is_what_is_read(
    tmp_path_factory: pytest.TempPathFactory, outputs: dict[str, str]
) -> None:
    env = env_of(tmp_path_factory.mktemp("claim"))
    data = contract.encode(Result({**outputs, "large": LARGE}), env)
    found = json.loads(data)["outputs"]
    assert {name: read(value, env) for name, value in found.items()} == {**outputs, "large": LARGE}


def test_without_a_workspace_the_size_and_the_fix_are_named() -> None:
    with pytest.raises(ResultError, match=r"23,912 bytes .* limit is 4,000; .*'workspace: \{\}'"):
        contract.encode(Result(LARGE), {"SPECTRA_KEY": KEY})


def test_too_many_small_outputs_are_refused_even_with_a_workspace(tmp_path: Path) -> None:
    outputs = {f"output-{n:04}": n for n in range(500)}
    with pytest.raises(ResultError, match="return fewer, or join them"):
        contract.encode(Result(outputs), env_of(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_reader_without_a_workspace_is_told_what_to_give_it(tmp_path: Path) -> None:
    reference = outputs_of({"table": LARGE}, env_of(tmp_path))["table"]
    with pytest.raises(InputError, match=r"23,900 bytes .* mounts none; give it 'workspace: \{\}'"):
        read(reference, {})


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    reference = outputs_of({"table": LARGE}, env_of(tmp_path))["table"]
    (tmp_path / reference["$workspace"]).unlink()
    with pytest.raises(InputError, match=r"2/table\.json, but it cannot be read: No such file"):
        read(reference, env_of(tmp_path))


@pytest.mark.parametrize("content", [b"", b"[1]", b"x" * 23_900, b"x" * 50_000])
def test_a_changed_file_is_refused(tmp_path: Path, content: bytes) -> None:
    reference = outputs_of({"table": LARGE}, env_of(tmp_path))["table"]
    (tmp_path / reference["$workspace"]).write_bytes(content)
    with pytest.raises(InputError, match="was changed since"):
        read(reference, env_of(tmp_path))


def test_a_reference_out_of_the_workspace_is_refused(tmp_path: Path) -> None:
    (tmp_path / "claim").mkdir()
    (tmp_path / "secret").write_text("{}")
    (tmp_path / "claim" / "link").symlink_to(tmp_path / "secret")
    for path in ("../secret", str(tmp_path / "secret"), "link"):
        with pytest.raises(InputError, match="outside of it"):
            read({"$workspace": path, "bytes": 2, "sha256": ""}, env_of(tmp_path / "claim"))


@pytest.mark.parametrize(
    "value", [{"$workspace": "x"}, {"$workspace": 1, "bytes": 1, "sha256": ""}, "$workspace"]
)
def test_what_only_looks_like_a_reference_stays_as_it_is(tmp_path: Path, value: Any) -> None:
    assert read(value, env_of(tmp_path)) == value


def test_a_workspace_that_cannot_be_written_to_fails_the_task(tmp_path: Path) -> None:
    (tmp_path / ".spectra").write_text("in the way")
    with pytest.raises(OSError, match=r"spectra"):
        contract.encode(Result({"table": LARGE}), env_of(tmp_path))
