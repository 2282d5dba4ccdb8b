"""What is asked for by Actions with kubectl spectra, on a real cluster."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from builders.specs import a_task
from e2e.harness.bodies import HOLD
from e2e.harness.play import Play
from e2e.harness.plugin import ECHO, FAILS_ONCE, WHO, Plugin

Body = dict[str, Any]


async def a_failed_run(play: Play, tasks: list[Body], **fields: Any) -> None:
    """Run a workflow whose agent `shaky` fails each task's first attempt; it ends Failed."""
    play.given.agent("shaky", FAILS_ONCE)
    play.given.agent("echo", ECHO)
    play.given.workflow(tasks, **fields)
    await play.when.applied()
    await play.then.workflow_ends("Failed")


async def ends(play: Play, spectra: Plugin, state: str) -> Body:
    """Watch the run to its end and return the workflow's status."""
    code = 0 if state == "Succeeded" else 1
    told = await spectra("tree", "flow", "--watch", "--timeout", "90", code=code)
    assert f"workflow/flow: {state}" in told.out.splitlines()[-1]
    for kind in ("Workflow", "Phase"):
        await play.world.caught_up(kind)
    status: Body = (play.world.get("Workflow", "flow") or {})["status"]
    return status


async def test_retry_does_again_what_failed_and_what_did_not_run_because_of_it(
    play: Play, spectra: Plugin
) -> None:
    tasks = [
        a_task("first", agent="echo"),
        a_task("a", agent="shaky", depends_on=["first"]),
        a_task("b", agent="echo", depends_on=["a"]),
    ]
    await a_failed_run(play, tasks)

    words = ("retry", "flow", "--reason", "the disk is free again", "--wait")
    told = (await spectra(*words)).out
    status = await ends(play, spectra, "Succeeded")

    assert told.startswith("workflow/flow: Retry applied")
    assert (status["run"], status["progress"]) == (2, "3/3")
    (action,) = status["actions"]
    assert (action["type"], action["reason"]) == ("Retry", "the disk is free again")
    assert action["actor"] == (await play.cluster.kubectl("auth", "whoami", "-o", WHO)).strip()
    assert play.then.task("work/first").status["attempt"] == 1
    assert play.then.task("work/a").status["attempt"] == 2


async def test_retry_of_one_task_leaves_the_others_as_they_are(play: Play, spectra: Plugin) -> None:
    tasks = [a_task("a", agent="shaky"), a_task("b", agent="shaky")]
    await a_failed_run(play, tasks, failure_policy="Continue")

    await spectra("retry", "flow", "--task", "work/a", "--wait")
    await ends(play, spectra, "Failed")

    assert play.then.task("work/a").status["state"] == "Succeeded"
    assert play.then.task("work/b").status["state"] == "Failed"


async def test_rerun_does_a_task_again_and_all_that_follows(play: Play, spectra: Plugin) -> None:
    play.given.agent()
    tasks = [a_task("first"), a_task("a"), a_task("b", depends_on=["a"])]
    play.given.workflow(tasks)
    await play.when.applied()
    await play.then.workflow_ends("Succeeded")
    before = play.then.task("work/b").outputs

    await spectra("rerun", "flow", "work/a", "--wait")
    await ends(play, spectra, "Succeeded")

    assert play.then.task("work/b").outputs != before
    attempts = [play.then.task(f"work/{name}").status["attempt"] for name in ("first", "a", "b")]
    assert attempts == [1, 2, 2]


async def test_skip_lets_a_workflow_go_on_without_a_task(play: Play, spectra: Plugin) -> None:
    tasks = [
        a_task("a", agent="shaky"),
        a_task("c", agent="echo"),
        a_task("b", agent="echo", depends_on=["a", "c"]),
    ]
    await a_failed_run(play, tasks, failure_policy="Continue")

    await spectra("skip", "flow", "work/a", "--reason", "nobody needs it", "--wait")
    await ends(play, spectra, "Succeeded")

    skipped = play.then.task("work/a").status
    assert (skipped["state"], skipped["reason"]) == ("Skipped", "SkippedByAction")
    assert play.then.task("work/b").status["state"] == "Succeeded"


async def test_a_task_is_marked_succeeded_with_the_outputs_that_others_need(
    play: Play, spectra: Plugin
) -> None:
    wants = {"rows": "${tasks.a.outputs.rows}"}
    tasks = [a_task("a", agent="shaky"), a_task("b", agent="echo", depends_on=["a"], input=wants)]
    await a_failed_run(play, tasks)

    words = ("mark-succeeded", "flow", "work/a", "--reason", "done by hand", "--output", "rows=5")
    await spectra(*words, "--wait")
    await ends(play, spectra, "Succeeded")

    assert play.then.task("work/b").outputs == {"rows": 5}


@pytest.mark.parametrize("verb", ["cancel", "terminate"])
async def test_a_run_is_stopped_and_a_second_stop_finds_it_done(
    play: Play, spectra: Plugin, verb: str
) -> None:
    play.given.agent(script=HOLD)
    play.given.workflow([a_task("a"), a_task("b", depends_on=["a"])])
    await play.when.applied()
    await play.then.task("work/a").pod_in("Running")

    told = (await spectra(verb, "flow", "--wait")).out
    await ends(play, spectra, "Cancelled")
    again = await spectra(verb, "flow", "--wait")

    assert told.startswith(f"workflow/flow: {verb.capitalize()} applied")
    word = {"cancel": "cancelled", "terminate": "terminated"}[verb]
    assert f"{verb.capitalize()} applied: was {word} already by" in again.out
    await play.then.pods_gone()


async def test_an_action_is_asked_for_in_the_name_of_who_acts(play: Play, spectra: Plugin) -> None:
    play.given.agent(script=HOLD)
    play.given.workflow([a_task("a")])
    await play.when.applied()
    await play.then.task("work/a").pod_in("Running")
    jane = ("--as", "jane", "--as-group", "system:masters")

    nobody = await spectra("cancel", "flow", "--as", "nobody", code=4)
    made = yaml.safe_load((await spectra("cancel", "flow", *jane, "-o", "yaml")).out)
    status = await ends(play, spectra, "Cancelled")

    assert 'User "nobody" cannot' in nobody.err
    assert made["spec"]["actor"] == "jane"
    assert made["spec"]["reason"] == "Cancel asked for with kubectl spectra"
    assert [action["actor"] for action in status["actions"]] == ["jane"]


async def test_what_does_not_exist_cannot_be_asked_about(spectra: Plugin) -> None:
    missing = await spectra("cancel", "nope", code=3)

    assert "workflow/nope in namespace" in missing.err
