"""What runs at the end of a workflow, on a real cluster."""

from __future__ import annotations

from typing import Any

from builders.specs import a_step, a_task
from e2e.harness.bodies import HELD_UNTIL, HOLD
from e2e.harness.orders import applied, one_after_the_other, ran
from e2e.harness.play import Play

Body = dict[str, Any]

ECHO = 'out "$SPECTRA_INPUT"'
FAILS = "exit 3"
FAILS_WHEN_LET_GO = f"until [ -e {HELD_UNTIL} ]; do sleep 0.1; done; exit 3"
TIDY = a_task("tidy", agent="echo", input={"how": "${workflow.state}"})


def steps_of(status: Body) -> dict[str, str]:
    return {step["name"]: step["state"] for step in status["phases"]}


def given_flow(play: Play, *phases: Body, **fields: Any) -> None:
    """Give agents that echo, fail and hold, and a workflow; `finally_` stands for finally."""
    play.given.agent("echo", ECHO)
    play.given.agent("broken", FAILS)
    play.given.agent("holder", HOLD)
    play.given.workflow(phases=phases, **{k: v for k, v in fields.items() if k != "finally_"})
    if "finally_" in fields:
        play.workflows["flow"]["spec"]["finally"] = fields["finally_"]


async def test_a_rollback_undoes_in_reverse_order_with_what_was_returned(play: Play) -> None:
    play.given.example("rollback/rollback.yaml")
    await play.when.applied()

    status = await play.then.workflow_ends("Failed", reason="PhaseFailed")

    assert steps_of(status) == {"build": "Succeeded", "open": "Failed", "rollback": "Succeeded"}
    built = ("build/network", "build/web", "build/database")
    undone = ("rollback/build-web", "rollback/build-database", "rollback/build-network")
    ran(play, dict.fromkeys([*built, "open/activate", *undone], 1), "rollback")
    for first in undone[:2]:
        one_after_the_other(play, "open/activate", first, undone[2], workflow="rollback")
    for path, removed in zip(undone, ("web-1", "database-1", "network-1"), strict=True):
        assert play.then.task(path).outputs == {"removed": removed}


async def test_after_a_failure_an_alarm_is_raised_and_then_all_is_tidied(play: Play) -> None:
    play.given.example("finally/finally.yaml")
    await play.when.applied()

    status = await play.then.workflow_ends("Failed", reason="PhaseFailed")

    assert steps_of(status) == {
        "work": "Failed",
        "on-failure": "Succeeded",
        "finally": "Succeeded",
    }
    ran(play, {"work/measure": 1, "on-failure/alarm": 1, "finally/tidy": 1}, "finally")
    order = ("work/measure", "on-failure/alarm", "finally/tidy")
    one_after_the_other(play, *order, workflow="finally")
    assert play.then.task("on-failure/alarm").outputs["said"].startswith("PhaseFailed: phase work")
    assert play.then.task("finally/tidy").outputs == {"said": "finally is Failed"}


async def test_after_success_only_finally_tasks_follow(play: Play) -> None:
    alarm = a_task("alarm", agent="echo")
    given_flow(play, a_step("work", [a_task("a", agent="echo")]), finally_=[TIDY])
    play.workflows["flow"]["spec"]["onFailure"] = [alarm]
    await play.when.applied()

    status = await play.then.workflow_ends("Succeeded")

    assert status["progress"] == "1/1"
    ran(play, {"work/a": 1, "finally/tidy": 1})
    assert play.then.task("finally/tidy").outputs == {"how": "Succeeded"}


