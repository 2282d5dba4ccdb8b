"""Choosing a provider, and what each does without a cluster."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cluster import state
from cluster.binaries import Builder
from cluster.config import MAX_PODS
from cluster.console import Console
from cluster.errors import ClusterError, ProviderRefused
from cluster.paths import cluster_paths
from cluster.providers import choose, existing, kind, local, local_files, local_ready
from cluster.providers.base import Context
from cluster.providers.choose import Choice
from cluster.providers.existing import ExistingProvider
from cluster.providers.repair import Action, Observation, plan
from cluster.state import ClusterState

RUNNING = Observation(exists=True, recorded=True, same_boot=True, network=True, ready=True)


@pytest.fixture
def context(tmp_path: Path) -> Context:
    paths = cluster_paths("demo", {"SPECTRA_STATE": str(tmp_path)})
    return Context(paths, Builder(tmp_path / "cache", Console()), Console())


@pytest.mark.parametrize(
    ("asked", "recorded", "docker", "expected"),
    [
        ("auto", "", True, "kind"),
        ("auto", "", False, "local"),
        ("auto", "existing", True, "existing"),
        ("local", "", True, "local"),
        ("kind", "kind", False, "kind"),
    ],
)
def test_the_provider_that_made_the_cluster_comes_first(
    asked: str, recorded: str, docker: bool, expected: str
) -> None:
    assert choose.provider_name(asked, recorded, docker) == expected


def test_a_cluster_of_another_provider_is_not_taken_over() -> None:
    with pytest.raises(ClusterError, match="is of the provider kind: take it down first"):
        choose.provider_name("local", "kind", docker=True)


def test_auto_never_means_an_existing_cluster() -> None:
    names = {choose.provider_name("auto", "", docker) for docker in (True, False)}

    assert names == {"kind", "local"}


def test_the_record_says_which_provider_goes_on(context: Context) -> None:
    state.save(context.paths.state_file, ClusterState("existing", "boot"))

    assert choose.choose(context, Choice("auto", "", [])).name == "existing"


def test_a_damaged_record_is_left_to_the_local_provider(context: Context) -> None:
    context.paths.root.mkdir(parents=True)
    context.paths.state_file.write_text("{")

    assert choose.choose(context, Choice("auto", "", [])).name == "local"


def test_nothing_there_is_made() -> None:
    assert plan(Observation(exists=False))[0] is Action.CREATE


def test_a_healthy_cluster_is_left_alone() -> None:
    assert plan(RUNNING)[0] is Action.KEEP


@pytest.mark.parametrize(
    ("found", "action", "reason"),
    [
        (Observation(exists=True), Action.RECREATE, "record is missing"),
        (Observation(exists=True, recorded=True), Action.RECREATE, "machine was restarted"),
        (
            Observation(exists=True, recorded=True, same_boot=True),
            Action.RECREATE,
            "network is gone",
        ),
        (
            Observation(
                exists=True, recorded=True, same_boot=True, network=True, dead=("sandbox", "etcd")
            ),
            Action.RECREATE,
            "mounts are gone",
        ),
        (
            Observation(exists=True, recorded=True, same_boot=True, network=True, dead=("etcd",)),
            Action.REPAIR,
            "etcd died",
        ),
        (
            Observation(exists=True, recorded=True, same_boot=True, network=True),
            Action.REPAIR,
            "not ready",
        ),
    ],
)
def test_a_half_dead_cluster_is_repaired_if_that_can_work(
    found: Observation, action: Action, reason: str
) -> None:
    decided, why = plan(found)

    assert decided is action
    assert reason in why


@pytest.mark.parametrize(
    ("system", "user", "reason"), [("Darwin", 0, "needs Linux"), ("Linux", 1000, "needs root")]
)
def test_a_machine_that_cannot_run_it_is_told_what_to_do(
    system: str, user: int, reason: str
) -> None:
    assert reason in local.why_not(system, user)
    assert "--provider kind" in local.why_not(system, user)


def test_root_on_linux_can_run_it() -> None:
    assert local.why_not("Linux", 0) == ""


def mount_line(point: str, kind_of_fs: str) -> str:
    return f"30 20 0:1 / {point} rw shared:1 - {kind_of_fs} source rw"


@pytest.mark.parametrize(
    ("mounts", "expected"),
    [
        ([("/", "ext4")], "overlayfs"),
        ([("/", "overlay")], "native"),
        ([("/", "overlay"), ("/state", "xfs")], "overlayfs"),
        ([("/", "ext4"), ("/sta", "overlay")], "overlayfs"),
        ([("/state/clusters", "overlay"), ("/", "ext4")], "native"),
    ],
)
def test_an_overlay_is_never_put_on_an_overlay(
    mounts: list[tuple[str, str]], expected: str
) -> None:
    mountinfo = "\n".join(mount_line(*mount) for mount in mounts)

    assert local_files.snapshotter(mountinfo, Path("/state/clusters/a")) == expected


def test_a_node_is_ready_when_its_condition_says_so() -> None:
    def node(status: str) -> dict[str, object]:
        return {"status": {"conditions": [{"type": "Ready", "status": status}]}}

    assert local_ready.node_is_ready(node("True"))
    assert not local_ready.node_is_ready(node("Unknown"))
    assert not local_ready.node_is_ready({"status": {}})
    assert not local_ready.node_is_ready(None)


def test_kind_makes_a_cluster_under_its_name_with_a_kubeconfig_of_its_own() -> None:
    command = kind.create_command(Path("/b/kind"), "demo", Path("/s/kubeconfig"), Path("/s/c"))

    assert command[:3] == ["/b/kind", "create", "cluster"]
    assert {"--name=demo", "--kubeconfig=/s/kubeconfig", "--config=/s/c"} <= set(command)


def test_kind_removes_the_cluster_from_the_same_kubeconfig() -> None:
    command = kind.delete_command(Path("/b/kind"), "demo", Path("/s/kubeconfig"))

    assert command == [
        "/b/kind",
        "delete",
        "cluster",
        "--name=demo",
        "--kubeconfig=/s/kubeconfig",
    ]


def test_kind_loads_an_archive_into_the_cluster_of_that_name() -> None:
    command = kind.load_command(Path("/b/kind"), "demo", Path("/i.tar"))

    assert command == ["/b/kind", "load", "image-archive", "/i.tar", "--name=demo"]


def test_a_kind_node_takes_as_many_pods_as_a_local_one() -> None:
    patch = json.loads(json.loads(kind.kind_config())["kubeadmConfigPatches"][0])

    assert patch["maxPods"] == MAX_PODS


def test_the_image_of_a_kind_node_is_kinds_own_unless_it_is_named() -> None:
    assert json.loads(kind.kind_config())["nodes"] == [{"role": "control-plane"}]

    [node] = json.loads(kind.kind_config("kindest/node:v1.31.14"))["nodes"]
    assert node["image"] == "kindest/node:v1.31.14"


def test_without_docker_kind_says_what_else_there_is(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kind, "docker_answers", lambda: False)

    with pytest.raises(ProviderRefused, match="use --provider local"):
        kind.KindProvider(context).up()


def test_contexts_are_allowed_by_option_and_by_variable() -> None:
    environ = {existing.ALLOW_VARIABLE: "a, b,,"}

    assert existing.allowed_contexts(["c"], environ) == {"a", "b", "c"}


def test_no_context_is_allowed_by_default() -> None:
    assert existing.allowed_contexts([], {}) == set()


def test_a_context_that_nobody_allowed_is_refused_with_the_way_to_allow_it() -> None:
    with pytest.raises(ProviderRefused, match="add --allow-context production"):
        existing.check_allowed("production", {"staging"})


def test_an_existing_cluster_has_no_default_context() -> None:
    with pytest.raises(ProviderRefused, match="needs --context NAME"):
        existing.check_allowed("", {""})


def test_a_refused_context_leaves_no_kubeconfig(context: Context) -> None:
    with pytest.raises(ProviderRefused):
        ExistingProvider(context, "production", set()).up()

    assert not context.paths.kubeconfig.exists()


def test_only_the_allowed_context_goes_into_the_kubeconfig() -> None:
    command = existing.extract_command(Path("/b/kubectl"), "staging")

    assert {"--minify", "--flatten", "--context=staging"} <= set(command)


def test_images_are_not_loaded_into_somebody_elses_cluster(context: Context) -> None:
    with pytest.raises(ProviderRefused, match=r"push /i\.tar to a registry"):
        ExistingProvider(context, "staging", {"staging"}).load_images([Path("/i.tar")])
