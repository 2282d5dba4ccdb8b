"""Following by watches: what comes in between, and what goes wrong with connections."""

from __future__ import annotations

import asyncio
import json
from contextlib import nullcontext
from typing import Any

import pytest

from builders import pods
from builders.fake_api.failure import ApiFailure
from builders.fake_api.faults import CutBefore, Match, Refuse
from builders.fake_api.server import FakeApi
from builders.specs import a_step, a_task, a_workflow
from component.cli.conftest import ACTIONS, TEMPLATES, Run
from kubectl_spectra.actions import outcome
from kubectl_spectra.cluster import Access, Cluster
from spectra_operator.engine.keys import PHASES, WORKFLOWS
from spectra_operator.kube.resources import PODS

GONE = ApiFailure(410, "Expired", "too old resource version")


def flow() -> dict[str, Any]:
    body = a_workflow([a_step("build", [a_task("a")])])
    return body | {"metadata": {"name": "flow"}}


async def started(api: FakeApi, run: Run, *words: str) -> asyncio.Task[Any]:
    """Start the program on a workflow that runs; return when it follows."""
    await api.create(WORKFLOWS, flow())
    await api.patch_status(WORKFLOWS, "flow", {"state": "Running"})
    task = asyncio.create_task(run(*words))
    await api.wait_watched(WORKFLOWS, PHASES)
    return task


async def a_phase_begins(api: FakeApi) -> None:
    uid = (await api.get(WORKFLOWS, "flow"))["metadata"]["uid"]
    labels = {"spectra.dev/workflow": "flow", "spectra.dev/workflow-uid": uid}
    spec = {"phase": "build", "tasks": [a_task("a")]}
    await api.create(PHASES, {"metadata": {"name": "flow-build", "labels": labels}, "spec": spec})
    status = {"state": "Running", "tasks": {"a": {"state": "Running", "attempt": 1}}}
    await api.patch_status(PHASES, "flow-build", status)


async def it_ends(api: FakeApi, state: str = "Succeeded", **more: str) -> None:
    await api.patch_status(WORKFLOWS, "flow", {"state": state, **more})


async def test_a_run_is_told_turn_by_turn_until_its_end(api: FakeApi, run: Run) -> None:
    task = await started(api, run, "tree", "flow", "--watch")
    await a_phase_begins(api)
    await it_ends(api)

    result = await task

    assert result.exit_code == 0, result.output
    told = [line.split(" ", 1)[1] for line in result.output.splitlines()]
    assert told[0] == "workflow/flow: Running"
    assert told[-1] == "workflow/flow: Succeeded"
    assert "task build/a: Running" in told
    assert len(told) == len(set(told))


async def test_the_exit_code_says_that_the_run_failed(api: FakeApi, run: Run) -> None:
    task = await started(api, run, "tree", "flow", "--watch")
    await it_ends(api, "Failed", reason="PhaseFailed", message="phase build: no luck")

    result = await task

    assert result.exit_code == 1
    assert result.output.endswith("workflow/flow: Failed: PhaseFailed: phase build: no luck\n")


async def test_nothing_is_asked_while_nothing_happens(api: FakeApi, run: Run) -> None:
    task = await started(api, run, "tree", "flow", "--watch")
    api.clear_log()
    for number in range(20):
        await api.patch_status(WORKFLOWS, "flow", {"progress": f"{number}/99"})
    await api.wait_until(lambda: True)

    assert api.count() == 0
    await it_ends(api)
    await task


async def test_a_cut_watch_is_taken_up_again(api: FakeApi, run: Run) -> None:
    task = await started(api, run, "tree", "flow", "--watch")
    api.clear_log()
    api.drop_watches()
    await api.wait_until(lambda: api.count("watch", "workflows") > 0)
    await it_ends(api)

    assert (await task).exit_code == 0


async def test_a_watch_cut_in_the_middle_of_an_event_loses_nothing(api: FakeApi, run: Run) -> None:
    task = await started(api, run, "tree", "flow", "--watch")
    api.clear_log()
    api.drop_watches_in_mid_line(WORKFLOWS)
    await it_ends(api)

    assert (await task).exit_code == 0


async def test_after_a_gap_everything_is_listed_anew(api: FakeApi, run: Run) -> None:
    task = await started(api, run, "tree", "flow", "--watch")
    async with api.silent_watches():
        await it_ends(api)
        api.compact()
        api.fail_watches(GONE)

    assert (await task).exit_code == 0


async def test_a_run_that_is_deleted_ends_the_watch_as_not_found(api: FakeApi, run: Run) -> None:
    task = await started(api, run, "tree", "flow", "--watch")
    await api.delete(WORKFLOWS, "flow")

    result = await task

    assert result.exit_code == 3
    assert "error: workflow/flow in namespace default does not exist" in result.stderr


