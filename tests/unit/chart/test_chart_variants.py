"""What holds whatever the values are: the chart with its defaults and with every file in `ci`."""

from __future__ import annotations

import pytest

from builders.charts import Body, Render, of_kind, pod_specs, pod_template, restricted_violations
from checks import kinds
from checks import repository as repo

CLUSTER_WIDE = (
    "ClusterRole",
    "ClusterRoleBinding",
    "CustomResourceDefinition",
    "FlowSchema",
    "PriorityLevelConfiguration",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "ValidatingWebhookConfiguration",
)


def test_every_pod_is_restricted_and_bounded(variant: list[Body]) -> None:
    for name, spec in pod_specs(variant).items():
        assert restricted_violations(spec) == [], name
        for container in spec["containers"]:
            assert container["securityContext"]["readOnlyRootFilesystem"] is True, name
            assert container["resources"]["limits"]["memory"], name


def test_every_pod_uses_the_same_image_and_account(variant: list[Body]) -> None:
    specs = pod_specs(variant).values()
    assert len({spec["containers"][0]["image"] for spec in specs}) == 1
    assert {spec["serviceAccountName"] for spec in specs} == {"spectra-operator"}


def test_every_object_says_whose_it_is_and_where(variant: list[Body]) -> None:
    for body in variant:
        meta = body["metadata"]
        assert meta["labels"]["app.kubernetes.io/instance"] == repo.RELEASE
        assert meta["labels"]["app.kubernetes.io/part-of"] == "spectra"
        assert ("namespace" in meta) == (body["kind"] not in CLUSTER_WIDE), meta["name"]


def test_no_object_is_made_twice(variant: list[Body]) -> None:
    keys = [
        (b["apiVersion"], b["kind"], b["metadata"].get("namespace"), b["metadata"]["name"])
        for b in variant
    ]
    assert len(keys) == len(set(keys))


def test_only_the_operators_pods_are_selected_as_such(variant: list[Body]) -> None:
    for service in of_kind(variant, "Service"):
        selector = service["spec"]["selector"].items()
        for body in variant:
            if body["kind"] in ("Deployment", "Job", "Pod"):
                labels = pod_template(body)["metadata"]["labels"].items()
                assert (selector <= labels) == (body["kind"] == "Deployment")


def test_labels_of_the_user_are_on_every_object_and_pod(render_with: Render) -> None:
    bodies = render_with(f"--values={repo.ROOT / repo.CHART}/ci/locked-down.yaml")

    for body in bodies:
        assert body["metadata"]["labels"]["team"] == "platform", body["metadata"]["name"]
    for body in bodies:
        if body["kind"] in ("Deployment", "Job", "Pod"):
            assert pod_template(body)["metadata"]["labels"]["example.com/cost-centre"] == "4711"


def test_a_label_that_is_common_and_of_pods_is_written_once(render: Render) -> None:
    bodies = render("commonLabels.team=a", "podLabels.team=b", "crds.enabled=false")
    (deployment,) = of_kind(bodies, "Deployment")
    assert pod_template(deployment)["metadata"]["labels"]["team"] == "a"


def test_pull_secrets_priority_and_placement_hold_for_every_pod(render_with: Render) -> None:
    options = (
        "--set=crds.enabled=false,imagePullSecrets={registry},priorityClassName=high",
        "--set=nodeSelector.disk=ssd,tolerations[0].operator=Exists",
    )
    for spec in pod_specs(render_with(*options)).values():
        assert spec["imagePullSecrets"] == [{"name": "registry"}]
        assert spec["priorityClassName"] == "high"
        assert spec["nodeSelector"] == {"disk": "ssd"}
        assert spec["tolerations"] == [{"operator": "Exists"}]


def spread(bodies: list[Body]) -> list[Body]:
    (deployment,) = of_kind(bodies, "Deployment")
    found: list[Body] = pod_template(deployment)["spec"]["topologySpreadConstraints"]
    return found


def test_replicas_are_spread_over_nodes_and_zones_where_there_is_room(
    defaults: list[Body],
) -> None:
    keys = {one["topologyKey"]: one["whenUnsatisfiable"] for one in spread(defaults)}
    assert keys == dict.fromkeys(
        ("kubernetes.io/hostname", "topology.kubernetes.io/zone"), "ScheduleAnyway"
    )


def test_a_constraint_of_the_user_is_about_the_operators_pods(render_with: Render) -> None:
    bodies = render_with(f"--values={repo.ROOT / repo.CHART}/ci/ha.yaml")
    (deployment,) = of_kind(bodies, "Deployment")
    labels = pod_template(deployment)["metadata"]["labels"]

    for one in spread(bodies):
        assert one["labelSelector"]["matchLabels"].items() <= labels.items()
    assert spread(bodies)[0]["whenUnsatisfiable"] == "DoNotSchedule"


@pytest.mark.parametrize(("values", "budgets"), [("replicas=3", 1), ("replicas=1", 0)])
def test_a_budget_can_be_left_out(render: Render, values: str, budgets: int) -> None:
    bodies = render(values, "crds.enabled=false")
    off = render(values, "crds.enabled=false", "podDisruptionBudget.enabled=false")

    assert len(of_kind(bodies, "PodDisruptionBudget")) == budgets
    assert of_kind(off, "PodDisruptionBudget") == []


def test_every_file_of_values_is_checked_against_the_schemas_of_kubernetes() -> None:
    files = {f.name for f in (repo.ROOT / repo.CHART / "ci").glob("*.yaml")}
    assert {name.removeprefix("chart with ") for name in kinds.chart_variants()} == files | {
        "chart"
    }
