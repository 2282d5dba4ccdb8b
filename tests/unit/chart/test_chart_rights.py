"""The rights of the operator against its own code: nothing granted in vain, nothing missing."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from checks import repository as repo
from checks.generated import is_hook
from spectra_operator.engine.leases import REPLICA_PREFIX, SHARD_PREFIX

Body = dict[str, Any]
Render = Callable[..., list[Body]]
Right = tuple[str, str, str]
"""API group, resource, verb."""

METHODS = {
    "get", "list", "list_metadata", "watch", "create", "patch", "replace", "delete",
    "delete_as_read",
}  # fmt: skip
OURS = ("agents", "phases", "workflows", "schedules", "actions", "workflowtemplates")


def rights(group: str, resources: str, verbs: str) -> set[Right]:
    return {(group, r, verb) for r in resources.split() for verb in verbs.split()}


def ours(verbs: str, resources: str = " ".join(OURS)) -> set[Right]:
    return rights("spectra.dev", resources, verbs)


def claims(verb: str) -> set[Right]:
    return rights("", "persistentvolumeclaims", verb)


def leases(verb: str) -> set[Right]:
    return rights("coordination.k8s.io", "leases", verb)


STATUSES = "agents/status phases/status schedules/status workflows/status workflowtemplates/status"
OF_BEFORE = ours("patch", STATUSES)
"""What 0.1.0 calls, which runs on while an upgrade rolls."""

CALLS: dict[tuple[str, str, str], set[Right]] = {
    ("engine/clean_up.py", "delete_as_read", "WORKFLOWS"): ours("delete", "workflows"),
    ("engine/clean_up.py", "delete_as_read", "resource"): ours("delete", "phases workflows")
    | rights("", "pods", "delete"),
    ("engine/clean_up.py", "get", "SCHEDULES"): ours("get", "schedules"),
    ("engine/clean_up.py", "get", "resource"): ours("get", "phases workflows")
    | rights("", "pods", "get"),
    ("engine/clean_up.py", "list_metadata", "WORKFLOWS"): ours("list", "workflows"),
    ("engine/engine.py", "list", "resource"): ours("list"),
    ("engine/executor.py", "create", "WORKFLOWS"): ours("create", "workflows"),
    ("engine/executor.py", "delete", "WORKFLOWS"): ours("delete", "workflows"),
    ("engine/executor.py", "get", "WORKFLOWS"): ours("get", "workflows"),
    ("engine/history.py", "list_metadata", "resource"): ours("list", "phases workflows")
    | rights("", "pods", "list"),
    ("engine/revision_errands.py", "create", "CONTROLLER_REVISIONS"): rights(
        "apps", "controllerrevisions", "create"
    ),
    ("engine/executor.py", "create", "EVENTS"): rights("", "events", "create"),
    ("engine/executor.py", "create", "PHASES"): ours("create", "phases"),
    ("engine/executor.py", "create", "PODS"): rights("", "pods", "create"),
    ("engine/revision_errands.py", "delete", "CONTROLLER_REVISIONS"): rights(
        "apps", "controllerrevisions", "delete"
    ),
    ("engine/executor.py", "delete", "PODS"): rights("", "pods", "delete"),
    ("engine/revision_errands.py", "get", "CONTROLLER_REVISIONS"): rights(
        "apps", "controllerrevisions", "get"
    ),
    ("engine/executor.py", "get", "PHASES"): ours("get", "phases"),
    ("engine/executor.py", "get", "PODS"): rights("", "pods", "get"),
    ("engine/executor.py", "get", "RESOURCES[key.kind]"): ours("get"),
    ("engine/served.py", "get", "resource"): ours("get"),
    ("engine/revision_errands.py", "list", "CONTROLLER_REVISIONS"): rights(
        "apps", "controllerrevisions", "list"
    ),
    ("engine/executor.py", "patch", "EVENTS"): rights("", "events", "patch"),
    ("engine/executor.py", "patch", "PODS"): rights("", "pods", "patch"),
    # The label of finished objects, which an Agent or a Schedule never becomes.
    ("engine/executor.py", "patch", "RESOURCES[key.kind]"): ours("patch", "phases workflows"),
    ("engine/executor.py", "replace", "RESOURCES[key.kind]/status"): ours("update", STATUSES),
    ("engine/replays.py", "create", "PHASES"): ours("create", "phases"),
    ("engine/replays.py", "get", "PHASES"): ours("get", "phases"),
    ("engine/replays.py", "list_metadata", "PHASES"): ours("list", "phases"),
    ("engine/errands.py", "create", "CONTROLLER_REVISIONS"): rights(
        "apps", "controllerrevisions", "create"
    ),
    ("engine/errands.py", "create", "PERSISTENT_VOLUME_CLAIMS"): claims("create"),
    ("engine/errands.py", "delete", "PERSISTENT_VOLUME_CLAIMS"): claims("delete"),
    ("engine/errands.py", "delete", "PHASES"): ours("delete", "phases"),
    ("engine/errands.py", "get", "CONTROLLER_REVISIONS"): rights(
        "apps", "controllerrevisions", "get"
    ),
    ("engine/errands.py", "get", "PERSISTENT_VOLUME_CLAIMS"): claims("get"),
    ("engine/errands.py", "get", "RESOURCES[target.kind]"): ours("get", "phases workflows"),
    ("engine/errands.py", "list", "PHASES"): ours("list", "phases"),
    ("engine/errands.py", "list", "PODS"): rights("", "pods", "list"),
    ("engine/errands.py", "patch", "PODS"): rights("", "pods", "patch"),
    ("engine/errands.py", "patch", "ACTIONS"): ours("patch", "actions"),
    ("engine/errands.py", "patch", "ACTIONS/status"): ours("patch", "actions/status"),
    ("engine/errands.py", "patch", "PHASES"): ours("patch", "phases"),
    ("engine/errands.py", "patch", "RESOURCES[target.kind]"): ours("patch", "phases workflows"),
    ("dispatch/auth.py", "create", "TOKEN_REVIEWS"): rights(
        "authentication.k8s.io", "tokenreviews", "create"
    ),
    ("engine/page_errands.py", "create", "LEASES"): leases("create"),
    ("engine/page_errands.py", "create", "PODS"): rights("", "pods", "create"),
    ("engine/page_errands.py", "delete", "LEASES"): leases("delete"),
    ("engine/page_errands.py", "delete", "PODS"): rights("", "pods", "delete"),
    ("engine/page_errands.py", "get", "LEASES"): leases("get"),
    ("engine/page_errands.py", "get", "PODS"): rights("", "pods", "get"),
    ("engine/page_errands.py", "patch", "LEASES"): leases("patch"),
    ("engine/page_errands.py", "replace", "LEASES"): leases("update"),
    ("engine/presence.py", "create", "LEASES"): leases("create"),
    ("engine/presence.py", "delete", "LEASES"): leases("delete"),
    ("engine/presence.py", "patch", "LEASES"): leases("patch"),
    ("engine/release.py", "get", "resource"): rights("", "pods", "get") | leases("get"),
    ("engine/release.py", "list", "LEASES"): leases("list"),
    ("engine/release.py", "list", "PODS"): rights("", "pods", "list"),
    ("engine/release.py", "patch", "resource"): rights("", "pods", "patch") | leases("patch"),
    ("engine/release_guard.py", "get", "LEASES"): leases("get"),
    ("engine/release_guard.py", "list", "LEASES"): leases("list"),
    ("engine/sharing.py", "delete_as_read", "LEASES"): leases("delete"),
    ("handlers/webhook_certificate.py", "get", "SECRETS"): rights("", "secrets", "get"),
    ("handlers/webhook_certificate.py", "replace", "SECRETS"): rights("", "secrets", "update"),
    ("handlers/webhook_certificate.py", "get", "VALIDATING_WEBHOOKS"): rights(
        "admissionregistration.k8s.io", "validatingwebhookconfigurations", "get"
    ),
    ("handlers/webhook_certificate.py", "replace", "VALIDATING_WEBHOOKS"): rights(
        "admissionregistration.k8s.io", "validatingwebhookconfigurations", "update"
    ),
    ("kube/informer.py", "list", "self._resource"): rights("", "pods", "list") | leases("list"),
    ("kube/informer.py", "watch", "self._resource"): rights("", "pods", "watch") | leases("watch"),
    ("kube/lease_object.py", "create", "LEASES"): leases("create"),
    ("kube/lease_object.py", "get", "LEASES"): leases("get"),
    ("kube/lease_object.py", "replace", "LEASES"): leases("update"),
    ("kube/lease_watch.py", "watch", "LEASES"): leases("watch"),
}
"""Every call of the client in the operator's code: file, method, first argument."""

