from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import Any

import pytest
import yaml

from builders.charts import of_kind, restricted_violations, the
from checks import repository as repo
from checks.generated import dump, loaded, manifest_files
from spectra_operator.api.crds import KINDS
from spectra_operator.config import PREFIX, Config

Body = dict[str, Any]
Render = Callable[..., list[Body]]

DIGEST = "sha256:" + "ab" * 32


def deployment(bodies: list[Body]) -> Body:
    (found,) = of_kind(bodies, "Deployment")
    return found


def operator(bodies: list[Body]) -> Body:
    (container,) = deployment(bodies)["spec"]["template"]["spec"]["containers"]
    return dict(container)


def environment(bodies: list[Body]) -> dict[str, str]:
    return {e["name"]: e["value"] for e in operator(bodies)["env"] if "value" in e}


def release_job() -> Body:
    path = repo.ROOT / "manifests" / "release" / "job.yaml"
    return dict(yaml.safe_load(path.read_text()))


def test_the_operators_pods_are_restricted_with_a_read_only_root(defaults: list[Body]) -> None:
    assert restricted_violations(deployment(defaults)["spec"]["template"]["spec"]) == []
    assert operator(defaults)["securityContext"]["readOnlyRootFilesystem"] is True


def test_the_release_job_is_restricted_and_uses_the_same_image_and_account(
    defaults: list[Body],
) -> None:
    spec = release_job()["spec"]["template"]["spec"]

    assert restricted_violations(spec) == []
    assert spec["containers"][0]["image"] == operator(defaults)["image"]
    account = deployment(defaults)["spec"]["template"]["spec"]["serviceAccountName"]
    assert spec["serviceAccountName"] == account


def test_the_check_for_restricted_finds_what_is_wrong() -> None:
    bad = {"hostPID": True, "volumes": [{"name": "v", "hostPath": {}}], "containers": [{}]}

    found = restricted_violations(bad)

    assert {"hostPID", "volume v", "escalation", "root", "capabilities", "seccomp"} <= {*found}


def test_the_image_is_named_by_tag_or_else_by_digest(render: Render) -> None:
    assert operator(render("image.tag=1.2"))["image"] == "docker.io/local/spectra-operator:1.2"
    pinned = operator(render("image.repository=r.example/op", f"image.digest={DIGEST}"))
    assert pinned["image"] == f"r.example/op@{DIGEST}"


@pytest.mark.parametrize(
    "name", ["r.example:5000/team/spectra_op", "localhost:5000/op", "op", "a/b-c"]
)
def test_a_repository_is_a_registry_with_or_without_port_and_a_path(
    render: Render, name: str
) -> None:
    found = operator(render(f"image.repository={name}", "image.tag=v1"))
    assert found["image"] == f"{name}:v1"


def test_values_become_the_operators_settings(render: Render) -> None:
    bodies = render("shards=3", "log.level=debug", "log.format=console")

    assert environment(bodies) == {
        "SPECTRA_OPERATOR_SHARDS": "3",
        "SPECTRA_OPERATOR_LOG_LEVEL_FILE": "/etc/spectra/log/level",
        "SPECTRA_OPERATOR_LOG_FORMAT": "console",
        "SPECTRA_OPERATOR_WEBHOOK_SERVICE": "spectra-operator-webhook",
        "SPECTRA_OPERATOR_WORKER_URL": "http://spectra-operator-workers.spectra-system.svc:8082",
    }


def test_the_log_level_is_in_a_file_so_that_a_change_of_it_restarts_nothing(
    render: Render,
) -> None:
    quiet, loud = render(), render("log.level=debug")

    config = the(loud, "ConfigMap", "spectra-operator-log")
    assert config["data"] == {"level": "debug"}
    assert deployment(quiet) == deployment(loud)
    (volume,) = (
        v for v in deployment(loud)["spec"]["template"]["spec"]["volumes"] if v["name"] == "log"
    )
    assert volume["configMap"] == {"name": config["metadata"]["name"], "optional": True}
    (mount,) = (m for m in operator(loud)["volumeMounts"] if m["name"] == "log")
    assert f"{mount['mountPath']}/level" == environment(loud)[PREFIX + "LOG_LEVEL_FILE"]


