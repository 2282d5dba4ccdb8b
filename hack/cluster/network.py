"""The cluster's network: a namespace of its own, a bridge in it, a veth pair to the host.

No packet of the cluster can leave the machine, clusters live side by side with the same
addresses inside, and deleting the namespace removes bridge, routes and firewall rules at once.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from cluster.errors import ClusterError

POD_CIDR = "10.244.0.0/16"
SERVICE_CIDR = "10.96.0.0/16"
SERVICE_IP = "10.96.0.1"
NODE_IP = "10.244.0.1"
BRIDGE = "cni0"
BRIDGE_MAC = "0a:58:0a:f4:00:01"
"""A bridge without an address of its own takes the lowest of its ports'. It would change as pods
come and go, and the other pods would reach neither DNS nor the API server until they ask anew."""
API_PORT = 6443
MAX_CLUSTERS = 64


@dataclass(frozen=True)
class HostLink:
    """The veth pair between the host and one cluster.

    Attributes:
        index: The cluster's number on this machine; names and addresses follow from it.
    """

    index: int

    @property
    def interface(self) -> str:
        """The interface's name on the host."""
        return f"spectra{self.index}"

    @property
    def host_ip(self) -> str:
        """The host's end."""
        return f"10.245.{self.index}.1"

    @property
    def cluster_ip(self) -> str:
        """The cluster's end, at which the API server is reached."""
        return f"10.245.{self.index}.2"

    @property
    def server(self) -> str:
        """The API server's URL, seen from the host."""
        return f"https://{self.cluster_ip}:{API_PORT}"


def free_index(taken: Collection[int]) -> int:
    """Return the lowest cluster number that is not taken.

    Raises:
        ClusterError: Every number is taken.
    """
    for index in range(MAX_CLUSTERS):
        if index not in taken:
            return index
    raise ClusterError(f"{MAX_CLUSTERS} clusters run on this machine: take one down first")


def create_commands(netns: Path, link: HostLink) -> list[list[str]]:
    """Return the commands that make the namespace and everything in it, in order."""
    inside = ["nsenter", f"--net={netns}", "--"]
    return [
        ["unshare", f"--net={netns}", "true"],
        [
            "ip",
            "link",
            "add",
            link.interface,
            "type",
            "veth",
            "peer",
            "uplink",
            "netns",
            str(netns),
        ],
        ["ip", "address", "add", f"{link.host_ip}/30", "dev", link.interface],
        ["ip", "link", "set", link.interface, "up"],
        [*inside, "ip", "link", "set", "lo", "up"],
        [*inside, "ip", "address", "add", f"{link.cluster_ip}/30", "dev", "uplink"],
        [*inside, "ip", "link", "set", "uplink", "up"],
        [*inside, "ip", "link", "add", BRIDGE, "address", BRIDGE_MAC, "type", "bridge"],
        [*inside, "ip", "address", "add", f"{NODE_IP}/16", "dev", BRIDGE],
        [*inside, "ip", "link", "set", BRIDGE, "up"],
        # Without a default route the kubelet finds no address and ClusterIPs go nowhere.
        [*inside, "ip", "route", "add", "default", "dev", BRIDGE],
        [*inside, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"],
    ]
