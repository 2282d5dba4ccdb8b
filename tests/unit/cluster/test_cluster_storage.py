"""The storage class: what claims and volumes ask for, and the folders behind them."""

from __future__ import annotations

import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from cluster import catalog, components
from cluster.components import Layout
from cluster.errors import ClusterError
from cluster.network import HostLink
from cluster.paths import ClusterPaths
from cluster.storage import folders, objects

UID = "841ced64-c179-4062-89c6-5936ca1e0eee"
NAME = f"pvc-{UID}"
FOLDER = Path("/state/demo/volumes")


def a_claim(**spec: Any) -> dict[str, Any]:
    """Return a claim for which the volume controller has named our provisioner."""
    return {
        "metadata": {
            "name": "work",
            "namespace": "team",
            "uid": UID,
            "annotations": {objects.ASKED_OF: objects.PROVISIONER},
        },
        "spec": {
            "storageClassName": objects.CLASS,
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
            **spec,
        },
    }


def a_volume(phase: str, *, deleted: bool = False, **spec: Any) -> dict[str, Any]:
    """Return the volume of a claim, as the API server has it later."""
    body = objects.volume_for(a_claim(), FOLDER)
    body["spec"] |= spec
    body["status"] = {"phase": phase}
    if deleted:
        body["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    return body


def test_a_claim_without_a_class_gets_ours() -> None:
    annotations = objects.storage_class()["metadata"]["annotations"]

    assert annotations == {"storageclass.kubernetes.io/is-default-class": "true"}


def test_a_volume_is_made_only_when_a_pod_waits_for_it_as_in_most_clouds() -> None:
    assert objects.storage_class()["volumeBindingMode"] == "WaitForFirstConsumer"


def test_the_provisioner_may_do_nothing_beside_its_work() -> None:
    rules = objects.role()["rules"]

    assert {name for rule in rules for name in rule["resources"]} == {
        "persistentvolumes",
        "persistentvolumeclaims",
        "events",
    }
    assert objects.binding()["subjects"][0]["name"] == objects.USER


def test_a_claim_for_which_we_are_asked_wants_a_volume() -> None:
    assert objects.wants_volume(a_claim())


def test_a_claim_that_no_pod_waits_for_yet_wants_no_volume() -> None:
    claim = a_claim()
    del claim["metadata"]["annotations"]

    assert not objects.wants_volume(claim)


def test_a_claim_of_another_provisioner_is_left_to_it() -> None:
    claim = a_claim()
    claim["metadata"]["annotations"][objects.ASKED_OF] = "example.com/other"

    assert not objects.wants_volume(claim)


def test_a_claim_that_has_a_volume_wants_no_second_one() -> None:
    assert not objects.wants_volume(a_claim(volumeName=NAME))


def test_a_claim_that_is_being_deleted_wants_no_volume() -> None:
    claim = a_claim()
    claim["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"

    assert not objects.wants_volume(claim)


@pytest.mark.parametrize("mode", ["ReadWriteOnce", "ReadWriteMany", "ReadOnlyMany"])
def test_every_access_mode_is_served_as_there_is_one_node(mode: str) -> None:
    claim = a_claim(accessModes=[mode])

    assert objects.refusal(claim) == ""
    assert objects.volume_for(claim, FOLDER)["spec"]["accessModes"] == [mode]


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"volumeMode": "Block"}, "spec.volumeMode: .* use Filesystem"),
        ({"dataSource": {"kind": "VolumeSnapshot"}}, "spec.dataSource: .* leave it out"),
        ({"dataSourceRef": {"kind": "VolumeSnapshot"}}, "spec.dataSource: .* leave it out"),
        ({"selector": {"matchLabels": {}}}, "spec.selector: .* leave it out"),
        ({"storageClassName": "keep"}, "spec.storageClassName: .* only the class standard"),
    ],
)
def test_what_cannot_be_served_is_told_with_the_field_and_the_remedy(
    spec: dict[str, Any], said: str
) -> None:
    reason = objects.refusal(a_claim(**spec))

    with pytest.raises(ClusterError, match=said):
        raise ClusterError(reason)


def test_a_refusal_is_an_event_of_the_claim_and_always_the_same_one() -> None:
    first = objects.refused_event(a_claim(), "no", "2026-01-01T00:00:00Z")
    again = objects.refused_event(a_claim(), "no", "2026-01-01T00:01:00Z")

    assert first["involvedObject"]["uid"] == UID
    assert first["metadata"] == again["metadata"] == {"name": f"storage-{UID}", "namespace": "team"}
    assert (first["type"], first["message"]) == ("Warning", "no")