def test_a_collector_is_named_and_what_it_wants_to_see_comes_from_a_secret(render: Render) -> None:
    name = PREFIX + "OTLP_ENDPOINT"
    assert name not in environment(render())

    container = operator(render("tracing.endpoint=http://c:4318", "tracing.headersSecret=otlp"))

    env = {each["name"]: each for each in container["env"]}
    assert env[name]["value"] == "http://c:4318"
    reference = env["OTEL_EXPORTER_OTLP_HEADERS"]["valueFrom"]["secretKeyRef"]
    assert reference == {"name": "otlp", "key": "headers"}


def test_the_operator_is_told_where_content_is_part_of_revisions(render: Render) -> None:
    name = "SPECTRA_OPERATOR_CONTENT_NAMESPACES"

    assert name not in environment(render())
    assert environment(render("contentNamespaces={team-a,team-b}"))[name] == "team-a,team-b"
    assert PREFIX + "content_namespaces".upper() == name
    assert "content_namespaces" in {field.name for field in fields(Config)}


def test_every_variable_is_a_setting_that_the_operator_reads(defaults: list[Body]) -> None:
    known = {PREFIX + field.name.upper() for field in fields(Config)}
    assert {e["name"] for e in operator(defaults)["env"]} <= known


def test_the_namespace_of_leases_comes_from_the_pod_itself(defaults: list[Body]) -> None:
    entry = next(e for e in operator(defaults)["env"] if e["name"].endswith("_NAMESPACE"))
    assert entry["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.namespace"


def test_probes_ask_for_life_and_readiness_on_the_port_of_the_operator(
    defaults: list[Body],
) -> None:
    container = operator(defaults)

    asked = {name: container[f"{name}Probe"]["httpGet"] for name in ("liveness", "readiness")}
    assert asked["liveness"] == {"path": "/healthz", "port": "http"}
    assert asked["readiness"] == {"path": "/readyz", "port": "http"}
    assert container["startupProbe"]["httpGet"] == asked["readiness"]
    assert {"name": "http", "containerPort": 8080} in container["ports"]


@pytest.mark.parametrize(("replicas", "budgets"), [(1, 0), (2, 1)])
def test_only_several_replicas_have_a_disruption_budget(
    render: Render, replicas: int, budgets: int
) -> None:
    bodies = render(f"replicas={replicas}")

    assert deployment(bodies)["spec"]["replicas"] == replicas
    assert len(of_kind(bodies, "PodDisruptionBudget")) == budgets


def test_the_budget_and_the_deployment_select_the_pods(defaults: list[Body]) -> None:
    (budget,) = of_kind(defaults, "PodDisruptionBudget")
    labels = deployment(defaults)["spec"]["template"]["metadata"]["labels"]

    for selecting in (budget, deployment(defaults)):
        selector = selecting["spec"]["selector"]["matchLabels"]
        assert selector.items() <= labels.items()


def test_a_label_of_the_user_cannot_replace_one_that_selects(render: Render) -> None:
    bodies = render("podLabels.team=a")
    labels = deployment(bodies)["spec"]["template"]["metadata"]["labels"]
    assert labels["team"] == "a"
    assert labels["app.kubernetes.io/name"] == "spectra-operator"


def test_the_crds_come_with_the_release_and_stay_after_it(defaults: list[Body]) -> None:
    crds = of_kind(defaults, "CustomResourceDefinition")

    names = {crd["metadata"]["name"] for crd in crds}
    assert names == {kind.name for kind in KINDS}
    for crd in crds:
        assert crd["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
        source = repo.ROOT / "crds" / f"{crd['spec']['names']['plural']}.yaml"
        assert crd["spec"] == yaml.safe_load(source.read_text())["spec"]


def test_the_crds_can_be_left_to_somebody_else(render: Render) -> None:
    assert of_kind(render("crds.enabled=false"), "CustomResourceDefinition") == []


@pytest.mark.parametrize(
    "value",
    [
        "replicas=-1",
        "replicsa=3",
        "shards=0",
        "log.level=verbose",
        "image.digest=latest",
        "image.tag=",
        "image.pullPolicy=Sometimes",
        "crds.keep=false",
        "image.repository=UPPER",
        "webhook.enabled=maybe",
        "webhook.port=1",
        "terminationGracePeriodSeconds=0",
        "tolerations[0].effect=NoWay",
        "contentNamespaces=team-a",
        "contentNamespaces={*}",
        "contentNamespaces={team-a,team-a}",
        "rollouts.prometheusAddresses[0]=http://me:secret@prometheus",
    ],
)
def test_a_value_that_cannot_be_meant_is_refused(render: Render, value: str) -> None:
    with pytest.raises(repo.CheckError, match="values don't meet the specifications"):
        render(value)


def test_no_prometheus_may_be_asked_unless_the_chart_names_it(render: Render) -> None:
    def given(*values: str) -> list[Body]:
        (container,) = deployment(render(*values))["spec"]["template"]["spec"]["containers"]
        return [each for each in container["env"] if each["name"].endswith("_ADDRESSES")]

    some = [f"rollouts.prometheusAddresses[{n}]=http://p{n}:9090" for n in range(2)]

    assert given() == []
    assert [each["value"] for each in given(*some)] == ["http://p0:9090,http://p1:9090"]


def test_every_value_is_explained() -> None:
    lines = (repo.ROOT / repo.CHART / "values.yaml").read_text().splitlines()
    values = [
        n for n, line in enumerate(lines) if ":" in line and not line.lstrip().startswith("#")
    ]
    groups = {n for n in values if lines[n].endswith(":")}

    unexplained = [lines[n] for n in values if n not in groups and "#" not in lines[n - 1]]

    assert len(values) > 15
    assert unexplained == []


def test_the_plain_manifests_are_the_chart_without_helm(defaults: list[Body]) -> None:
    installed = loaded((repo.ROOT / repo.MANIFESTS / "install.yaml").read_text())

    assert installed[0]["kind"] == "Namespace"
    assert {b["kind"] for b in installed} == {b["kind"] for b in defaults} | {"Namespace"}
    assert (
        deployment(installed)["spec"]["template"]["spec"]
        == (deployment(defaults)["spec"]["template"]["spec"])
    )
    assert "helm" not in dump(installed[1:]).removeprefix(dump([])).lower()


def test_the_kustomize_base_lists_every_file_beside_it(defaults: list[Body]) -> None:
    files = manifest_files(defaults)
    base = {path.name for path in files if path.parent.name == "base"}
    text = next(text for path, text in files.items() if path.name == "kustomization.yaml")

    assert {*yaml.safe_load(text)["resources"]} == base - {"kustomization.yaml"}


def test_names_of_digits_alone_stay_texts() -> None:
    texts = ["priorityClassName=73077", "tracing.headersSecret=73088", "imagePullSecrets[0]=73099"]
    texts += ["tracing.endpoint=http://collector:4318", "dashboards.namespace=73066"]
    options = [f"--set-string={text}" for text in texts] + ["--set=dashboards.enabled=true"]
    helm = [repo.binary("helm"), "template", "73123", str(repo.ROOT / repo.CHART)]

    bodies = loaded(repo.run([*helm, "--namespace=73456", *options]))

    numbers = {number for body in bodies for number in numbers_in(body)}
    assert numbers.isdisjoint({73123, 73456, 73066, 73077, 73088, 73099})


def numbers_in(value: Any) -> Iterator[int]:
    """Every whole number somewhere below a value."""
    below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for each in below:
        if isinstance(each, int):
            yield each
        yield from numbers_in(each)