async def test_after_a_cancel_what_ran_is_stopped_and_finally_tasks_run(play: Play) -> None:
    first = a_step("work", [a_task("a", agent="holder")])
    later = a_step("later", [a_task("b", agent="echo")], depends_on=["work"])
    given_flow(play, first, later, finally_=[TIDY])
    await play.when.applied()
    await play.then.task("work/a").pod_in("Running")

    await applied(play, "Cancel", reason="not needed any more")

    status = await play.then.workflow_ends("Cancelled", reason="Cancelled")
    assert status["message"].endswith("kubernetes-admin: not needed any more")
    assert steps_of(status) == {"work": "Cancelled", "later": "Cancelled", "finally": "Succeeded"}
    ran(play, {"work/a": 1, "finally/tidy": 1})
    one_after_the_other(play, "work/a", "finally/tidy")
    assert play.then.task("finally/tidy").outputs == {"how": "Cancelled"}


async def test_after_the_deadline_finally_tasks_still_run(play: Play) -> None:
    given_flow(
        play,
        a_step("work", [a_task("a", agent="holder")]),
        active_deadline_seconds=4,
        finally_=[TIDY],
    )
    await play.when.applied()

    status = await play.then.workflow_ends("Failed", reason="DeadlineExceeded")

    assert steps_of(status)["finally"] == "Succeeded"
    ran(play, {"work/a": 1, "finally/tidy": 1})
    one_after_the_other(play, "work/a", "finally/tidy")


async def test_a_failure_stops_what_runs_elsewhere_if_it_is_told_to(play: Play) -> None:
    play.given.agent("late", FAILS_WHEN_LET_GO)
    given_flow(
        play,
        a_step("one", [a_task("long", agent="holder"), a_task("next", depends_on=["long"])]),
        a_step("two", [a_task("bad", agent="late")]),
        on_failure_running="Cancel",
    )
    play.given.agent()
    await play.when.applied()
    await play.then.task("one/long").pod_in("Running")
    bad = await play.then.task("two/bad").pod_in("Running")
    await play.when.let_go(bad["metadata"]["name"])

    status = await play.then.workflow_ends("Failed", reason="PhaseFailed")

    assert steps_of(status) == {"one": "Cancelled", "two": "Failed"}
    ran(play, {"one/long": 1, "two/bad": 1})


async def test_a_failed_phase_is_done_another_way_and_later_ones_see_that(play: Play) -> None:
    play.given.example("fallback/phase-fallback.yaml")
    await play.when.applied()

    status = await play.then.workflow_ends("Succeeded")

    assert status["phases"][0]["fallback"] is True
    expected = {"solve/fast": 2, "solve/prepare": 1, "solve/thorough": 1, "publish/announce": 1}
    ran(play, expected, "fallback")
    order = ("solve/fast", "solve/prepare", "solve/thorough", "publish/announce")
    one_after_the_other(play, *order, workflow="fallback")
    assert play.then.task("publish/announce").outputs == {"by": "thorough"}


async def test_conditions_and_leave_to_fail_decide_which_phases_run(play: Play) -> None:
    small = "phases.first.outputs.a.n < 9"
    seen = {"n": "${phases.risky.outputs.r.n}", "m": "${phases.small.outputs.s.m}"}
    given_flow(
        play,
        a_step("first", [a_task("a", agent="echo", input={"n": 5})]),
        a_step("big", [a_task("b", agent="echo")], depends_on=["first"], when=f"!({small})"),
        a_step("after", [a_task("c", agent="echo")], depends_on=["big"]),
        a_step(
            "small",
            [a_task("s", agent="echo", input={"m": 1})],
            depends_on=["first"],
            when=small,
        ),
        a_step("risky", [a_task("r", agent="broken")], allow_failure=True),
        a_step(
            "last",
            [a_task("z", agent="echo", input=seen)],
            depends_on=["big", "small", "risky"],
        ),
    )
    await play.when.applied()

    status = await play.then.workflow_ends("Succeeded")

    reasons = {step["name"]: step.get("reason") for step in status["phases"]}
    assert (reasons["big"], reasons["after"]) == ("ConditionFalse", "DependencySkipped")
    assert steps_of(status)["risky"] == "Failed"
    ran(play, {"first/a": 1, "small/s": 1, "risky/r": 1, "last/z": 1})
    assert play.then.task("last/z").outputs == {"n": None, "m": 1}
