"""Who can reach whom: the chart's NetworkPolicies against connections that must be, or must not.

The local cluster's network enforces none, so they are evaluated by the rules of Kubernetes.
"""

from __future__ import annotations

import pytest

from builders.charts import Body, Render, of_kind
from builders.network_policies import Peer, allowed
from checks.generated import is_hook, loaded
from checks.repository import NAMESPACE, ROOT

NAMED = {"http": 8080, "workers": 8082, "webhook": 9443}
OPERATOR = Peer(
    NAMESPACE,
    {"app.kubernetes.io/name": "spectra-operator", "app.kubernetes.io/instance": "spectra"},
    "10.244.0.7",
    NAMED,
)
HOOK = Peer(
    NAMESPACE,
    {"app.kubernetes.io/name": "spectra-operator-hook", "app.kubernetes.io/instance": "spectra"},
    "10.244.0.8",
)
AGENT = Peer("team-a", {"app.kubernetes.io/managed-by": "spectra-operator"}, "10.244.0.9")
OTHER = Peer("team-a", {"app": "web"}, "10.244.0.10")
DNS = Peer("kube-system", {"k8s-app": "kube-dns"}, "10.244.0.2")
NODE_DNS = Peer(address="169.254.20.10")
API_SERVER = Peer(address="10.0.0.1")
PROMETHEUS = Peer("monitoring", {"app.kubernetes.io/name": "prometheus"}, "10.244.0.11")
INTERNET = Peer(address="203.0.113.9")

CONFINED = "networkPolicy.agents.namespaces={team-a}"


@pytest.fixture
def policies(render: Render) -> Render:
    """The policies of the chart with some values; rendered without the CRDs, which take longest."""

    def rendered(*values: str) -> list[Body]:
        return of_kind(render("crds.enabled=false", *values), "NetworkPolicy")

    return rendered


@pytest.mark.parametrize(
    ("source", "target", "port", "protocol"),
    [
        pytest.param(AGENT, OPERATOR, 8082, "TCP", id="an agent reports"),
        pytest.param(AGENT, DNS, 53, "UDP", id="an agent looks a name up"),
        pytest.param(AGENT, NODE_DNS, 53, "UDP", id="an agent asks the cache of its node"),
        pytest.param(API_SERVER, OPERATOR, 9443, "TCP", id="the API server calls the webhook"),
        pytest.param(PROMETHEUS, OPERATOR, 8080, "TCP", id="Prometheus scrapes"),
        pytest.param(OPERATOR, API_SERVER, 6443, "TCP", id="the operator calls the API server"),
        pytest.param(OPERATOR, API_SERVER, 443, "TCP", id="the operator calls its Service"),
        pytest.param(OPERATOR, DNS, 53, "TCP", id="the operator looks a name up"),
        pytest.param(HOOK, OPERATOR, 8080, "TCP", id="helm test asks for readiness"),
        pytest.param(HOOK, API_SERVER, 6443, "TCP", id="the uninstall calls the API server"),
        pytest.param(OTHER, INTERNET, 443, "TCP", id="other pods are none of our business"),
    ],
)
def test_what_is_needed_is_let_through(
    policies: Render, source: Peer, target: Peer, port: int, protocol: str
) -> None:
    assert allowed(policies(CONFINED), source, target, port, protocol)


@pytest.mark.parametrize(
    ("source", "target", "port"),
    [
        pytest.param(AGENT, INTERNET, 443, id="an agent calls the world"),
        pytest.param(AGENT, INTERNET, 53, id="an agent asks a resolver of its own"),
        pytest.param(AGENT, API_SERVER, 6443, id="an agent calls the API server"),
        pytest.param(AGENT, OTHER, 80, id="an agent calls its neighbour"),
        pytest.param(AGENT, OPERATOR, 9443, id="an agent calls the webhook's port as if it might"),
        pytest.param(OTHER, AGENT, 80, id="a neighbour calls an agent"),
        pytest.param(OTHER, OPERATOR, 8082, id="who is no agent calls the worker API"),
        pytest.param(INTERNET, OPERATOR, 8082, id="the world calls the worker API"),
        pytest.param(INTERNET, OPERATOR, 8080, id="the world reads metrics"),
        pytest.param(PROMETHEUS, OPERATOR, 8081, id="who may scrape reads the status page"),
        pytest.param(OPERATOR, INTERNET, 80, id="the operator calls the world"),
        pytest.param(OPERATOR, PROMETHEUS, 9090, id="the operator asks an unnamed Prometheus"),
        pytest.param(OPERATOR, AGENT, 8080, id="the operator calls an agent"),
        pytest.param(OTHER, HOOK, 80, id="a neighbour calls a hook"),
        pytest.param(HOOK, INTERNET, 80, id="a hook calls the world"),
    ],
)
def test_what_is_not_needed_is_held_up(
    policies: Render, source: Peer, target: Peer, port: int
) -> None:
    assert not allowed(policies(CONFINED), source, target, port)


