"""What submit sends, in which order, and that nothing is sent before it is sure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from builders.fake_api.faults import Match, Refuse
from builders.fake_api.server import FakeApi
from builders.specs import a_step, a_task, a_workflow, an_agent
from component.cli.conftest import TEMPLATES, Run
from spectra_operator.engine.keys import AGENTS, WORKFLOWS
from spectra_operator.kube.resources import Resource

Body = dict[str, Any]
CONFIG_MAPS = Resource("", "v1", "configmaps", "ConfigMap")
ROLES = Resource("rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole", namespaced=False)
MAP: Body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "writer"}}


def here(body: Body, name: str = "") -> Body:
    """Return an object without a namespace, as a file for any namespace has it."""
    return body | {"metadata": {"name": name or body["metadata"]["name"]}}


def flow(name: str = "flow", **fields: Any) -> Body:
    """Return a workflow of one task."""
    return here(a_workflow([a_step("build", [a_task("a")])], **fields), name)


@pytest.fixture
def write(tmp_path: Path) -> Any:
    """Write objects into a file and return its name."""

    def save(*bodies: Body) -> str:
        file = tmp_path / "flow.yaml"
        file.write_text(yaml.safe_dump_all(bodies))
        return str(file)

    return save


def writes(api: FakeApi) -> list[str]:
    """Return what was written, in order: verb and kind."""
    calls = [entry.call for entry in api.log]
    return [f"{c.verb} {c.plural}" for c in calls if c.verb in ("create", "patch")]


async def test_what_a_workflow_needs_is_applied_and_it_is_said_what_that_did(
    api: FakeApi, run: Run, write: Any
) -> None:
    first = await run("submit", write(here(an_agent()), flow("one")))
    same = await run("submit", write(here(an_agent()), flow("two")))
    other = await run("submit", write(here(an_agent(concurrency=7)), flow("three")))

    assert first.output == "agent/worker created\nworkflow/one created\n"
    assert same.output == "agent/worker unchanged\nworkflow/two created\n"
    assert other.output == "agent/worker configured\nworkflow/three created\n"
    assert (await api.get(AGENTS, "worker"))["spec"]["concurrency"] == 7


async def test_nothing_is_applied_for_a_workflow_that_the_cluster_would_not_take(
    api: FakeApi, run: Run, write: Any
) -> None:
    await api.create(WORKFLOWS, {"metadata": {"name": "flow"}, "spec": flow()["spec"]})

    exists = await run("submit", write(here(an_agent()), flow()))
    api.fault(Match(verb="create", plural="workflows"), Refuse(403, "Forbidden", "not yours"))
    refused = await run("submit", write(here(an_agent()), flow("other")))

    assert (exists.exit_code, refused.exit_code) == (4, 4)
    assert "workflow/flow exists already; delete it, or give --name" in exists.stderr
    assert "workflow/other was refused: not yours" in refused.stderr
    assert await api.objects(AGENTS) == []


async def test_several_workflows_are_created_in_the_order_of_the_file(
    api: FakeApi, run: Run, write: Any
) -> None:
    template = here(a_workflow(), "base") | {"kind": "WorkflowTemplate"}
    taken = here(a_workflow(), "two") | {"spec": {"templateRef": {"name": "base"}}}

    told = await run("submit", write(flow("one"), template, taken))

    assert told.output.splitlines() == [
        "workflowtemplate/base created",
        "workflow/one created",
        "workflow/two created",
    ]
    assert [body["metadata"]["name"] for body in await api.objects(WORKFLOWS)] == ["one", "two"]
    assert writes(api)[:3] == ["create workflows", "create workflows", "patch workflowtemplates"]


async def test_several_workflows_are_a_list_for_machines(
    api: FakeApi, run: Run, write: Any
) -> None:
    named = await run("submit", write(flow("one"), flow("two")), "-o", "name")
    listed = await run("submit", write(flow("three"), flow("four")), "-o", "json")

    assert named.output == "workflow.spectra.dev/one\nworkflow.spectra.dev/two\n"
    body = json.loads(listed.output)
    assert body["kind"] == "List"
    assert [item["metadata"]["name"] for item in body["items"]] == ["three", "four"]
    assert len(await api.objects(WORKFLOWS)) == 4


async def test_one_of_several_that_exists_keeps_all_from_being_created(
    api: FakeApi, run: Run, write: Any
) -> None:
    await api.create(WORKFLOWS, {"metadata": {"name": "two"}, "spec": flow()["spec"]})

    told = await run("submit", write(flow("one"), flow("two")))

    assert told.exit_code == 4
    assert [body["metadata"]["name"] for body in await api.objects(WORKFLOWS)] == ["two"]


async def test_objects_of_others_are_applied_as_kubectl_would(
    api: FakeApi, run: Run, write: Any
) -> None:
    api.register(CONFIG_MAPS, has_status=False)

    told = await run("submit", write(MAP | {"data": {"write.py": "print()"}}, flow()))

    assert told.output == "configmap/writer created\nworkflow/flow created\n"
    assert (await api.get(CONFIG_MAPS, "writer"))["data"] == {"write.py": "print()"}


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        (
            {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole"},
            2,
            "clusterrole/x: is of the whole cluster, which submit leaves alone; apply it with",
        ),
        ({"apiVersion": "v1", "kind": "Gadget"}, 3, "the cluster knows no Gadget of v1"),
        ({"apiVersion": "far.away/v1", "kind": "Gadget"}, 3, "knows no Gadget of far.away/v1"),
    ],
)
async def test_what_cannot_be_applied_is_refused_before_anything_is_sent(
    api: FakeApi, run: Run, write: Any, body: Body, code: int, said: str
) -> None:
    api.register(ROLES, has_status=False)

    told = await run("submit", write(here(an_agent()), body | {"metadata": {"name": "x"}}, flow()))

    assert told.exit_code == code
    assert said in told.stderr
    assert writes(api) == []


NEEDS_ROWS = [{"name": "rows", "type": "integer", "maximum": 9}]


async def test_a_parameter_without_a_value_in_the_file_may_get_it_from_the_command_line(
    api: FakeApi, run: Run, write: Any
) -> None:
    file = write(flow(parameters=NEEDS_ROWS))

    missing = await run("submit", file)
    wrong = await run("submit", file, "-p", "rows=10")
    right = await run("submit", file, "-p", "rows=7")

    assert "spec.parameters[rows].value: has neither a value" in missing.stderr
    assert "spec.parameters[rows].value" in wrong.stderr
    assert "1 error; nothing was done" in wrong.stderr
    assert right.output == "workflow/flow created\n"
    (made,) = await api.objects(WORKFLOWS)
    assert made["spec"]["parameters"] == [{**NEEDS_ROWS[0], "value": 7}]


async def test_values_are_checked_before_anything_is_sent(
    api: FakeApi, run: Run, write: Any
) -> None:
    told = await run("submit", write(here(an_agent()), flow()), "-p", "rows=1")

    assert told.exit_code == 2
    assert writes(api) == []
    assert await api.objects(TEMPLATES) == []
