"""The rights to read content against the code that reads it, where the installer allows that."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from checks import repository as repo
from spectra_operator.kube import resources
from unit.chart.test_chart_rights import granted, rights

Body = dict[str, Any]
Render = Callable[..., list[Body]]

CONTENT = rights("", "configmaps secrets", "list watch")
"""What `engine/content_intake.py` follows with informers, in the namespaces it is told."""


def test_where_content_is_part_of_revisions_exactly_what_is_followed_is_granted(
    defaults: list[Body], render: Render
) -> None:
    bodies = render("contentNamespaces={team-a,team-b}")
    more = [body for body in bodies if body not in defaults and body["kind"] != "Deployment"]

    roles = [body for body in more if body["kind"] == "Role"]
    assert [role["metadata"]["namespace"] for role in roles] == ["team-a", "team-b"]
    for role in roles:
        assert sorted(granted([role])) == sorted(CONTENT)
    assert {body["kind"] for body in more} == {"Role", "RoleBinding"}


def test_the_content_intake_follows_the_kinds_it_may_read_and_no_other() -> None:
    path = repo.ROOT / "operator" / "spectra_operator" / "engine" / "content_intake.py"
    named = {
        node.id for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Name)
    }
    known = {name: each for name, each in vars(resources).items() if name.isupper()}

    assert {known[name].plural for name in named & set(known)} == {
        resource for _, resource, _ in CONTENT
    }


def test_the_rights_to_content_are_the_operators_alone(render: Render) -> None:
    bodies = render("contentNamespaces={team-a}")
    (role,) = [b for b in bodies if b["kind"] == "Role" and b["metadata"]["namespace"] == "team-a"]
    (bound,) = [
        b for b in bodies if b["kind"] == "RoleBinding" and b["metadata"]["namespace"] == "team-a"
    ]

    assert bound["roleRef"]["name"] == role["metadata"]["name"]
    assert role["metadata"]["name"] == f"{repo.NAMESPACE}:spectra-operator:content"
    subject = {
        "kind": "ServiceAccount",
        "name": "spectra-operator",
        "namespace": repo.NAMESPACE,
    }
    assert bound["subjects"] == [subject]