def test_a_volume_belongs_to_its_claim_and_to_no_later_one_of_that_name() -> None:
    reference = objects.volume_for(a_claim(), FOLDER)["spec"]["claimRef"]

    assert (reference["namespace"], reference["name"], reference["uid"]) == ("team", "work", UID)


def test_a_volume_is_as_large_as_asked_for_and_a_folder_of_its_own() -> None:
    spec = objects.volume_for(a_claim(), FOLDER)["spec"]

    assert spec["capacity"] == {"storage": "1Gi"}
    assert spec["hostPath"] == {"path": f"{FOLDER}/{NAME}", "type": "Directory"}


def test_pods_on_fake_nodes_can_have_volumes_too() -> None:
    assert "nodeAffinity" not in objects.volume_for(a_claim(), FOLDER)["spec"]


def test_a_volume_whose_claim_is_gone_is_deleted_first_and_let_go_next() -> None:
    released, deleted = a_volume("Released"), a_volume("Released", deleted=True)

    assert objects.is_to_be_deleted(released)
    assert not objects.is_to_be_let_go(released)
    assert not objects.is_to_be_deleted(deleted)
    assert objects.is_to_be_let_go(deleted)


@pytest.mark.parametrize("deleted", [False, True])
@pytest.mark.parametrize("phase", ["Pending", "Bound"])
def test_a_volume_that_a_claim_may_hold_is_left_alone(phase: str, deleted: bool) -> None:
    volume = a_volume(phase, deleted=deleted)

    assert not objects.is_to_be_deleted(volume)
    assert not objects.is_to_be_let_go(volume)


def test_a_volume_that_is_to_be_retained_outlives_its_claim_and_its_folder_outlives_it() -> None:
    kept = a_volume("Released", persistentVolumeReclaimPolicy="Retain")

    assert not objects.is_to_be_deleted(kept)
    assert not objects.erases(kept)
    assert objects.is_to_be_let_go({**kept, "metadata": a_volume("", deleted=True)["metadata"]})


def test_a_volume_of_another_provisioner_is_left_to_it() -> None:
    for volume in (a_volume("Released"), a_volume("Released", deleted=True)):
        volume["metadata"]["annotations"] = {}

        assert not objects.is_to_be_deleted(volume)
        assert not objects.is_to_be_let_go(volume)


def test_only_our_finalizer_is_taken_off() -> None:
    volume = a_volume("Released", deleted=True)
    volume["metadata"]["finalizers"].append("kubernetes.io/pv-protection")

    left = objects.without_finalizer(volume)

    assert left["metadata"]["finalizers"] == ["kubernetes.io/pv-protection"]
    assert not objects.is_to_be_let_go(left)
    assert objects.FINALIZER in volume["metadata"]["finalizers"]


def test_every_user_can_write_to_a_folder(tmp_path: Path) -> None:
    folders.make(tmp_path, NAME)

    assert stat.S_IMODE((tmp_path / NAME).stat().st_mode) == 0o777


def test_a_folder_that_is_there_keeps_its_content(tmp_path: Path) -> None:
    folders.make(tmp_path, NAME)
    (tmp_path / NAME / "result").write_text("kept")

    folders.make(tmp_path, NAME)

    assert (tmp_path / NAME / "result").read_text() == "kept"


def test_a_folder_goes_with_its_content_and_without_what_a_link_in_it_points_to(
    tmp_path: Path,
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    folders.make(tmp_path, NAME)
    (tmp_path / NAME / "link").symlink_to(elsewhere)

    folders.erase(tmp_path, NAME)

    assert [path.name for path in tmp_path.iterdir()] == ["elsewhere"]


def test_a_folder_that_is_gone_already_is_well(tmp_path: Path) -> None:
    folders.erase(tmp_path, NAME)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["..", "pvc-1", f"{NAME}/..", f"x{NAME}", ""])
def test_a_name_that_is_not_ours_leads_to_no_folder(tmp_path: Path, name: str) -> None:
    for action in (folders.make, folders.erase):
        with pytest.raises(ClusterError, match="not the name of a volume of this cluster"):
            action(tmp_path / "volumes", name)

    assert tmp_path.is_dir()


def test_the_provisioner_keeps_volumes_in_the_clusters_own_folder() -> None:
    paths = ClusterPaths("demo", Path("/state/demo"), Path("/run/spectra-demo"))
    binaries = {name: Path("/bin") / name for name in catalog.LOCAL_BINARIES}

    command = components.storage(Layout(paths, HostLink(2), binaries))

    assert command[:3] == [sys.executable, "-m", "cluster.storage"]
    assert {
        "--kubeconfig=/state/demo/conf/storage.kubeconfig",
        "--folder=/state/demo/volumes",
    } <= set(command)
