"""What the program asks of the API server, and what it makes of the answers."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
import yaml

from builders import pods
from builders.fake_api.server import FakeApi
from builders.specs import a_step, a_task, a_workflow, an_agent
from component.cli.conftest import ACTIONS, TEMPLATES, Run
from kubectl_spectra.cluster import Cluster
from kubectl_spectra.commands.completion import for_kubectl
from kubectl_spectra.errors import Refused
from kubectl_spectra.main import program
from spectra_operator.engine.keys import AGENTS, PHASES, WORKFLOWS
from spectra_operator.kube.resources import PODS

Body = dict[str, Any]

CHAIN = [a_task("a"), a_task("b", depends_on=["a"])]


@pytest.fixture(autouse=True)
def _jane(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who acts; this server cannot be asked who one is."""
    monkeypatch.setattr(Cluster, "whoami", lambda _: "jane")


async def a_run(api: FakeApi, **tasks: Body) -> Body:
    """Make a workflow `flow` that runs, with the Phase of `build` and its tasks' statuses."""
    spec = a_workflow([a_step("build", CHAIN), a_step("ship", depends_on=["build"])])["spec"]
    workflow = await api.create(WORKFLOWS, {"metadata": {"name": "flow"}, "spec": spec})
    uid = workflow["metadata"]["uid"]
    labels = {"spectra.dev/workflow": "flow", "spectra.dev/workflow-uid": uid}
    ref = {"name": "flow", "uid": uid}
    phase = {"phase": "build", "workflowRef": ref, "tasks": CHAIN}
    await api.create(PHASES, {"metadata": {"name": "flow-build", "labels": labels}, "spec": phase})
    steps = [
        {"name": "build", "state": "Running", "objectName": "flow-build"},
        {"name": "ship", "state": "Waiting"},
    ]
    await api.patch_status(WORKFLOWS, "flow", {"state": "Running", "phases": steps})
    await api.patch_status(PHASES, "flow-build", {"state": "Running", "tasks": tasks})
    return workflow


async def a_template(api: FakeApi) -> None:
    spec = a_workflow([a_step("build", CHAIN)])["spec"]
    spec["parameters"] = [{"name": "rows", "type": "integer", "default": 1}, {"name": "host"}]
    await api.create(TEMPLATES, {"metadata": {"name": "nightly"}, "spec": spec})


async def test_a_workflow_from_a_template_carries_only_what_was_given(
    api: FakeApi, run: Run
) -> None:
    await a_template(api)

    told = await run("submit", "--from", "template/nightly", "-p", "rows=7", "--name", "tonight")

    assert told.output == "workflow/tonight created\n"
    spec = (await api.get(WORKFLOWS, "tonight"))["spec"]
    assert spec["templateRef"] == {"name": "nightly"}
    assert spec["parameters"] == [{"name": "rows", "type": "integer", "value": 7}]


async def test_a_file_that_refers_to_a_template_takes_its_parameters_types(
    api: FakeApi, run: Run, tmp_path: Any
) -> None:
    await a_template(api)
    file = tmp_path / "flow.yaml"
    spec = {"templateRef": {"name": "nightly"}}
    head = {"apiVersion": "spectra.dev/v1alpha1", "kind": "Workflow", "metadata": {"name": "flow"}}
    file.write_text(yaml.safe_dump(head | {"spec": spec}))

    await run("submit", str(file), "-p", "rows=7", "-p", "host=8")

    made = (await api.get(WORKFLOWS, "flow"))["spec"]["parameters"]
    assert made == [
        {"name": "rows", "type": "integer", "value": 7},
        {"name": "host", "type": "string", "value": "8"},
    ]


