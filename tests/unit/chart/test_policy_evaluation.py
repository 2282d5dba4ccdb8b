"""The evaluation of NetworkPolicies against cases from Kubernetes' own definition."""

from __future__ import annotations

from builders.charts import Body
from builders.network_policies import Peer, allowed

WEB = Peer("shop", {"app": "web"}, "10.0.0.5", {"http": 8080})
CLIENT = Peer("shop", {"app": "client", "tier": "front"}, "10.0.0.6")
STRANGER = Peer("elsewhere", {"app": "client"}, "10.0.0.7")


def policy(**spec: object) -> Body:
    body: Body = {"podSelector": {"matchLabels": {"app": "web"}}} | spec
    return {"metadata": {"namespace": "shop"}, "spec": body}


def test_without_a_policy_everything_passes() -> None:
    assert allowed([], STRANGER, WEB, 80)


def test_a_policy_without_rules_holds_up_what_comes_in_and_nothing_that_goes_out() -> None:
    found = [policy()]

    assert not allowed(found, CLIENT, WEB, 80)
    assert allowed(found, WEB, CLIENT, 80)


def test_an_empty_rule_lets_everything_through() -> None:
    assert allowed([policy(ingress=[{}])], STRANGER, WEB, 80)


def test_policies_add_up() -> None:
    open_one = policy(ingress=[{"ports": [{"port": 80}]}])
    assert allowed([policy(), open_one], CLIENT, WEB, 80)


def test_a_pod_selector_alone_means_the_policys_own_namespace() -> None:
    found = [policy(ingress=[{"from": [{"podSelector": {"matchLabels": {"app": "client"}}}]}])]

    assert allowed(found, CLIENT, WEB, 80)
    assert not allowed(found, STRANGER, WEB, 80)


def test_two_selectors_in_one_peer_must_both_fit() -> None:
    both = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "elsewhere"}},
        "podSelector": {"matchExpressions": [{"key": "tier", "operator": "Exists"}]},
    }
    found = [policy(ingress=[{"from": [both]}])]

    assert not allowed(found, STRANGER, WEB, 80)
    assert allowed(found, Peer("elsewhere", {"tier": "x"}), WEB, 80)


def test_a_block_of_addresses_has_exceptions() -> None:
    block = {"cidr": "10.0.0.0/24", "except": ["10.0.0.6/32"]}
    found = [policy(ingress=[{"from": [{"ipBlock": block}]}])]

    assert allowed(found, STRANGER, WEB, 80)
    assert not allowed(found, CLIENT, WEB, 80)


def test_ports_are_numbers_names_or_ranges_of_a_protocol() -> None:
    named = [policy(ingress=[{"ports": [{"port": "http"}]}])]
    several = [policy(ingress=[{"ports": [{"port": 80, "endPort": 90, "protocol": "UDP"}]}])]

    assert allowed(named, CLIENT, WEB, 8080)
    assert not allowed(named, CLIENT, WEB, 80)
    assert allowed(several, CLIENT, WEB, 90, "UDP")
    assert not allowed(several, CLIENT, WEB, 90)
    assert not allowed(several, CLIENT, WEB, 91, "UDP")


def test_expressions_choose_by_values() -> None:
    def of(operator: str) -> list[Body]:
        one = {"key": "app", "operator": operator, "values": ["client"]}
        return [policy(ingress=[{"from": [{"podSelector": {"matchExpressions": [one]}}]}])]

    assert allowed(of("In"), CLIENT, WEB, 80)
    assert not allowed(of("NotIn"), CLIENT, WEB, 80)
    assert not allowed(of("DoesNotExist"), CLIENT, WEB, 80)


def test_both_ends_must_allow_a_connection() -> None:
    out = {
        "metadata": {"namespace": "shop"},
        "spec": {"podSelector": {"matchLabels": {"app": "client"}}, "policyTypes": ["Egress"]},
    }
    assert not allowed([out, policy(ingress=[{}])], CLIENT, WEB, 80)