def test_agents_elsewhere_are_free_until_the_manifest_is_applied_to_their_namespace(
    policies: Render,
) -> None:
    installed = policies()
    assert allowed(installed, AGENT, INTERNET, 443)

    (manifest,) = loaded((ROOT / "manifests" / "agents" / "networkpolicy.yaml").read_text())
    applied = manifest | {"metadata": manifest["metadata"] | {"namespace": AGENT.namespace}}

    assert not allowed([*installed, applied], AGENT, INTERNET, 443)
    assert allowed([*installed, applied], AGENT, OPERATOR, 8082)
    assert allowed([*installed, applied], AGENT, DNS, 53, "UDP")


def test_values_open_more_for_agents(policies: Render) -> None:
    opened = "networkPolicy.agents.egress[0].to[0].ipBlock.cidr=203.0.113.0/24"
    found = policies(CONFINED, opened)

    assert allowed(found, AGENT, INTERNET, 443)
    assert not allowed(found, AGENT, Peer(address="198.51.100.1"), 443)


def test_values_let_somebody_call_agents(policies: Render) -> None:
    found = policies(
        CONFINED, "networkPolicy.agents.ingress[0].from[0].podSelector.matchLabels.app=web"
    )
    assert allowed(found, OTHER, AGENT, 80)


@pytest.mark.parametrize(
    ("address", "port"),
    [
        ("http://prometheus.monitoring:9090", 9090),
        ("http://prometheus.monitoring", 80),
        ("https://prometheus.monitoring/base", 443),
        ("http://10.244.0.11:9091/prom", 9091),
    ],
)
def test_the_operator_reaches_the_prometheus_that_it_may_ask(
    policies: Render, address: str, port: int
) -> None:
    found = policies(f"rollouts.prometheusAddresses[0]={address}")

    assert allowed(found, OPERATOR, PROMETHEUS, port)
    assert not allowed(found, OPERATOR, PROMETHEUS, 9999)


def test_any_prometheus_means_any_port(policies: Render) -> None:
    found = policies("rollouts.prometheusAddresses[0]=*")
    assert allowed(found, OPERATOR, PROMETHEUS, 12_345)


def test_where_prometheus_is_can_be_said_closer(policies: Render) -> None:
    label = "kubernetes\\.io/metadata\\.name"
    place = f"networkPolicy.prometheus.to[0].namespaceSelector.matchLabels.{label}"
    found = policies(
        "rollouts.prometheusAddresses[0]=http://prometheus.monitoring",
        f"{place}=monitoring",
        "networkPolicy.prometheus.ports={9090}",
    )

    assert allowed(found, OPERATOR, PROMETHEUS, 9090)
    assert not allowed(found, OPERATOR, PROMETHEUS, 80)
    assert not allowed(found, OPERATOR, INTERNET, 9090)


def test_the_operator_reaches_the_collector_that_traces_are_sent_to(policies: Render) -> None:
    found = policies("tracing.endpoint=http://collector.monitoring:4318")

    assert allowed(found, OPERATOR, INTERNET, 4318)
    assert not allowed(found, OPERATOR, INTERNET, 4317)
    assert not allowed(policies(), OPERATOR, INTERNET, 4318)


def test_the_address_of_the_api_server_confines_both_directions(policies: Render) -> None:
    found = policies("networkPolicy.apiServer.cidrs={10.0.0.1/32}")

    assert allowed(found, OPERATOR, API_SERVER, 6443)
    assert allowed(found, API_SERVER, OPERATOR, 9443)
    assert not allowed(found, OPERATOR, INTERNET, 443)
    assert not allowed(found, INTERNET, OPERATOR, 9443)


def test_more_rules_of_the_operator_are_taken_as_they_are(policies: Render) -> None:
    found = policies(
        "networkPolicy.extraEgress[0].ports[0].port=4318",
        "networkPolicy.extraIngress[0].from[0].ipBlock.cidr=203.0.113.0/24",
    )
    assert allowed(found, OPERATOR, INTERNET, 4318)
    assert allowed(found, INTERNET, OPERATOR, 8080)


def test_in_named_namespaces_only_their_agents_report(policies: Render) -> None:
    found = policies("watchNamespaces={team-a}")
    stranger = Peer("team-b", AGENT.labels)

    assert allowed(found, AGENT, OPERATOR, 8082)
    assert not allowed(found, AGENT, INTERNET, 443), "they are confined without being named again"
    assert not allowed(found, stranger, OPERATOR, 8082)


def test_policies_can_be_left_to_somebody_else(policies: Render) -> None:
    assert policies("networkPolicy.enabled=false", CONFINED) == []


def test_every_pod_of_the_chart_is_under_a_policy(render_with: Render) -> None:
    everything = render_with()
    found = of_kind(everything, "NetworkPolicy")
    selectors = [p["spec"]["podSelector"]["matchLabels"] for p in found]
    hooks = [b for b in everything if is_hook(b) and b["kind"] in ("Job", "Pod")]
    (deployment,) = of_kind(everything, "Deployment")

    for body in (*hooks, deployment):
        template = body if body["kind"] == "Pod" else body["spec"]["template"]
        labels = template["metadata"]["labels"]
        assert any(selector.items() <= labels.items() for selector in selectors)
