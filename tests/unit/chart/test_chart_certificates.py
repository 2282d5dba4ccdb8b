"""The webhook's certificate made by cert-manager, whose kinds no schema at hand describes."""

from __future__ import annotations

import pytest

from builders.charts import Body, Render, of_kind, pod_template, the
from unit.chart.test_chart_rights import granted

NAME = "spectra-operator-webhook"
ON = "webhook.certManager.enabled=true"


@pytest.fixture
def made(render: Render) -> list[Body]:
    return render("crds.enabled=false", ON)


def test_the_certificate_is_for_the_name_that_the_api_server_calls(made: list[Body]) -> None:
    certificate = the(made, "Certificate", NAME)
    (hook, *_) = of_kind(made, "ValidatingWebhookConfiguration")[0]["webhooks"]
    service = hook["clientConfig"]["service"]

    assert certificate["apiVersion"] == "cert-manager.io/v1"
    assert certificate["spec"]["dnsNames"] == [f"{service['name']}.{service['namespace']}.svc"]


def test_the_api_server_is_told_whom_to_trust(made: list[Body]) -> None:
    (configuration,) = of_kind(made, "ValidatingWebhookConfiguration")

    annotation = configuration["metadata"]["annotations"]["cert-manager.io/inject-ca-from"]
    certificate = the(made, "Certificate", NAME)["metadata"]
    assert annotation == f"{certificate['namespace']}/{certificate['name']}"


def test_the_operator_reads_the_secret_that_cert_manager_fills(made: list[Body]) -> None:
    spec = pod_template(of_kind(made, "Deployment")[0])["spec"]
    (container,) = spec["containers"]
    environment = {e["name"]: e.get("value") for e in container["env"]}
    (mount,) = [m for m in container["volumeMounts"] if m["name"] == "certificate"]
    (volume,) = [v for v in spec["volumes"] if v["name"] == "certificate"]

    assert environment["SPECTRA_OPERATOR_WEBHOOK_CERTIFICATE_FOLDER"] == mount["mountPath"]
    assert (mount["name"], mount["readOnly"]) == (volume["name"], True)
    assert volume["secret"]["defaultMode"] == 0o444, "the operator's user owns nothing"
    assert volume["secret"]["secretName"] == the(made, "Certificate", NAME)["spec"]["secretName"]


def test_the_operator_has_no_rights_that_only_its_own_certificate_needs(made: list[Body]) -> None:
    kinds = {resource for _, resource, _ in granted(made)}

    assert kinds.isdisjoint({"secrets", "validatingwebhookconfigurations"})
    assert of_kind(made, "Secret") == []


def test_without_an_issuer_the_chart_brings_one(made: list[Body], render: Render) -> None:
    assert the(made, "Issuer", NAME)["spec"] == {"selfSigned": {}}
    assert the(made, "Certificate", NAME)["spec"]["issuerRef"] == {
        "group": "cert-manager.io",
        "kind": "Issuer",
        "name": NAME,
    }


def test_an_issuer_of_the_cluster_signs_in_its_place(render: Render) -> None:
    given = "webhook.certManager.issuerRef"
    bodies = render("crds.enabled=false", ON, f"{given}.kind=ClusterIssuer", f"{given}.name=ours")

    assert of_kind(bodies, "Issuer") == []
    assert the(bodies, "Certificate", NAME)["spec"]["issuerRef"] == {
        "group": "cert-manager.io",
        "kind": "ClusterIssuer",
        "name": "ours",
    }


def test_without_the_webhook_there_is_no_certificate(render: Render) -> None:
    bodies = render("crds.enabled=false", ON, "webhook.enabled=false")
    assert {body["kind"] for body in bodies}.isdisjoint({"Certificate", "Issuer", "Secret"})
