"""Command lines and configuration files of the local components."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import pytest
import yaml

from cluster import catalog, components, config, network, sandbox
from cluster.components import Layout
from cluster.errors import ClusterError
from cluster.network import HostLink
from cluster.paths import ClusterPaths

PATHS = ClusterPaths("demo", Path("/state/demo"), Path("/run/spectra-demo"))
LAYOUT = Layout(PATHS, HostLink(2), {name: Path("/bin") / name for name in catalog.LOCAL_BINARIES})


def flags(command: list[str]) -> dict[str, str]:
    pairs = [word.removeprefix("--").partition("=") for word in command if word.startswith("--")]
    return {name: value for name, _, value in pairs}


def test_every_component_but_the_sandbox_has_a_command_line() -> None:
    assert set(components.COMMANDS) == set(components.START_ORDER) - {components.SANDBOX}


def test_the_store_and_the_api_server_start_before_what_needs_them() -> None:
    order = components.START_ORDER

    assert order.index("etcd") < order.index("kube-apiserver") < order.index("kubelet")
    assert order[0] == components.SANDBOX


def test_the_api_server_advertises_an_address_that_pods_can_reach() -> None:
    found = flags(components.kube_apiserver(LAYOUT))

    assert found["advertise-address"] == network.NODE_IP
    assert found["kubelet-preferred-address-types"] == "InternalIP"
    assert found["authorization-mode"] == "Node,RBAC"


def test_the_api_servers_certificate_covers_the_ways_to_it() -> None:
    assert {"10.245.2.2", network.SERVICE_IP, network.NODE_IP, "kubernetes.default.svc"} <= set(
        LAYOUT.server_names
    )


def test_nobody_waits_for_a_leader_election() -> None:
    assert flags(components.kube_controller_manager(LAYOUT))["leader-elect"] == "false"
    parsed = yaml.safe_load(config.scheduler(Path("/k")))
    assert parsed["leaderElection"] == {"leaderElect": False}


def test_components_join_network_and_mounts_without_a_view_of_their_own() -> None:
    prefix = components.inside_sandbox(Path("/run/x/netns"), 42)

    assert prefix == ["nsenter", "--net=/run/x/netns", "--mount=/proc/42/ns/mnt", "--"]


def test_the_kubelet_takes_many_pods_and_never_removes_an_image() -> None:
    parsed = yaml.safe_load(config.kubelet(Path("/c"), Path("/p"), Path("/s"), "/spectra-demo"))

    assert parsed["maxPods"] == 250
    assert parsed["imageGCHighThresholdPercent"] == 100
    assert parsed["cgroupRoot"] == "/spectra-demo"
    assert parsed["authentication"]["anonymous"] == {"enabled": False}


def test_a_pod_autoscaler_looks_often_enough_for_a_test() -> None:
    found = flags(components.kube_controller_manager(LAYOUT))

    assert found["horizontal-pod-autoscaler-sync-period"] == "5s"


def test_two_clusters_have_control_groups_of_their_own() -> None:
    other = Layout(ClusterPaths("other", Path("/s"), Path("/r")), HostLink(3), {})

    assert other.cgroup_root != LAYOUT.cgroup_root


def test_containerd_keeps_everything_in_the_clusters_folders() -> None:
    text = config.containerd(Path("/state/c"), Path("/run/x"), Path("/state/cni"), "overlayfs")
    places = re.findall(r'^\s*(?:root|state|address|path|conf_dir) = "(.*)"$', text, re.MULTILINE)

    assert len(places) == 5
    assert all(place.startswith(("/state/", "/run/x")) for place in places)
    assert "restrict_oom_score_adj = true" in text


def test_the_pod_network_is_the_bridge_that_the_node_has() -> None:
    bridge = json.loads(config.cni())["plugins"][0]

    assert bridge["bridge"] == network.BRIDGE
    assert bridge["ipam"]["ranges"][0][0]["subnet"] == network.POD_CIDR


def test_dns_listens_where_the_kubelet_sends_pods() -> None:
    assert f"bind {network.NODE_IP}" in config.corefile(Path("/k"))
    assert config.resolv_conf() == f"nameserver {network.NODE_IP}\n"


def test_a_kubeconfig_holds_its_credentials_inside() -> None:
    text = config.kubeconfig("demo", "https://h:1", config.Credentials(b"A", b"B", b"C"))
    parsed = yaml.safe_load(text)

    user = parsed["users"][0]["user"]
    assert base64.b64decode(user["client-key-data"]) == b"C"
    assert parsed["current-context"] == parsed["contexts"][0]["name"] == "demo"
    assert parsed["clusters"][0]["cluster"]["server"] == "https://h:1"


def test_links_of_two_clusters_share_neither_name_nor_address() -> None:
    first, second = HostLink(0), HostLink(1)

    assert {first.interface, first.host_ip, first.cluster_ip}.isdisjoint(
        {second.interface, second.host_ip, second.cluster_ip}
    )


def test_the_longest_interface_name_is_one_the_kernel_takes() -> None:
    assert len(HostLink(network.MAX_CLUSTERS - 1).interface) <= 15


def test_the_lowest_free_number_is_taken() -> None:
    assert network.free_index({0, 1, 3}) == 2


def test_a_full_machine_is_told() -> None:
    with pytest.raises(ClusterError, match="take one down first"):
        network.free_index(range(network.MAX_CLUSTERS))


def test_the_network_is_made_before_it_is_used() -> None:
    commands = network.create_commands(Path("/run/x/netns"), HostLink(0))

    assert commands[0][0] == "unshare"
    host_side = [command for command in commands[1:] if command[0] != "nsenter"]
    assert all("spectra0" in command for command in host_side)


def test_the_sandbox_says_that_it_is_ready_after_the_last_mount() -> None:
    lines = sandbox.script({Path("/var/lib/x"): Path("/state/a b")}).splitlines()

    assert "mount --bind '/state/a b' /var/lib/x" in lines
    assert lines[0] == "set -e"
    assert lines[-2:] == ["echo ready", "exec sleep infinity > /dev/null 2>&1"]
