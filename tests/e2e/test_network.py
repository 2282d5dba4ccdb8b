"""The network of a local cluster, made again in a namespace of the test's own."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster import host, network

LOWEST = "02:00:00:00:00:01"
"""Lower than the address of any bridge that has its own."""


def run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def netns(tmp_path: Path) -> Iterator[Path]:
    """A namespace with a cluster's network in it."""
    found = tmp_path / "netns"
    found.touch()
    # From above: clusters that come up meanwhile take the lowest.
    taken = host.taken_indexes((), host.interfaces())
    link = network.HostLink(max(set(range(network.MAX_CLUSTERS)) - set(taken)))
    for command in network.create_commands(found, link):
        run(*command)
    yield found
    run("umount", str(found))  # what is in it goes with it


def address_of_the_bridge(netns: Path) -> str:
    shown = run("nsenter", f"--net={netns}", "ip", "-json", "link", "show", network.BRIDGE)
    address: str = json.loads(shown)[0]["address"]
    return address


def test_the_bridge_keeps_its_address_when_pods_come_and_go(netns: Path) -> None:
    inside = ("nsenter", f"--net={netns}", "ip", "link")
    before = address_of_the_bridge(netns)

    run(*inside, "add", "pod", "address", LOWEST, "type", "veth", "peer", "other")
    run(*inside, "set", "pod", "master", network.BRIDGE)
    during = address_of_the_bridge(netns)
    run(*inside, "delete", "pod")

    assert (during, address_of_the_bridge(netns)) == (before, before)