async def test_a_deletion_in_a_gap_is_seen_too(api: FakeApi, run: Run) -> None:
    task = await started(api, run, "tree", "flow", "--watch")
    async with api.silent_watches():
        await api.delete(WORKFLOWS, "flow")
        api.compact()
        api.fail_watches(GONE)

    assert (await task).exit_code == 3


async def test_a_watch_that_may_not_be_opened_ends_the_program(api: FakeApi, run: Run) -> None:
    await api.create(WORKFLOWS, flow())
    api.fault(Match(verb="watch", plural="workflows"), Refuse(403, "Forbidden"))

    result = await run("tree", "flow", "--watch")

    assert result.exit_code == 4
    assert "error: workflows was refused" in result.stderr


async def test_a_time_limit_ends_the_watch_with_its_own_code(api: FakeApi, run: Run) -> None:
    await api.create(WORKFLOWS, flow())

    result = await run("tree", "flow", "--watch", "--timeout", "0.01")

    assert result.exit_code == 124
    assert "workflow/flow has not ended in time; it is Pending" in result.stderr


async def test_waiting_for_an_action_says_what_became_of_it(api: FakeApi, run: Run) -> None:
    # Who one is cannot be asked of this server, so the action is made by hand.
    made = await api.create(ACTIONS, {"metadata": {"name": "ask"}, "spec": {"type": "Cancel"}})
    waiting = asyncio.create_task(asyncio.to_thread(outcome, Cluster(Access()), made, 30.0))
    await api.wait_watched(ACTIONS)
    await api.patch_status(ACTIONS, "ask", {"state": "Pending"})
    await api.patch_status(ACTIONS, "ask", {"state": "Refused", "message": "it has ended"})

    assert (await waiting)["status"]["message"] == "it has ended"


@pytest.mark.parametrize(
    ("code", "reason", "exit_code"),
    [(401, "Unauthorized", 4), (403, "Forbidden", 4), (422, "Invalid", 4), (503, "", 5)],
)
async def test_answers_of_the_server_become_exit_codes(
    api: FakeApi, run: Run, code: int, reason: str, exit_code: int
) -> None:
    api.fault(Match(verb="list"), Refuse(code, reason))

    result = await run("get")

    assert result.exit_code == exit_code
    assert result.stderr.startswith("error: ")
    assert len(result.stderr.splitlines()) == 1


async def test_a_cut_connection_is_a_cluster_that_does_not_answer(api: FakeApi, run: Run) -> None:
    api.fault(Match(verb="list"), CutBefore())

    assert (await run("get")).exit_code == 5