HOOK_CALLS: dict[tuple[str, str, str], set[Right]] = {
    ("engine/uninstall.py", "delete", "LEASES"): leases("delete"),
    ("engine/uninstall.py", "list", "LEASES"): leases("list"),
    ("engine/uninstall.py", "list", "PODS"): rights("", "pods", "list"),
    ("engine/uninstall.py", "patch", "DEPLOYMENTS/scale"): rights(
        "apps", "deployments/scale", "patch"
    ),
}
"""Calls of the uninstall, for which its hook grants the rights."""

UNGRANTED: dict[tuple[str, str, str], set[Right]] = {
    ("engine/release_guard.py", "get", "NAMESPACES"): rights("", "namespaces", "get"),
}
"""Calls that only who releases one namespace by hand makes, with rights given for that."""

BESIDES = ours("list watch") | ours(
    "update", "agents/finalizers phases/finalizers workflows/finalizers"
)
"""kopf's intake, and blockOwnerDeletion under OwnerReferencesPermissionEnforcement."""


SINGLE = ["get", "watch", "update", "create", "list"]
SHARED = ["get", "list", "watch", "create", "update", "patch", "delete"]


def calls() -> Iterator[tuple[str, str, str]]:
    root = repo.ROOT / "operator" / "spectra_operator"
    for path in sorted(root.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and is_client_call(node):
                yield call_site(path.relative_to(root), node)


def is_client_call(node: ast.Call) -> bool:
    function = node.func
    return (
        isinstance(function, ast.Attribute)
        and function.attr in METHODS
        and ast.unparse(function.value).rpartition(".")[2] in {"client", "_client"}
    )


def call_site(path: Path, node: ast.Call) -> tuple[str, str, str]:
    assert isinstance(node.func, ast.Attribute)
    below = [k.value for k in node.keywords if k.arg == "subresource"]
    suffix = "".join(f"/{ast.literal_eval(value)}" for value in below)
    return path.as_posix(), node.func.attr, ast.unparse(node.args[0]) + suffix


def granted(bodies: list[Body]) -> list[Right]:
    return [
        (group, resource, verb)
        for role in bodies
        if role["kind"] in {"ClusterRole", "Role"}
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    ]


def test_the_table_names_every_call_of_the_operators_code() -> None:
    assert set(calls()) == set(CALLS) | set(HOOK_CALLS) | set(UNGRANTED)


def test_exactly_what_the_code_calls_is_granted(defaults: list[Body]) -> None:
    assert set(granted(defaults)) == (BESIDES | OF_BEFORE).union(*CALLS.values())


def test_the_uninstall_may_do_what_it_calls_and_nothing_else(render_with: Render) -> None:
    hooks = [body for body in render_with() if is_hook(body)]

    assert set(granted(hooks)) == set[Right]().union(*HOOK_CALLS.values())
    (role,) = [body for body in hooks if body["kind"] == "Role"]
    named = {r["resources"][0]: r.get("resourceNames") for r in role["rules"]}
    assert named == {
        "deployments/scale": ["spectra-operator"],
        "pods": None,
        "leases": None,
    }


def test_nothing_is_granted_twice(defaults: list[Body]) -> None:
    found = granted(defaults)
    assert sorted(found) == sorted(set(found))


def test_no_rule_is_a_wildcard_or_lets_the_operator_gain_rights(defaults: list[Body]) -> None:
    words = {word for right in granted(defaults) for word in right}

    assert not words & {"*", "escalate", "bind", "impersonate", "deletecollection"}


def test_the_only_secret_it_may_read_is_that_of_its_own_webhook(defaults: list[Body]) -> None:
    rules = [
        (role["kind"], rule)
        for role in defaults
        if role["kind"] in {"ClusterRole", "Role"}
        for rule in role["rules"]
        if "secrets" in rule["resources"]
    ]

    (found,) = rules
    name = "spectra-operator-webhook"
    rule = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "update"]}
    assert found == ("Role", rule | {"resourceNames": [name]})