async def test_what_exists_is_refused_and_the_file_stays_as_it_was(
    api: FakeApi, run: Run, tmp_path: Any
) -> None:
    file = tmp_path / "flow.json"
    body = a_workflow() | {"metadata": {"name": "flow"}}
    file.write_text(json.dumps(body))

    first = await run("submit", str(file), "-o", "name")
    second = await run("submit", str(file))
    other = await run("submit", str(file), "--name", "other", "-o", "json")

    assert first.output == "workflow.spectra.dev/flow\n"
    assert second.exit_code == 4
    assert "workflow/flow exists already" in second.stderr
    assert json.loads(other.output)["metadata"]["name"] == "other"
    assert json.loads(file.read_text()) == body


@pytest.mark.parametrize(
    ("words", "spec"),
    [
        (["cancel", "flow"], {"type": "Cancel"}),
        (["terminate", "flow"], {"type": "Terminate"}),
        (["retry", "flow"], {"type": "Retry"}),
        (["retry", "flow", "--task", "build/a"], {"type": "Retry", "phase": "build", "task": "a"}),
        (["rerun", "flow", "build/a"], {"type": "Rerun", "phase": "build", "task": "a"}),
        (["skip", "flow", "build/a", "--reason", "so"], {"type": "Skip", "reason": "so"}),
        (
            ["mark-succeeded", "flow", "build/a", "--reason", "so", "--output", "rows=5"],
            {"type": "MarkSucceeded", "outputs": {"rows": 5}},
        ),
    ],
)
async def test_each_request_becomes_an_action_about_this_very_object(
    api: FakeApi, run: Run, words: list[str], spec: Body
) -> None:
    workflow = await a_run(api)

    told = await run(*words, "-o", "name")

    assert told.exit_code == 0, told.output
    (action,) = await api.objects(ACTIONS)
    assert told.output == f"action.spectra.dev/{action['metadata']['name']}\n"
    assert spec.items() <= action["spec"].items()
    assert action["spec"]["actor"] == "jane"
    uid = workflow["metadata"]["uid"]
    assert action["spec"]["target"] == {"kind": "Workflow", "name": "flow", "uid": uid}


@pytest.mark.parametrize(
    ("words", "exit_code", "said"),
    [
        (["skip", "flow", "build/aa", "--reason", "so"], 3, "has no task aa; did you mean a?"),
        (["retry", "flow", "--task", "build/x"], 3, "phase build has no task x; it has a, b"),
        (["rerun", "flow", "biuld/a"], 3, "no phase biuld; did you mean build? it has build, ship"),
        (["mark-succeeded", "flow", "ship/a", "--reason", "so"], 3, "ship has no task a; it has"),
        (["rerun", "phase/stage", "y"], 3, "phase stage has no task y; it has x"),
        (["skip", "tidied", "finally/tidy", "--reason", "so"], 2, "follows the end of the phases"),
        (["rerun", "made", "build/c"], 3, "phase build has no task c; it has a, b"),
    ],
)
async def test_a_task_that_is_not_there_is_refused_before_anything_is_asked_for(
    api: FakeApi, run: Run, words: list[str], exit_code: int, said: str
) -> None:
    await a_run(api)
    await api.create(PHASES, {"metadata": {"name": "stage"}, "spec": {"tasks": [a_task("x")]}})
    tidied = a_workflow()["spec"] | {"finally": [a_task("tidy")]}
    await api.create(WORKFLOWS, {"metadata": {"name": "tidied"}, "spec": tidied})
    await a_template(api)
    made = {"templateRef": {"name": "nightly"}, "parameters": [{"name": "host", "value": "x"}]}
    await api.create(WORKFLOWS, {"metadata": {"name": "made"}, "spec": made})

    told = await run(*words)

    assert (told.exit_code, await api.objects(ACTIONS)) == (exit_code, [])
    assert said in told.stderr