async def test_an_object_that_is_not_there_is_named_beside_those_that_are(
    api: FakeApi, run: Run
) -> None:
    await api.create(WORKFLOWS, flow())

    result = await run("get", "flaw")

    assert result.exit_code == 3
    assert "workflow/flaw in namespace default does not exist; there are: flow" in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("get", "flaw"),
        ("tree", "flaw"),
        ("tree", "flaw", "--watch"),
        ("why", "flaw"),
        ("logs", "flaw"),
        ("explain", "flaw"),
        ("graph", "flaw"),
        ("simulate", "flaw"),
        ("cancel", "flaw"),
        ("suspend", "flaw"),
    ],
    ids=" ".join,
)
async def test_what_does_not_exist_is_said_in_the_same_words_by_every_command(
    api: FakeApi, run: Run, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setattr(Cluster, "whoami", lambda _: "jane")
    for number in range(10):
        await api.create(WORKFLOWS, flow() | {"metadata": {"name": f"flow{number}"}})

    result = await run(*words)

    listed = ", ".join(f"flow{number}" for number in range(8))
    said = "workflow/flaw in namespace default does not exist; there are: "
    assert result.stderr == f"error: {said}{listed} and 2 more\n"
    assert result.exit_code == 3


async def test_a_template_that_does_not_exist_is_said_in_these_words_too(
    api: FakeApi, run: Run
) -> None:
    await api.create(TEMPLATES, {"metadata": {"name": "base"}, "spec": flow()["spec"]})

    result = await run("submit", "--from", "template/bose")

    said = "workflowtemplate/bose in namespace default does not exist; there are: base"
    assert said in result.stderr


@pytest.mark.parametrize("words", [("get",), ("get", "flow"), ("tree", "flow"), ("why", "flow")])
async def test_a_namespace_that_does_not_exist_is_named(
    api: FakeApi, run: Run, words: tuple[str, ...]
) -> None:
    result = await run(*words, "-n", "elsewhere")

    assert result.exit_code == 3
    assert "namespace elsewhere does not exist; create it, or give -n" in result.stderr
    assert "no workflows in namespace default" in (await run("get")).stderr


async def test_who_may_not_look_at_namespaces_is_told_that_there_are_no_workflows(
    api: FakeApi, run: Run
) -> None:
    api.fault(Match(plural="namespaces"), Refuse(403, "Forbidden", "no"))

    result = await run("get", "-n", "elsewhere")

    assert (result.exit_code, result.stdout) == (0, "")
    assert "there are no workflows in namespace elsewhere" in result.stderr


@pytest.mark.parametrize(
    ("words", "state", "said"),
    [
        ((), "Running", "workflow/flow: no pods; `kubectl spectra why` says what it waits for"),
        ((), "Succeeded", "workflow/flow: no pods are kept; it did not run, or they were cleaned"),
        (
            ("--task", "build/a", "--index", "2", "--attempt", "3"),
            "Running",
            "task build/a, item 2, attempt 3: no pods;",
        ),
    ],
)
async def test_logs_of_nothing_say_of_what_and_why(
    api: FakeApi, run: Run, words: tuple[str, ...], state: str, said: str
) -> None:
    await api.create(WORKFLOWS, flow() | {"status": {"state": state}})

    result = await run("logs", "flow", *words)

    assert (result.exit_code, result.stdout) == (0, "")
    assert said in result.stderr


async def test_logs_in_which_nothing_was_printed_say_so(
    api: FakeApi, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await api.create(WORKFLOWS, flow())
    pod = pods.running(pods.scheduled(pods.a_pod("a")))
    pod["metadata"]["labels"]["spectra.dev/workflow-uid"] = made["metadata"]["uid"]
    pod["metadata"].pop("namespace", None)
    await api.create(PODS, pod)
    monkeypatch.setattr(Cluster, "stream", lambda *_, **__: nullcontext(iter(())))

    result = await run("logs", "flow")

    assert result.stderr == "workflow/flow: nothing was printed\n"


async def test_an_unknown_kind_says_what_to_install(api: FakeApi, run: Run) -> None:
    api.fault(Match(verb="get"), Refuse(404, "NotFound", "404 page not found"))

    result = await run("submit", "--from", "template/x")

    assert result.exit_code == 3
    assert "install Spectra's CRDs" in result.stderr


@pytest.fixture
def jane(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who acts; this server cannot be asked who one is."""
    monkeypatch.setattr(Cluster, "whoami", lambda _: "jane")


@pytest.mark.usefixtures("jane")
async def test_levels_are_patched_signed_and_said(api: FakeApi, run: Run) -> None:
    await api.create(WORKFLOWS, flow())

    told = await run("suspend", "flow", "--reason", "the data is wrong")
    assert told.output == "workflow/flow suspended\n"
    body = await api.get(WORKFLOWS, "flow")
    assert body["spec"]["suspend"] is True
    notes = body["metadata"]["annotations"]
    assert notes["spectra.dev/changed-by"] == "jane"
    assert notes["spectra.dev/change-reason"] == "the data is wrong"
    assert notes["spectra.dev/changed"].startswith("suspend=true 20")
    await run("resume", "flow")
    assert (
        "spectra.dev/change-reason"
        not in (await api.get(WORKFLOWS, "flow"))["metadata"]["annotations"]
    )
    await run("set", "priority", "flow", "--", "-5")
    await run("set", "parallelism", "flow", "3")

    spec = (await api.get(WORKFLOWS, "flow"))["spec"]
    assert (spec["suspend"], spec["priority"], spec["parallelism"]) == (False, -5, 3)
    await run("set", "parallelism", "flow", "none")
    assert "parallelism" not in (await api.get(WORKFLOWS, "flow"))["spec"]


@pytest.mark.usefixtures("jane")
async def test_suspending_what_has_ended_says_that_it_has(api: FakeApi, run: Run) -> None:
    await api.create(WORKFLOWS, flow())
    await it_ends(api)

    result = await run("suspend", "flow")

    assert result.exit_code == 0
    assert "it has ended (Succeeded); this holds for a retry only" in result.stderr


async def test_lists_come_in_every_form(api: FakeApi, run: Run) -> None:
    empty = await run("get")
    await api.create(WORKFLOWS, flow())

    assert "there are no workflows in namespace default" in empty.stderr
    assert (await run("get", "-o", "name")).output == "workflow.spectra.dev/flow\n"
    assert (await run("get")).output.splitlines()[1].split()[:2] == ["flow", "Pending"]
    assert json.loads((await run("get", "flow", "-o", "json")).output)["spec"]["phases"]
    tree = json.loads((await run("tree", "flow", "-o", "json")).output)
    assert (tree["target"]["kind"], tree["phases"]) == ("Workflow", [])


async def test_a_task_that_is_not_there_is_named_beside_those_that_are(
    api: FakeApi, run: Run
) -> None:
    await api.create(WORKFLOWS, flow())

    for words in (("logs", "flow", "--task", "build/b"), ("why", "flow", "build/b")):
        result = await run(*words)
        assert result.exit_code == 3, result.output
        assert "a" in result.stderr.rpartition(" ")[2]
