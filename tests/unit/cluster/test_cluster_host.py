"""What a cluster changes on the machine, and the plans that undo it."""

from __future__ import annotations

from pathlib import Path

import pytest

from cluster import cleanup, host, state
from cluster.paths import ClusterPaths, cluster_paths
from cluster.state import ClusterState

MOUNTINFO = """\
21 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 21 0:5 / /run rw - tmpfs tmpfs rw
31 30 0:4 net:[402] /run/spectra-a/netns rw - nsfs nsfs rw
32 21 0:9 / /state/a/kubelet/pods/x\\040y rw - tmpfs tmpfs rw
33 32 0:9 / /state/a/kubelet/pods/x\\040y/inner rw - tmpfs tmpfs rw
34 21 0:9 / /state/ab rw - tmpfs tmpfs rw
"""


def clusters(tmp_path: Path) -> tuple[ClusterPaths, ClusterPaths]:
    environ = {"SPECTRA_STATE": str(tmp_path)}
    return cluster_paths("a", environ), cluster_paths("b", environ)


def test_mounts_are_undone_from_the_latest_to_the_first() -> None:
    found = cleanup.mounts_under(MOUNTINFO, [Path("/state/a"), Path("/run/spectra-a")])

    assert found == [
        "/state/a/kubelet/pods/x y/inner",
        "/state/a/kubelet/pods/x y",
        "/run/spectra-a/netns",
    ]


def test_a_folder_whose_name_only_begins_alike_is_not_ours() -> None:
    assert cleanup.mounts_under(MOUNTINFO, [Path("/state/a")])[-1] != "/state/ab"


def test_the_interface_goes_before_the_namespace() -> None:
    assert cleanup.host_commands(["/run/x/netns"], 2) == [
        ["ip", "link", "delete", "spectra2"],
        ["umount", "--lazy", "/run/x/netns"],
    ]


def test_without_a_record_only_the_mounts_are_undone() -> None:
    assert cleanup.host_commands(["/m"], None) == [["umount", "--lazy", "/m"]]


@pytest.fixture
def cgroups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "cgroup"
    for hierarchy in ("cpu", "memory"):
        (root / hierarchy / "other").mkdir(parents=True)
    monkeypatch.setattr(cleanup, "CGROUPS", root)
    return root


def test_control_groups_of_every_hierarchy_are_found_deepest_first(cgroups: Path) -> None:
    cleanup.make_cgroup("spectra-a")
    (cgroups / "cpu" / "spectra-a" / "pods" / "one").mkdir(parents=True)

    found = cleanup.cgroup_folders("spectra-a")

    assert [path.name for path in found[:2]] == ["one", "pods"]
    assert {path.parent.name for path in found[2:]} == {"cpu", "memory"}


def test_control_groups_are_removed_and_others_left(cgroups: Path) -> None:
    cleanup.make_cgroup("spectra-a")

    assert cleanup.remove_cgroups(cleanup.cgroup_folders("spectra-a")) == []

    assert sorted(path.name for path in cgroups.glob("*/*")) == ["other", "other"]


def test_a_control_group_that_is_in_use_is_told(cgroups: Path) -> None:
    busy = cgroups / "cpu" / "other"
    (busy / "child").mkdir()

    assert cleanup.remove_cgroups([busy]) == [busy]


def test_a_new_cpuset_takes_processes_as_it_has_its_parents_processors(cgroups: Path) -> None:
    for name, value in (("cpuset.cpus", "0-1"), ("cpuset.mems", "0")):
        (cgroups / "cpu" / name).write_text(value)

    cleanup.make_cgroup("spectra-a")

    assert (cgroups / "cpu" / "spectra-a" / "cpuset.cpus").read_text() == "0-1"


def test_processes_of_control_groups_are_listed_once(cgroups: Path) -> None:
    for hierarchy in ("cpu", "memory"):
        (cgroups / hierarchy / "cgroup.procs").write_text("7\n9\n")

    found = cleanup.cgroup_pids([cgroups / "cpu", cgroups / "memory", cgroups / "gone"])

    assert found == [7, 9]


def test_other_local_clusters_are_known_by_their_records(tmp_path: Path) -> None:
    ours, other = clusters(tmp_path)
    state.save(ours.state_file, ClusterState("local", "boot", index=0))
    state.save(other.state_file, ClusterState("local", "boot", index=1))

    assert [found.index for found in host.other_clusters(ours)] == [1]


def test_damaged_and_foreign_records_are_left_out(tmp_path: Path) -> None:
    ours, other = clusters(tmp_path)
    state.save(other.state_file, ClusterState("kind", "boot"))
    assert host.other_clusters(ours) == []

    other.state_file.write_text("{")
    assert host.other_clusters(ours) == []


def test_a_number_is_taken_by_a_record_or_by_an_interface() -> None:
    others = [ClusterState("local", "boot", index=4)]

    assert host.taken_indexes(others, ["eth0", "lo", "spectra7", "spectra-x"]) == {4, 7}


def test_settings_are_read_before_the_first_cluster_and_inherited_by_the_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "SETTINGS", tmp_path)
    (tmp_path / "kernel").mkdir()
    panic = tmp_path / "kernel" / "panic"
    panic.write_text("0\n")
    first = host.settings([])

    panic.write_text("10\n")
    second = host.settings([ClusterState("local", "boot", sysctls=first)])
    host.restore_settings(second)

    assert first == second == {"kernel/panic": "0"}
    assert panic.read_text() == "0"


def test_only_folders_that_were_made_are_removed_again(tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    place, own = tmp_path / "var" / "lib" / "kubelet", tmp_path / "own"

    made = host.make_folders({place: own})
    assert own.is_dir()
    assert made == (str(place.parent), str(place))

    host.remove_folders(made)
    assert list((tmp_path / "var").iterdir()) == []


def test_a_folder_that_somebody_uses_now_is_kept(tmp_path: Path) -> None:
    made = host.make_folders({tmp_path / "a" / "b": tmp_path / "own"})
    (tmp_path / "a" / "b" / "file").touch()

    host.remove_folders(made)

    assert (tmp_path / "a" / "b" / "file").exists()


def test_an_ordinary_file_pins_no_namespace(tmp_path: Path) -> None:
    assert host.is_namespace(Path("/proc/self/ns/net"))
    assert not host.is_namespace(tmp_path)
    assert not host.is_namespace(tmp_path / "absent")
