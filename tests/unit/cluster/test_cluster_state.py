"""The record of a cluster, and where it lies."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster import paths, state
from cluster.errors import ClusterError
from cluster.processes import ProcessId
from cluster.state import ClusterState

FULL = ClusterState(
    provider="local",
    boot_id="b",
    index=3,
    version="v1.34.4",
    processes={"etcd": ProcessId(12, 34)},
    kwok_nodes=7,
    sysctls={"kernel/panic": "0"},
    folders=("/var/lib/kubelet",),
)


def test_a_state_survives_being_written_and_read(tmp_path: Path) -> None:
    state.save(tmp_path / "new" / "state.json", FULL)

    assert state.load(tmp_path / "new" / "state.json") == FULL


def test_no_file_is_no_state(tmp_path: Path) -> None:
    assert state.load(tmp_path / "state.json") is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"processes": {}, "folders": [], "x": 1}'])
def test_a_damaged_state_is_told_as_such(text: str) -> None:
    with pytest.raises(ClusterError, match="state file is damaged"):
        state.decode(text)


def test_a_process_replaces_the_one_of_the_same_component() -> None:
    changed = FULL.with_process("etcd", ProcessId(56, 78))

    assert changed.processes == {"etcd": ProcessId(56, 78)}
    assert FULL.processes == {"etcd": ProcessId(12, 34)}


def test_components_that_start_anew_have_no_process_meanwhile() -> None:
    both = FULL.with_process("kubelet", ProcessId(5, 6))

    assert both.without(["kubelet", "kwok"]) == FULL


def test_the_cache_is_where_the_environment_says() -> None:
    home = {"HOME": "/home/a"}

    assert paths.cache_root(home) == Path("/home/a/.cache/spectra")
    assert paths.cache_root({**home, "XDG_CACHE_HOME": "/x"}) == Path("/x/spectra")
    assert paths.cache_root({**home, "XDG_CACHE_HOME": "/x", "SPECTRA_CACHE": "/c"}) == Path("/c")


def test_the_state_is_where_the_environment_says() -> None:
    home = {"HOME": "/home/a"}

    assert paths.state_root(home) == Path("/home/a/.local/state/spectra")
    assert paths.state_root({**home, "XDG_STATE_HOME": "/x"}) == Path("/x/spectra")
    assert paths.state_root({**home, "SPECTRA_STATE": "/s"}) == Path("/s")


def test_the_socket_path_of_the_longest_name_fits_a_unix_socket() -> None:
    longest = paths.cluster_paths("n" * 20, {"HOME": f"/home/{'h' * 200}"})

    assert len(str(longest.containerd_socket)) <= 107


def test_removing_a_clusters_traces_spares_other_clusters(tmp_path: Path) -> None:
    first, second = (
        paths.cluster_paths(name, {"SPECTRA_STATE": str(tmp_path / "s")}) for name in ("a", "b")
    )
    for cluster in (first, second):
        cluster.root.mkdir(parents=True)
        cluster.lock_file.touch()

    first.root.rmdir()
    paths.remove_traces(first)
    assert second.root.exists()
    assert second.lock_file.exists()

    second.root.rmdir()
    paths.remove_traces(second)
    assert list(tmp_path.iterdir()) == []
