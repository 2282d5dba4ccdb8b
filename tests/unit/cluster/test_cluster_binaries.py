"""Building: command lines, progress, and a builder with a stand-in for the compiler."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster import binaries, catalog
from cluster.binaries import Builder
from cluster.console import Console
from cluster.errors import BuildFailed

COMPILER = """#!/bin/sh
echo "$@" >> {record}
while [ "$1" != -o ]; do shift; done
{act}
"""


def fake_go(folder: Path, act: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a program called ``go`` first on PATH, and return the file where it notes its calls."""
    record = folder / "calls"
    program = folder / "go"
    program.write_text(COMPILER.format(record=record, act=act))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return record


@pytest.fixture
def builder(tmp_path: Path) -> Builder:
    return Builder(tmp_path / "cache", Console())


@pytest.mark.parametrize(
    ("package", "name"),
    [
        ("k8s.io/kubernetes/cmd/kubelet", "kubelet"),
        ("go.etcd.io/etcd/server/v3", "server"),
        ("sigs.k8s.io/kind", "kind"),
        ("example.org/tool/vnext", "vnext"),
    ],
)
def test_a_built_file_is_named_as_go_names_it(package: str, name: str) -> None:
    assert binaries.built_name(package) == name


def test_a_build_is_reproducible_and_uses_only_pinned_modules() -> None:
    command = binaries.build_command("go", catalog.KUBERNETES, ["kubelet"], Path("/out"))

    assert command[:2] == ["go", "build"]
    assert {"-trimpath", "-mod=readonly"} <= set(command)
    assert command[-3:] == ["-o", "/out/", "k8s.io/kubernetes/cmd/kubelet"]


def test_a_build_does_not_take_flags_or_a_workspace_from_outside() -> None:
    environ = binaries.go_environment({"GOFLAGS": "-mod=mod", "GOWORK": "/w", "HOME": "/h"})

    assert environ["CGO_ENABLED"] == "0"
    assert environ["GOWORK"] == "off"
    assert "-mod=mod" not in environ["GOFLAGS"]
    assert environ["HOME"] == "/h"


def test_progress_counts_downloads_and_packages_apart() -> None:
    log = "go: downloading a v1\ngo: downloading b v1\nfmt\nos\nk8s.io/api\n"

    assert binaries.progress(log) == "2 modules downloaded, 3 packages compiled"


def test_missing_binaries_are_built_once(
    builder: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = fake_go(tmp_path, 'echo built > "$2/kind"', monkeypatch)

    first = builder.ensure(["kind"])
    second = builder.ensure(["kind"])

    assert first == second
    assert first["kind"].read_text() == "built\n"
    assert len(record.read_text().splitlines()) == 1


def test_a_binary_whose_package_has_another_name_gets_its_own(
    builder: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_go(tmp_path, 'echo etcd > "$2/server"', monkeypatch)

    assert builder.ensure(["etcd"])["etcd"].name == "etcd"


def test_only_what_is_missing_of_a_module_is_built(
    builder: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = fake_go(tmp_path, 'for p in $3 $4; do echo x > "$2/${p##*/}"; done', monkeypatch)
    builder.ensure(["kubectl"])

    builder.ensure(["kubectl", "kubelet"])

    last = record.read_text().splitlines()[-1]
    assert last.endswith("cmd/kubelet")
    assert "kubectl" not in last


def test_a_failed_build_names_its_log_and_leaves_no_binary(
    builder: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_go(tmp_path, 'echo partial > "$2/kind"; echo "x.go:1: no such thing"; exit 1', monkeypatch)

    with pytest.raises(BuildFailed, match=r"the log is .*build\.log\n.*no such thing"):
        builder.ensure(["kind"])

    assert not builder.path("kind").exists()
    assert [path.name for path in builder.path("kind").parent.iterdir() if path.is_dir()] == []


def test_what_a_killed_builder_left_is_removed_by_the_next(
    builder: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_go(tmp_path, 'echo built > "$2/kind"', monkeypatch)
    left = builder.path("kind").parent / ".build-old"
    left.mkdir(parents=True)
    (left / "kind").touch()

    builder.ensure(["kind"])

    assert not left.exists()
