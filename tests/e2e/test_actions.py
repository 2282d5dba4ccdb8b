"""Actions on runs in every state, on a real cluster."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import yaml

from builders.cluster import ROOT
from builders.specs import a_step, a_task
from e2e.harness.bodies import HELD_UNTIL, HOLD, PROVE
from e2e.harness.orders import ACTOR, applied, asked, ran
from e2e.harness.play import Play

Body = dict[str, Any]

ECHO = 'out "$SPECTRA_INPUT"'
FAILS_ONCE = f'[ "$SPECTRA_ATTEMPT" -gt 1 ] || exit 3; {PROVE}'
HOLDS_AFTER_A_FAILURE = (
    f'[ "$SPECTRA_ATTEMPT" -gt 1 ] || exit 3; until [ -e {HELD_UNTIL} ]; do sleep 0.1; done'
)


def steps_of(status: Body) -> dict[str, str]:
    return {step["name"]: step["state"] for step in status["phases"]}


def a_chain_over_phases(agent: str) -> list[Body]:
    """Two phases: a, then b by another agent, then x."""
    first = [a_task("a"), a_task("b", agent=agent, depends_on=["a"])]
    return [a_step("first", first), a_step("second", [a_task("x")], depends_on=["first"])]


async def test_the_example_is_retried_and_then_goes_on_without_its_scales(play: Play) -> None:
    play.given.example("actions/workflow.yaml")
    await play.when.applied()
    await play.then.workflow_ends("Failed")

    for name in ("retry", "skip"):
        text = (ROOT / "examples" / "actions" / f"{name}.yaml").read_text()
        spec = yaml.safe_load(text)["spec"]
        given = {key: spec[key] for key in ("phase", "task", "reason") if key in spec}
        await applied(play, spec["type"], target="delivery", **given)
        state = "Failed" if name == "retry" else "Succeeded"
        status = await play.then.workflow_ends(state)

    assert status["run"] == 3
    ran(play, {"yard/pack": 1, "yard/weigh": 2, "yard/load": 1, "road/drive": 1}, "delivery")
    retry, skip = status["actions"]
    assert (retry["type"], retry["actor"], retry["run"]) == ("Retry", ACTOR, 2)
    assert (skip["type"], skip["task"], skip["run"]) == ("Skip", "weigh", 3)
    assert skip["reason"] == "The weight is known from the last delivery"
    await play.then.told("Workflow", "ActionTaken", "The scales were repaired")


async def test_a_terminated_run_stops_at_once_and_runs_nothing_more(play: Play) -> None:
    play.given.agent(script=HOLD)
    play.given.workflow([a_task("a")])
    play.workflows["flow"]["spec"]["finally"] = [a_task("tidy")]
    await play.when.applied()
    await play.then.task("work/a").pod_in("Running")

    await applied(play, "Terminate")

    await play.then.workflow_ends("Cancelled", reason="Terminated")
    ran(play, {"work/a": 1})


async def test_a_suspended_and_a_pending_run_can_be_cancelled(play: Play) -> None:
    play.given.agent()
    play.given.workflow([a_task()], name="held", suspend=True)
    play.given.workflow([a_task(agent="nobody")], name="stuck")
    await play.when.applied()
    await play.then.workflow_shows("Suspended", name="held")
    await play.then.workflow_shows("Pending", name="stuck")

    for name in ("held", "stuck"):
        await applied(play, "Cancel", f"cancel-{name}", target=name)
        await play.then.workflow_ends("Cancelled", name)

    play.then.no_pod_ever()


async def test_asked_twice_is_done_once(play: Play) -> None:
    play.given.agent("shaky", HOLDS_AFTER_A_FAILURE)
    play.given.agent()
    play.given.workflow(phases=a_chain_over_phases("shaky"))
    await play.when.applied()
    await play.then.workflow_ends("Failed")

    await applied(play, "Retry", "one")
    again = await play.then.task("first/b").pod_in("Running", attempt=2)
    await asked(play, "Retry", "two", phase="first", task="b")
    await play.when.let_go(again["metadata"]["name"])

    status = await play.then.workflow_ends("Succeeded")
    assert status["run"] == 2
    ran(play, {"first/a": 1, "first/b": 2, "second/x": 1})


async def test_a_task_is_done_again_with_all_that_follows_also_in_other_phases(
    play: Play,
) -> None:
    play.given.agent()
    play.given.workflow(phases=a_chain_over_phases("worker"))
    await play.when.applied()
    await play.then.workflow_ends("Succeeded")

    await applied(play, "Rerun", phase="first", task="b")

    status = await play.then.workflow_ends("Succeeded")
    assert status["run"] == 2
    assert [step.get("run", 1) for step in status["phases"]] == [1, 2]
    ran(play, {"first/a": 1, "first/b": 2, "second/x": [1, 1]})


async def test_a_running_task_is_marked_as_done_with_outputs(play: Play) -> None:
    play.given.agent("holder", HOLD)
    play.given.agent("echo", ECHO)
    after = a_task("b", agent="echo", input={"n": "${tasks.a.outputs.n}"}, depends_on=["a"])
    play.given.workflow([a_task("a", agent="holder"), after])
    await play.when.applied()
    await play.then.task("work/a").pod_in("Running")

    await applied(play, "MarkSucceeded", phase="work", task="a", outputs={"n": 4})

    await play.then.workflow_ends("Succeeded")
    assert play.then.task("work/b").outputs == {"n": 4}
    ran(play, {"work/a": 1, "work/b": 1})


async def test_a_running_task_is_skipped_and_others_are_not_disturbed(play: Play) -> None:
    play.given.agent("holder", HOLD)
    play.given.agent("echo", ECHO)
    after = a_task(
        "c",
        agent="echo",
        input={"a": "${tasks.a.outputs.ran}", "b": "${tasks.b.outputs.n}"},
        depends_on=["a", "b"],
    )
    tasks = [a_task("a", agent="holder"), a_task("b", agent="echo", input={"n": 1}), after]
    play.given.workflow(tasks)
    await play.when.applied()
    await play.then.task("work/a").pod_in("Running")

    await applied(play, "Skip", phase="work", task="a")

    status = await play.then.workflow_ends("Succeeded")
    assert status["progress"] == "2/2"
    assert play.then.task("work/a").status["reason"] == "SkippedByAction"
    assert play.then.task("work/c").outputs == {"a": None, "b": 1}
    ran(play, {"work/a": 1, "work/b": 1, "work/c": 1})


async def test_a_task_is_retried_while_the_rest_of_the_run_goes_on(play: Play) -> None:
    play.given.agent("shaky", FAILS_ONCE)
    play.given.agent("holder", HOLD)
    play.given.agent()
    tasks = [a_task("bad", agent="shaky"), a_task("next", depends_on=["bad"])]
    phases = [a_step("one", tasks), a_step("two", [a_task("long", agent="holder")])]
    play.given.workflow(phases=phases, failure_policy="Continue")
    await play.when.applied()
    long = await play.then.task("two/long").pod_in("Running")
    await play.then.task("one/bad").shows(state="Failed")

    await applied(play, "Retry", phase="one", task="bad")
    await play.then.task("one/next").shows(state="Succeeded")
    await play.when.let_go(long["metadata"]["name"])

    status = await play.then.workflow_ends("Succeeded")
    assert status.get("run", 1) == 1
    ran(play, {"one/bad": 2, "one/next": 1, "two/long": 1})


async def test_what_cannot_be_done_is_refused_in_words_and_changes_nothing(play: Play) -> None:
    play.given.agent()
    play.given.workflow([a_task("a")])
    await play.when.applied()
    before = await play.then.workflow_ends("Succeeded")

    answers = await asyncio.gather(
        asked(play, "Cancel"),
        asked(play, "Retry"),
        asked(play, "Skip", phase="work", task="a"),
        asked(play, "Rerun", phase="work", task="b"),
        asked(play, "Terminate", target="nothing"),
        asked(play, "Rerun", "other", phase="nowhere", task="a"),
    )

    assert {answer["state"] for answer in answers} == {"Refused"}
    for answer, words in zip(
        answers,
        (
            "the workflow has ended: Succeeded",
            "nothing has failed",
            "has succeeded; there is nothing to skip",
            "there is no task 'b'",
            "there is no Workflow nothing",
            "there is no phase 'nowhere'",
        ),
        strict=True,
    ):
        assert words in answer["message"]
    after = await play.then.workflow_ends("Succeeded")
    assert after["finishedAt"] == before["finishedAt"]
    ran(play, {"work/a": 1})


async def test_a_rolled_back_run_is_not_done_again(play: Play) -> None:
    play.given.agent("broken", "exit 3")
    play.given.agent()
    undo = {"agent": "worker"}
    tasks = [a_task("a", compensate=undo), a_task("b", agent="broken", depends_on=["a"])]
    play.given.workflow(tasks, failure_policy="Rollback")
    await play.when.applied()
    await play.then.workflow_ends("Failed")

    answer = await asked(play, "Retry")

    assert answer["state"] == "Refused"
    assert "rolled back" in answer["message"]
    ran(play, {"work/a": 1, "work/b": 1, "rollback/work-a": 1})


async def test_applying_the_manifest_again_undoes_no_action(play: Play) -> None:
    play.given.agent("broken", "exit 3")
    play.given.agent()
    tasks = [a_task("a", agent="broken"), a_task("b"), a_task("c", depends_on=["a", "b"])]
    play.given.workflow(tasks, failure_policy="Continue")
    text = json.dumps(play.workflows["flow"])
    play.given_bodies.remove(play.workflows["flow"])
    await play.when.applied()
    await play.kubectl("apply", "-f", "-", stdin=text)
    await play.then.workflow_ends("Failed")
    await applied(play, "Skip", phase="work", task="a")
    before = await play.then.workflow_ends("Succeeded")

    assert "unchanged" in await play.kubectl("apply", "-f", "-", stdin=text)
    await applied(play, "Rerun", phase="work", task="c")

    after = await play.then.workflow_ends("Succeeded")
    assert (before["run"], after["run"]) == (2, 3)
    assert play.then.task("work/a").status["reason"] == "SkippedByAction"
    ran(play, {"work/a": 1, "work/b": 1, "work/c": 2})
