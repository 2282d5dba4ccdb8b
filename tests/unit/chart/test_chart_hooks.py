"""What Helm does before an uninstall and for `helm test`."""

from __future__ import annotations

import argparse

import pytest

from builders.charts import Body, Render, of_kind, pod_specs, the
from checks.generated import is_hook
from spectra_operator.commands import parser

NAME = "spectra-operator-uninstall"


@pytest.fixture
def hooks(render_with: Render) -> list[Body]:
    return [body for body in render_with("--set=crds.enabled=false") if is_hook(body)]


def annotation(body: Body, name: str) -> str:
    return str(body["metadata"]["annotations"][f"helm.sh/{name}"])


def understood(arguments: list[str]) -> argparse.Namespace:
    return parser().parse_args(arguments)


def test_before_an_uninstall_the_operator_is_stopped_and_pods_are_let_go(
    hooks: list[Body],
) -> None:
    job = the(hooks, "Job", NAME)
    (container,) = job["spec"]["template"]["spec"]["containers"]

    found = understood(container["args"])
    assert (found.command, found.stop) == ("release", "spectra-operator")
    assert annotation(job, "hook") == "pre-delete"
    assert job["spec"]["template"]["spec"]["restartPolicy"] == "Never"


def test_its_rights_are_there_before_it_and_go_with_it(hooks: list[Body]) -> None:
    found = [body for body in hooks if annotation(body, "hook") == "pre-delete"]
    order = sorted(found, key=lambda body: int(annotation(body, "hook-weight")))

    assert [body["kind"] for body in order] == ["Role", "RoleBinding", "Job"]
    for body in found:
        policy = annotation(body, "hook-delete-policy").split(",")
        assert policy == ["before-hook-creation", "hook-succeeded"]


def test_the_uninstall_ends_in_time_and_tries_again(render_with: Render) -> None:
    job = the(render_with("--set=crds.enabled=false,uninstall.timeoutSeconds=90"), "Job", NAME)

    assert job["spec"]["activeDeadlineSeconds"] == 90
    assert job["spec"]["backoffLimit"] > 0


def test_the_uninstall_can_be_left_to_hands(render_with: Render) -> None:
    bodies = render_with("--set=crds.enabled=false,uninstall.release=false")
    assert {annotation(body, "hook") for body in bodies if is_hook(body)} == {"test"}


def test_helm_test_asks_a_replica_for_readiness(hooks: list[Body]) -> None:
    pod = the(hooks, "Pod", "spectra-operator-test")
    (container,) = pod["spec"]["containers"]

    found = understood(container["args"])
    assert found.command == "check"
    assert found.url == "http://spectra-operator-metrics.spectra-system.svc:8080/readyz"
    assert annotation(pod, "hook") == "test"


def test_hooks_serve_the_same_namespaces_and_shards_as_the_operator(render_with: Render) -> None:
    bodies = render_with("--set=crds.enabled=false,shards=2,watchNamespaces={a,b}")
    for name, spec in pod_specs([b for b in bodies if is_hook(b)]).items():
        env = {e["name"]: e.get("value") for e in spec["containers"][0]["env"]}
        assert env["SPECTRA_OPERATOR_SHARDS"] == "2", name
        assert env["SPECTRA_OPERATOR_WATCH_NAMESPACES"] == "a,b", name


def test_hooks_are_no_part_of_the_plain_manifests(hooks: list[Body]) -> None:
    assert {body["kind"] for body in of_kind(hooks, "Job") + of_kind(hooks, "Pod")} == {
        "Job",
        "Pod",
    }
    assert all(
        body["metadata"]["labels"]["app.kubernetes.io/name"].endswith("-hook") for body in hooks
    )
