"""The kustomize overlays against the chart: both must make the same objects."""

from __future__ import annotations

import re

import pytest

from builders.charts import Body, of_kind, the
from checks import generated, overlays
from checks import repository as repo

CHART = repo.ROOT / repo.CHART


def kustomized(folder: str) -> list[Body]:
    path = str(repo.ROOT / repo.MANIFESTS / folder)
    return generated.loaded(repo.run([repo.binary("kubectl"), "kustomize", path]))


def by_key(bodies: list[Body]) -> dict[overlays.Key, Body]:
    return {overlays.key_of(body): body for body in bodies}


def without_crds(bodies: list[Body]) -> list[Body]:
    return [body for body in bodies if body["kind"] != "CustomResourceDefinition"]


@pytest.mark.parametrize("name", overlays.OVERLAYS)
def test_an_overlay_makes_what_the_chart_makes_with_its_values(name: str) -> None:
    chart = generated.plain_objects(generated.rendered(CHART, "manifests", name))
    made = [body for body in kustomized(f"overlays/{name}") if body["kind"] != "Namespace"]

    assert by_key(without_crds(made)) == by_key(without_crds(chart))
    assert len(of_kind(made, "CustomResourceDefinition")) == len(
        of_kind(chart, "CustomResourceDefinition")
    )


def test_a_namespaced_installation_has_rights_over_all_namespaces_only_where_it_must() -> None:
    made = kustomized("overlays/namespaced")

    (role,) = of_kind(made, "ClusterRole")
    granted = {resource for rule in role["rules"] for resource in rule["resources"]}
    assert granted == {"tokenreviews", "validatingwebhookconfigurations"}


def an_object(name: str, **fields: object) -> Body:
    return {"apiVersion": "v1", "kind": "Thing", "metadata": {"name": name}} | fields


def test_an_overlay_holds_what_is_new_what_is_other_and_what_is_gone() -> None:
    same, old, gone = an_object("same"), an_object("other"), an_object("gone", data=1)
    new, changed = an_object("new"), an_object("other", data=2)

    found = overlays.overlay([same, old, gone], [same, changed, new])

    assert found["resources"] == [new]
    assert found["patches"] == [changed, {"$patch": "delete"} | an_object("gone")]
    (kustomization,) = found["kustomization"]
    assert kustomization["resources"] == ["../../base", "resources.yaml"]
    assert kustomization["patches"] == [{"path": "patches.yaml"}]


def test_an_overlay_that_changes_nothing_is_the_base() -> None:
    assert set(overlays.overlay([an_object("a")], [an_object("a")])) == {"kustomization"}


def test_the_agents_policy_names_no_namespace_and_can_be_applied_in_any() -> None:
    path = repo.ROOT / repo.MANIFESTS / "agents" / "networkpolicy.yaml"
    (policy,) = generated.loaded(path.read_text())

    assert "namespace" not in policy["metadata"]
    assert the([policy], "NetworkPolicy", policy["metadata"]["name"]) == policy


def test_what_is_deleted_by_its_label_is_all_that_is_installed_but_definitions() -> None:
    page = (repo.ROOT / repo.DOCS / "install.md").read_text()
    labels = {f"app.kubernetes.io/{part}" for part in ("part-of", "instance")}
    chosen = ",".join(f"{label}=spectra" for label in sorted(labels, reverse=True))
    lists = re.findall(rf"^\$ kubectl delete (?:-n \S+ )?(\S+) -l {chosen}$", page, re.M)
    installed = generated.loaded((repo.ROOT / repo.MANIFESTS / "install.yaml").read_text())
    wanted = [b for b in without_crds(installed) if b["kind"] != "Namespace"]

    assert len(lists) == 2
    assert {kind for each in lists for kind in each.split(",")} == {
        body["kind"].lower() for body in wanted
    }
    assert all(body["metadata"]["labels"][each] == "spectra" for body in wanted for each in labels)
