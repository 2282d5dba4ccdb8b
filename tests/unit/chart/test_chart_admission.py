"""The webhook and the admission policies: whom they ask, and what if nobody answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from checks import repository as repo
from spectra_operator.api.constants import (
    ANNOTATION_CHANGED,
    ANNOTATION_CHANGED_BY,
    ANNOTATION_REASON,
)
from spectra_operator.api.crds import FIXED_BY_POLICY, KINDS
from spectra_operator.api.rules import refused_change
from spectra_operator.config import Config
from spectra_operator.handlers.admission import REVIEWED
from spectra_operator.handlers.webhook_certificate import WebhookPlace

Body = dict[str, Any]
Render = Callable[..., list[Body]]

PLACE = WebhookPlace(repo.NAMESPACE, "spectra-operator-webhook")
USER = f"system:serviceaccount:{repo.NAMESPACE}:spectra-operator"


def of_kind(bodies: list[Body], kind: str) -> dict[str, Body]:
    return {b["metadata"]["name"]: b for b in bodies if b["kind"] == kind}


def webhooks(bodies: list[Body]) -> list[Body]:
    found: list[Body] = of_kind(bodies, "ValidatingWebhookConfiguration")[PLACE.configuration][
        "webhooks"
    ]
    return found


def test_every_kind_that_the_operator_reviews_has_a_webhook_at_its_path(
    defaults: list[Body],
) -> None:
    paths = {hook["clientConfig"]["service"]["path"] for hook in webhooks(defaults)}
    resources = {hook["rules"][0]["resources"][0] for hook in webhooks(defaults)}

    assert paths == {f"/{plural}" for plural in REVIEWED}
    assert resources == set(REVIEWED)


def test_where_the_webhook_cannot_be_reached_objects_are_let_in_soon(
    defaults: list[Body],
) -> None:
    for hook in webhooks(defaults):
        assert (hook["failurePolicy"], hook["timeoutSeconds"]) == ("Ignore", 5)
        assert hook["sideEffects"] == "None"


def test_what_the_operator_makes_never_waits_for_the_webhook(defaults: list[Body]) -> None:
    for hook in webhooks(defaults):
        (condition,) = hook["matchConditions"]
        assert condition["expression"] == f"request.userInfo.username != '{USER}'"


def test_only_kinds_whose_spec_may_change_are_looked_at_again(defaults: list[Body]) -> None:
    operations = {
        h["rules"][0]["resources"][0]: h["rules"][0]["operations"] for h in webhooks(defaults)
    }

    assert operations["workflows"] == operations["phases"] == ["CREATE"]
    for plural in ("agents", "schedules", "workflowtemplates"):
        assert operations[plural] == ["CREATE", "UPDATE"]


def test_the_service_leads_to_the_port_of_the_operator(defaults: list[Body]) -> None:
    service = of_kind(defaults, "Service")[PLACE.service]
    (deployment,) = of_kind(defaults, "Deployment").values()
    pod = deployment["spec"]["template"]

    (port,) = service["spec"]["ports"]
    assert (port["port"], port["targetPort"]) == (443, "webhook")
    assert service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
    ports = {p["name"]: p["containerPort"] for p in pod["spec"]["containers"][0]["ports"]}
    assert ports["webhook"] == Config().webhook_port


def test_the_names_in_the_chart_are_those_that_the_operator_looks_for(
    defaults: list[Body],
) -> None:
    assert PLACE.service in of_kind(defaults, "Secret")
    for hook in webhooks(defaults):
        service = hook["clientConfig"]["service"]
        assert f"{service['name']}.{service['namespace']}.svc" == PLACE.host


def test_the_certificate_is_kept_in_memory_alone(defaults: list[Body]) -> None:
    (deployment,) = of_kind(defaults, "Deployment").values()
    volumes = {v["name"]: v for v in deployment["spec"]["template"]["spec"]["volumes"]}

    assert volumes["certificate"]["emptyDir"]["medium"] == "Memory"
    assert "data" not in of_kind(defaults, "Secret")[PLACE.service]


def test_the_webhook_can_be_left_out_and_the_policies_stay(render: Render) -> None:
    bodies = render("webhook.enabled=false")

    services = [f"spectra-operator-{name}" for name in ("workers", "metrics")]
    assert list(of_kind(bodies, "Service")) == services
    for kind in ("Secret", "ValidatingWebhookConfiguration"):
        assert of_kind(bodies, kind) == {}
    assert len(of_kind(bodies, "ValidatingAdmissionPolicy")) == 7
    (deployment,) = of_kind(bodies, "Deployment").values()
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    assert not [e for e in container["env"] if "WEBHOOK" in e["name"]]
    assert [mount["name"] for mount in container["volumeMounts"]] == ["log"]


def test_who_asks_is_proven_or_refused(defaults: list[Body]) -> None:
    policy = of_kind(defaults, "ValidatingAdmissionPolicy")["spectra-system.spectra-operator-actor"]

    assert policy["spec"]["failurePolicy"] == "Fail"
    (rule,) = policy["spec"]["validations"]
    assert rule["expression"] == "object.spec.actor == request.userInfo.username"
    (match,) = policy["spec"]["matchConstraints"]["resourceRules"]
    assert (match["resources"], match["operations"]) == (["actions"], ["CREATE"])


def test_who_signs_a_change_is_proven_or_refused(defaults: list[Body]) -> None:
    name = "spectra-system.spectra-operator-changed-by"
    policy = of_kind(defaults, "ValidatingAdmissionPolicy")[name]

    assert policy["spec"]["failurePolicy"] == "Fail"
    (rule,) = policy["spec"]["validations"]
    for annotation in (ANNOTATION_CHANGED_BY, ANNOTATION_CHANGED, ANNOTATION_REASON):
        assert f"'{annotation}'" in rule["expression"]
    (match,) = policy["spec"]["matchConstraints"]["resourceRules"]
    assert (match["resources"], match["operations"]) == (["workflows", "phases"], ["UPDATE"])


@pytest.mark.parametrize("plural", FIXED_BY_POLICY)
def test_what_never_changes_is_kept_by_a_policy(defaults: list[Body], plural: str) -> None:
    name = f"spectra-system.spectra-operator-fixed-{plural}"
    policy = of_kind(defaults, "ValidatingAdmissionPolicy")[name]

    assert policy["spec"]["failurePolicy"] == "Fail"
    (match,) = policy["spec"]["matchConstraints"]["resourceRules"]
    assert (match["resources"], match["operations"]) == ([plural], ["UPDATE"])
    (condition,) = policy["spec"]["matchConditions"]
    generation = "object.metadata.generation != oldObject.metadata.generation"
    assert condition["expression"] == generation, "labels and finalizers cost nothing"
    rules = policy["spec"]["validations"]
    for rule, field in zip(rules, FIXED_BY_POLICY[plural], strict=True):
        before, after = f"oldObject.spec.{field}", f"object.spec.{field}"
        assert rule["expression"] == (
            f"has({after}) == has({before}) && (!has({after}) || {after} == {before})"
        )
        assert rule["message"] == f"spec.{refused_change(field, plural.removesuffix('s'))}"


def test_every_policy_is_bound_and_denies(defaults: list[Body]) -> None:
    bindings = of_kind(defaults, "ValidatingAdmissionPolicyBinding").values()

    assert {b["spec"]["policyName"] for b in bindings} == set(
        of_kind(defaults, "ValidatingAdmissionPolicy")
    )
    for binding in bindings:
        assert binding["spec"]["validationActions"] == ["Deny"]
        assert "matchResources" not in binding["spec"]


def test_policies_are_for_kinds_that_there_are(defaults: list[Body]) -> None:
    plurals = {kind.plural for kind in KINDS} | {"leases"}
    for policy in of_kind(defaults, "ValidatingAdmissionPolicy").values():
        for rule in policy["spec"]["matchConstraints"]["resourceRules"]:
            assert set(rule["resources"]) <= plurals


@pytest.mark.parametrize("kind", ["ValidatingWebhookConfiguration", "ValidatingAdmissionPolicy"])
def test_two_releases_share_no_name_that_is_not_in_a_namespace(
    defaults: list[Body], kind: str
) -> None:
    for name in of_kind(defaults, kind):
        assert name.startswith(f"{repo.NAMESPACE}.")
