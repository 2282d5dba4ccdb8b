"""Priority and fairness: which of the API server's levels the operator's requests stand in."""

from __future__ import annotations

import pytest

from builders.charts import Body, Render, of_kind, the
from checks import repository as repo

OWN = f"{repo.NAMESPACE}.spectra-operator"
SUBJECTS = [
    {
        "kind": "ServiceAccount",
        "serviceAccount": {"namespace": repo.NAMESPACE, "name": "spectra-operator"},
    }
]
SERVICE_ACCOUNTS, LEADERS = 9000, 200
"""Precedence of the API server's own schemas: for all service accounts, and for leader election."""


def level(bodies: list[Body]) -> Body:
    (found,) = of_kind(bodies, "PriorityLevelConfiguration")
    return found


def schema(bodies: list[Body], name: str) -> Body:
    found: Body = the(bodies, "FlowSchema", name)["spec"]
    return found


def test_the_operators_requests_have_a_level_of_their_own(defaults: list[Body]) -> None:
    work = schema(defaults, OWN)

    assert work["priorityLevelConfiguration"]["name"] == level(defaults)["metadata"]["name"] == OWN
    (rule,) = work["rules"]
    assert rule["subjects"] == SUBJECTS
    (resources,) = rule["resourceRules"]
    everything = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"]}
    assert resources == everything | {"clusterScope": True}


def test_what_is_too_much_waits_and_is_not_refused(defaults: list[Body]) -> None:
    spec = level(defaults)["spec"]
    assert spec["type"] == "Limited"
    assert spec["limited"]["limitResponse"]["type"] == "Queue"


def test_a_busy_namespace_waits_for_itself(defaults: list[Body]) -> None:
    assert schema(defaults, OWN)["distinguisherMethod"] == {"type": "ByNamespace"}


def test_the_leases_of_shards_wait_for_no_work(defaults: list[Body]) -> None:
    leases = schema(defaults, f"{OWN}-leases")

    assert leases["priorityLevelConfiguration"]["name"] == "leader-election"
    (rule,) = leases["rules"]
    assert rule["subjects"] == SUBJECTS
    (resources,) = rule["resourceRules"]
    group, here = "coordination.k8s.io", repo.NAMESPACE
    leases_here = {"apiGroups": [group], "resources": ["leases"], "namespaces": [here]}
    assert resources == leases_here | {"verbs": ["*"]}


def test_leases_are_matched_first_and_both_before_all_service_accounts(
    defaults: list[Body],
) -> None:
    leases, work = (schema(defaults, name) for name in (f"{OWN}-leases", OWN))
    order = [LEADERS, leases["matchingPrecedence"], work["matchingPrecedence"], SERVICE_ACCOUNTS]
    assert order == sorted(order)
    assert len(set(order)) == len(order)


def test_the_share_is_a_value(render: Render) -> None:
    given = {"nominalConcurrencyShares": 80, "lendablePercent": 0, "borrowingLimitPercent": 10}
    values = [f"flowControl.{name}={number}" for name, number in given.items()]

    assert given.items() <= level(render(*values))["spec"]["limited"].items()


def test_it_can_be_left_to_somebody_else(render: Render) -> None:
    bodies = render("flowControl.enabled=false")
    assert of_kind(bodies, "FlowSchema") == of_kind(bodies, "PriorityLevelConfiguration") == []


def test_two_releases_have_schemas_of_their_own(render_with: Render) -> None:
    names = {
        body["metadata"]["name"]
        for namespace in ("one", "two")
        for body in render_with(f"--namespace={namespace}")
        if body["kind"] in ("FlowSchema", "PriorityLevelConfiguration")
    }
    own = {"one.spectra-operator", "two.spectra-operator"}
    assert names == own | {f"{name}-leases" for name in own}


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ("flowControl.nominalConcurrencyShares=0", "/flowControl/nominalConcurrencyShares"),
        ("flowControl.lendablePercent=101", "/flowControl/lendablePercent"),
        ("flowControl.borrowingLimitPercent=-1", "/flowControl/borrowingLimitPercent"),
        ("flowControl.shares=5", "flowControl"),
    ],
)
def test_a_share_that_cannot_be_meant_is_refused(render: Render, value: str, named: str) -> None:
    with pytest.raises(repo.CheckError, match="values don't meet the specifications") as refused:
        render(value)
    assert named in str(refused.value)
