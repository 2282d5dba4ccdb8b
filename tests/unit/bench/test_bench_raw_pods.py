"""Pods of the raw limit are those of the engine, but for what makes them its own."""

from __future__ import annotations

from bench import raw_pods
from bench.argo_flavour import ArgoFlavour
from bench.flavour import Item
from bench.spectra_flavour import SpectraFlavour
from builders.benchmarks import a_pod
from spectra_operator.api import constants as c
from spectra_operator.kube.resources import Body


def stored() -> Body:
    pod = a_pod(phase="Succeeded", held=False)
    pod["metadata"] |= {"uid": "u", "resourceVersion": "7", "managedFields": [{}]}
    pod["metadata"]["labels"][c.LABEL_RECORDED] = "true"
    pod["metadata"]["ownerReferences"] = [{"kind": "Phase", "name": "p", "uid": "v"}]
    pod["spec"]["nodeName"] = "kwok-node-1"
    return pod


def test_what_the_server_wrote_is_left_out() -> None:
    template = raw_pods.a_template(stored())

    assert "status" not in template
    assert "nodeName" not in template["spec"]
    assert not {"uid", "resourceVersion", "managedFields"} & set(template["metadata"])


def test_spec_owner_and_finalizer_are_those_of_the_engines_pod() -> None:
    template = raw_pods.a_template(stored())

    assert template["spec"]["containers"] == stored()["spec"]["containers"]
    assert template["metadata"]["finalizers"] == [c.RESULT_FINALIZER]
    assert template["metadata"]["ownerReferences"][0]["kind"] == "Phase"


def test_no_operator_takes_a_copy_for_its_own() -> None:
    copy = raw_pods.numbered(raw_pods.a_template(stored()), "before", 3)

    assert SpectraFlavour().item_of(copy) is None
    labels = copy["metadata"]["labels"]
    assert labels[c.MANAGED_BY] != c.MANAGER
    assert len(labels[c.MANAGED_BY]) == len(c.MANAGER)
    assert c.LABEL_RECORDED not in labels


def test_no_other_engine_takes_a_copy_of_its_pod_for_its_own() -> None:
    pod = a_pod()
    pod["metadata"]["labels"] = {"workflows.argoproj.io/completed": "false"}
    pod["metadata"]["annotations"] = {"workflows.argoproj.io/node-name": "flow.only-t3"}
    assert ArgoFlavour().item_of(pod) is not None

    template = raw_pods.a_template(pod)

    assert ArgoFlavour().item_of(template) is None
    keys = [*template["metadata"]["labels"], *template["metadata"]["annotations"]]
    assert not [key for key in keys if "argoproj" in key]
    assert "workflows.rawpods.org/completed" in keys


def test_copies_have_names_of_their_own_and_the_label_of_their_run() -> None:
    template = raw_pods.a_template(stored())
    copies = [raw_pods.numbered(template, "before", number) for number in range(3)]

    assert [copy["metadata"]["name"] for copy in copies] == [
        "raw-before-00000",
        "raw-before-00001",
        "raw-before-00002",
    ]
    assert raw_pods.item_of(copies[1]) == Item("before", "raw", "raw-before-00001")
    assert template["metadata"]["name"] == "flow-a"


def test_the_engines_own_pods_are_none_of_the_raw_limit() -> None:
    assert raw_pods.item_of(stored()) is None