def test_the_only_webhooks_it_may_change_are_its_own(defaults: list[Body]) -> None:
    (own,) = [b for b in defaults if b["kind"] == "ValidatingWebhookConfiguration"]
    (rule,) = [
        rule
        for role in defaults
        if role["kind"] == "ClusterRole"
        for rule in role["rules"]
        if "validatingwebhookconfigurations" in rule["resources"]
    ]

    assert rule["resourceNames"] == [own["metadata"]["name"]]


def test_without_the_webhook_nothing_is_granted_for_it(render: Render) -> None:
    found = granted(render("webhook.enabled=false"))

    assert {resource for _, resource, _ in found}.isdisjoint(
        {"secrets", "validatingwebhookconfigurations"}
    )


@pytest.mark.parametrize(("shards", "verbs"), [(1, SINGLE), (4, [*SHARED])])
def test_in_its_own_namespace_it_may_do_no_more_with_leases_than_sharing_needs(
    render: Render, shards: int, verbs: list[str]
) -> None:
    bodies = render("watchNamespaces={team}", f"shards={shards}")
    (own,) = [b for b in bodies if b["kind"] == "Role" and is_own(b)]
    found = [rule for rule in own["rules"] if rule["resources"] == ["leases"]]

    assert sorted(verb for rule in found for verb in rule["verbs"]) == sorted(verbs)
    names = [rule.get("resourceNames") for rule in found]
    assert names == ([["spectra-operator-shard-0"], None] if shards == 1 else [None])


