"""metrics-server: what it is told, what it needs in the API, and when it is started."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from cluster import addons, cli, metrics, network, pki, state
from cluster.apiclient import ApiClient
from cluster.binaries import Builder
from cluster.components import Layout, kubeconfig_of
from cluster.console import Console
from cluster.errors import ComponentFailed, ProviderRefused
from cluster.network import HostLink
from cluster.paths import ClusterPaths, cluster_paths
from cluster.processes import ProcessId, start_ticks
from cluster.providers.base import Context
from cluster.state import ClusterState

PATHS = ClusterPaths("demo", Path("/state/demo"), Path("/run/spectra-demo"))
LAYOUT = Layout(PATHS, HostLink(2), {metrics.NAME: Path("/bin/metrics-server")})
GONE = ProcessId(1, 1)
"""The first process of the machine did not start at its first tick."""


def bodies() -> dict[str, Any]:
    """Return the objects that it needs, by kind and name."""
    found = metrics.objects(b"an authority")
    return {
        f"{body['kind']} {body['metadata']['name']}": body
        for group in found.values()
        for body in group
    }


def test_it_asks_kubelets_with_a_certificate_that_it_checks() -> None:
    command = metrics.command(LAYOUT)

    assert command[0] == "/bin/metrics-server"
    assert "--kubelet-certificate-authority=/state/demo/pki/ca.crt" in command
    assert not any("insecure" in word for word in command)


def test_fake_nodes_are_not_asked() -> None:
    assert "--node-selector=type!=kwok" in metrics.command(LAYOUT)


def test_the_api_server_finds_it_through_a_service_without_pods() -> None:
    found = bodies()
    service = found["APIService v1beta1.metrics.k8s.io"]["spec"]["service"]
    (port,) = found["Service metrics-server"]["spec"]["ports"]
    slice_ = found["EndpointSlice metrics-server"]

    assert (service["name"], service["port"]) == ("metrics-server", port["port"])
    assert "selector" not in found["Service metrics-server"]["spec"]
    assert slice_["metadata"]["labels"] == {"kubernetes.io/service-name": "metrics-server"}
    assert slice_["endpoints"][0]["addresses"] == [network.NODE_IP]
    assert slice_["ports"][0]["port"] == port["targetPort"] == metrics.PORT


def test_the_api_server_checks_its_certificate() -> None:
    spec = bodies()["APIService v1beta1.metrics.k8s.io"]["spec"]

    assert base64.b64decode(spec["caBundle"]) == b"an authority"
    assert "insecureSkipTLSVerify" not in spec
    (leaf,) = [leaf for leaf in pki.leaves("n", "10.0.0.1", ()) if leaf.file == metrics.NAME]
    assert leaf.names == ("metrics-server.kube-system.svc",)


def test_it_may_read_measurements_and_check_who_asks_and_nothing_else() -> None:
    found = bodies()
    rules = found["ClusterRole system:metrics-server"]["rules"]

    assert {verb for rule in rules for verb in rule["verbs"]} == {"get", "list", "watch"}
    roles = {body["roleRef"]["name"] for name, body in found.items() if "Binding" in name}
    assert roles == {
        "system:metrics-server",
        "system:auth-delegator",
        "extension-apiserver-authentication-reader",
    }


@pytest.fixture
def context(tmp_path: Path) -> Context:
    environ = {"SPECTRA_STATE": str(tmp_path / "state"), "SPECTRA_CACHE": str(tmp_path / "cache")}
    console = Console()
    return Context(
        cluster_paths("demo", environ), Builder(tmp_path / "cache", console), console, environ
    )


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was started, in place of starting it; it then answers."""
    noted: list[str] = []
    alive = ProcessId(1, start_ticks(1) or 0)

    def start(_: Context, __: ClusterState, prefix: list[str]) -> ProcessId:
        noted.append(" ".join(prefix))
        return alive

    monkeypatch.setattr(addons, "_start", start)
    monkeypatch.setattr(ApiClient, "__init__", lambda *_: None)
    monkeypatch.setattr(ApiClient, "answers", lambda *_: True)
    monkeypatch.setattr(ApiClient, "close", lambda *_: None)
    return noted


def a_cluster(context: Context, provider: str = "local", **processes: ProcessId) -> None:
    """Record a cluster that was made with a certificate for metrics-server."""
    named = {name.replace("_", "-"): process for name, process in processes.items()}
    states = ClusterState(provider, "boot", processes=named)
    state.save(context.paths.state_file, states)
    made = kubeconfig_of(context.paths, metrics.NAME)
    made.parent.mkdir(parents=True)
    made.touch()


def test_it_is_started_once_and_recorded_so_that_down_ends_it(
    context: Context, started: list[str]
) -> None:
    a_cluster(context)

    addons.ensure_metrics_server(context, ["in"])
    addons.ensure_metrics_server(context, ["in"])

    assert started == ["in"]
    saved = state.load(context.paths.state_file)
    assert saved is not None
    assert metrics.NAME in saved.processes


def test_a_dead_one_is_started_again(context: Context, started: list[str]) -> None:
    a_cluster(context, metrics_server=GONE)

    addons.ensure_metrics_server(context, ["in"])

    assert started == ["in"]


@pytest.mark.usefixtures("started")
def test_one_that_dies_instead_of_answering_is_reported_with_its_log(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_cluster(context)
    monkeypatch.setattr(addons, "_start", lambda *_: GONE)
    monkeypatch.setattr(ApiClient, "answers", lambda *_: False)

    with pytest.raises(ComponentFailed, match=r"metrics-server died; see .*metrics-server\.log"):
        addons.ensure_metrics_server(context, [])


@pytest.mark.parametrize("provider", ["kind", "existing"])
def test_a_cluster_of_others_gets_it_from_its_own_manifest(context: Context, provider: str) -> None:
    a_cluster(context, provider)

    with pytest.raises(ProviderRefused, match="install its own manifest"):
        addons.ensure_metrics_server(context, [])


def test_a_cluster_made_before_there_was_a_certificate_for_it_is_to_be_made_anew(
    context: Context,
) -> None:
    a_cluster(context)
    kubeconfig_of(context.paths, metrics.NAME).unlink()

    with pytest.raises(ProviderRefused, match="`down`, then `up`"):
        addons.ensure_metrics_server(context, [])


def test_an_addon_that_there_is_not_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["addon", "dashboard"])

    assert "metrics-server" in capsys.readouterr().err