async def test_who_may_not_read_phases_may_still_ask(
    api: FakeApi, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    await a_run(api)

    def find(_: Cluster, kind: Any, **__: Any) -> Body:
        raise Refused(f"you may not list {kind.name}")

    monkeypatch.setattr(Cluster, "find", find)

    assert (await run("rerun", "flow", "build/x")).exit_code == 0
    assert len(await api.objects(ACTIONS)) == 1


async def test_why_follows_the_chain_to_a_limit(api: FakeApi, run: Run) -> None:
    blocked = {"state": "Ready", "reason": "AgentConcurrency", "message": "agent worker 1/1"}
    await a_run(api, a=blocked, b={"state": "Waiting", "message": "for a"})
    await api.create(AGENTS, {"metadata": {"name": "worker"}} | _spec_of(an_agent(concurrency=1)))

    lines = (await run("why", "flow", "ship/work")).output.splitlines()
    data = json.loads((await run("why", "flow", "build/b", "-o", "json")).output)

    assert lines[0] == "task ship/work is Waiting: phase ship has not begun"
    assert lines[-1].strip().startswith("agent worker is busy: 0 of 1 slots in use")
    assert [link["what"] for link in data] == ["task build/b", "task build/a", "agent worker"]


async def test_why_knows_the_tasks_of_a_template_whose_phases_are_to_come(
    api: FakeApi, run: Run
) -> None:
    await a_template(api)
    spec = {
        "templateRef": {"name": "nightly"},
        "parameters": [{"name": "host", "value": "x"}],
    }
    await api.create(WORKFLOWS, {"metadata": {"name": "flow"}, "spec": spec})

    told = await run("why", "flow", "build/b")

    assert told.output.startswith("task build/b is Waiting: phase build has not begun")


async def test_a_run_is_drawn_with_its_states(api: FakeApi, run: Run) -> None:
    await a_run(api, a={"state": "Succeeded"}, b={"state": "Running"})

    text = (await run("graph", "flow", "--format", "mermaid")).output

    assert "class t2 Succeeded" in text
    assert "class t3 Running" in text


async def test_a_simulation_takes_durations_of_pods_and_agents_of_the_cluster(
    api: FakeApi, run: Run
) -> None:
    workflow = await a_run(api)
    uid = workflow["metadata"]["uid"]
    await api.create(AGENTS, {"metadata": {"name": "worker"}} | _spec_of(an_agent(concurrency=1)))
    for name, seconds in (("a", 5), ("b", 7)):
        pod = pods.succeeded(pods.running(pods.a_pod(name, phase="build")), when=seconds)
        pod["metadata"]["labels"]["spectra.dev/workflow-uid"] = uid
        pod["metadata"] = {
            key: pod["metadata"][key] for key in ("name", "labels", "creationTimestamp")
        }
        await api.create(PODS, pod)

    data = json.loads((await run("simulate", "flow", "--from-observed", "-o", "json")).output)

    assert set(data["tasks"]) == {"build/a", "build/b", "ship/work"}
    assert not any("agent worker is not known" in note for note in data["notes"])
    assert not any("build/a takes 60 s" in note for note in data["notes"])


async def test_names_and_tasks_are_completed_from_the_cluster(api: FakeApi, run: Run) -> None:
    await a_run(api, a={"state": "Failed"})
    await a_template(api)
    lone = {"metadata": {"name": "stage"}, "spec": {"tasks": [a_task("x")]}}
    await api.create(PHASES, lone)

    async def offered(*words: str) -> list[str]:
        text = await asyncio.to_thread(for_kubectl, program, list(words))
        return text.splitlines()

    assert await offered("tree", "f") == ["flow\tRunning", ":4"]
    assert await offered("tree", "phase/") == ["phase/stage", ":4"]
    assert await offered("retry", "flow", "--task", "build/") == [
        "build/a\tFailed",
        "build/b\tWaiting",
        ":4",
    ]
    assert await offered("submit", "--from", "template/") == ["template/nightly", ":4"]
    assert await offered("why", "flow", "ship") == ["ship/work\tWaiting", ":4"]


def _spec_of(body: Body) -> Body:
    return {"spec": body["spec"]}