def is_own(role: Body) -> bool:
    return bool(role["metadata"]["namespace"] == repo.NAMESPACE)


def test_the_policy_lets_the_leases_of_shards_and_replicas_through(defaults: list[Body]) -> None:
    policies = [b for b in defaults if b["kind"] == "ValidatingAdmissionPolicy"]
    (policy,) = [p for p in policies if p["metadata"]["name"].endswith("-pages")]
    (ours,) = [v for v in policy["spec"]["variables"] if v["name"] == "ours"]

    for prefix in (SHARD_PREFIX, REPLICA_PREFIX):
        assert f'request.name.startsWith("{prefix}")' in ours["expression"]


def test_what_leases_it_may_write_is_bounded_by_a_policy(defaults: list[Body]) -> None:
    policies = [b for b in defaults if b["kind"] == "ValidatingAdmissionPolicy"]
    (policy,) = [p for p in policies if p["metadata"]["name"].endswith("-pages")]
    (rule,) = policy["spec"]["matchConstraints"]["resourceRules"]
    verbs = {verb for group, kind, verb in granted(defaults) if kind == "leases"}

    assert verbs - {"get", "list", "watch"} == {"create", "patch", "update", "delete"}
    assert (rule["resources"], rule["operations"]) == (["leases"], ["CREATE", "UPDATE", "DELETE"])
    assert policy["spec"]["failurePolicy"] == "Fail"
    (mine,) = policy["spec"]["matchConditions"]
    assert f"system:serviceaccount:{repo.NAMESPACE}:spectra-operator" in mine["expression"]


def test_the_roles_are_bound_to_the_account_that_the_pods_use(defaults: list[Body]) -> None:
    by_kind = {body["kind"]: body for body in defaults}
    account = by_kind["Deployment"]["spec"]["template"]["spec"]["serviceAccountName"]

    assert by_kind["ServiceAccount"]["metadata"]["name"] == account
    for kind in ("ClusterRole", "Role"):
        binding = by_kind[f"{kind}Binding"]
        assert binding["roleRef"]["name"] == by_kind[kind]["metadata"]["name"]
        subject = {"kind": "ServiceAccount", "name": account, "namespace": repo.NAMESPACE}
        assert binding["subjects"] == [subject]


def test_two_releases_in_two_namespaces_share_no_cluster_role(render: Render) -> None:
    names = {b["metadata"]["name"] for b in render() if b["kind"].startswith("ClusterRole")}
    assert names == {f"{repo.NAMESPACE}:spectra-operator"}


def test_the_documents_tell_exactly_what_is_granted(defaults: list[Body]) -> None:
    """Rules that name objects are told by where they hold, the others for all namespaces."""
    told: set[tuple[str, str]] = set()
    text = (repo.ROOT / "docs" / "install.md").read_text()
    _, _, section = text.partition("## What the operator may do")
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if len(cells) == 3 and cells[1].startswith("`"):
            names = cells[1].replace("`", "").split(", ")
            told |= {(name, verb) for name in names for verb in cells[2].split(", ")}

    assert told == {(resource, verb) for _, resource, verb in granted(defaults)}
