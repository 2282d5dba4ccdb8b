"""NetworkPolicies, evaluated as Kubernetes defines them: what no cluster of ours enforces.

A pod that some policy selects for a direction may do only what one of those policies allows; any
other may do everything. Both ends must allow a connection.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Peer:
    """One end of a connection: a pod, or with no namespace an address outside the cluster.

    Attributes:
        namespace: Its namespace, which has the label kubernetes.io/metadata.name.
        labels: Its labels.
        address: Its IP address.
        ports: Its named ports.
    """

    namespace: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    address: str = "192.0.2.1"
    ports: Mapping[str, int] = field(default_factory=dict)


def allowed(
    policies: Iterable[Body], source: Peer, target: Peer, port: int, protocol: str = "TCP"
) -> bool:
    """Return whether a pod or an address may connect to another."""
    known = list(policies)
    out = _permits(known, "Egress", source, target, (target, port, protocol))
    return out and _permits(known, "Ingress", target, source, (target, port, protocol))


def _permits(
    policies: list[Body], direction: str, owner: Peer, other: Peer, door: tuple[Peer, int, str]
) -> bool:
    selecting = [p for p in policies if _selects(p, owner) and direction in _types(p)]
    if not selecting:
        return True
    rules_at, peers_at = direction.lower(), "to" if direction == "Egress" else "from"
    return any(
        _port_fits(rule.get("ports"), door) and _peer_fits(policy, rule.get(peers_at), other)
        for policy in selecting
        for rule in policy["spec"].get(rules_at) or ()
    )


def _selects(policy: Body, pod: Peer) -> bool:
    if not pod.namespace or policy["metadata"]["namespace"] != pod.namespace:
        return False
    return _matches(policy["spec"]["podSelector"], pod.labels)


def _types(policy: Body) -> list[str]:
    spec: Body = policy["spec"]
    return spec.get("policyTypes") or ["Ingress"] + ["Egress"] * ("egress" in spec)


def _port_fits(ports: list[Body] | None, door: tuple[Peer, int, str]) -> bool:
    target, port, protocol = door
    if not ports:
        return True
    return any(
        one.get("protocol", "TCP") == protocol and _number_fits(one, target, port) for one in ports
    )


def _number_fits(one: Body, target: Peer, port: int) -> bool:
    said: int | str | None = one.get("port")
    if said is None:
        return True
    first = target.ports.get(said) if isinstance(said, str) else said
    if first is None:
        return False
    last: int = one.get("endPort", first)
    return first <= port <= last


def _peer_fits(policy: Body, peers: list[Body] | None, other: Peer) -> bool:
    return not peers or any(_is(policy, peer, other) for peer in peers)


def _is(policy: Body, peer: Body, other: Peer) -> bool:
    if "ipBlock" in peer:
        address = ipaddress.ip_address(other.address)
        outside = peer["ipBlock"].get("except") or ()
        return address in ipaddress.ip_network(peer["ipBlock"]["cidr"]) and not any(
            address in ipaddress.ip_network(cidr) for cidr in outside
        )
    if not other.namespace:
        return False
    namespaces = peer.get("namespaceSelector")
    if namespaces is None:
        same = other.namespace == policy["metadata"]["namespace"]
    else:
        same = _matches(namespaces, {"kubernetes.io/metadata.name": other.namespace})
    return same and _matches(peer.get("podSelector") or {}, other.labels)


def _matches(selector: Body, labels: Mapping[str, str]) -> bool:
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(_expression_fits(one, labels) for one in selector.get("matchExpressions") or ())


def _expression_fits(one: Body, labels: Mapping[str, str]) -> bool:
    value = labels.get(one["key"])
    match one["operator"]:
        case "In":
            return value in one["values"]
        case "NotIn":
            return value not in one["values"]
        case "Exists":
            return value is not None
        case _:
            return value is None
