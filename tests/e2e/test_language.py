"""Branching, loops, retries, fallbacks, hand-off and planning, on a real cluster."""

from __future__ import annotations

import json
from typing import Any

from builders.specs import a_task
from e2e.harness.bodies import HOLD
from e2e.harness.orders import applied, one_after_the_other, ran
from e2e.harness.play import Play

Body = dict[str, Any]
NOW: Body = {"backoff": {"initialSeconds": 0}}


async def example_ends(play: Play, name: str, state: str = "Succeeded") -> Body:
    """Run an example's workflow to its end; return its status."""
    play.given.example(f"{name}/{name}.yaml")
    await play.when.applied()
    return await play.then.workflow_ends(state)


async def test_the_branch_that_was_not_taken_is_skipped_and_fails_nothing(play: Play) -> None:
    status = await example_ends(play, "branching")

    tasks = {name: play.then.task(f"load/{name}") for name in ("look", "small", "large", "report")}
    assert tasks["large"].status["reason"] == "ConditionFalse"
    assert tasks["report"].outputs["rows"] == 120
    assert {p["name"]: p["state"] for p in status["phases"]}["archive"] == "Skipped"
    ran(play, {"load/look": 1, "load/small": 1, "load/report": 1}, "branching")
    one_after_the_other(play, "load/look", "load/small", "load/report", workflow="branching")


async def test_each_entry_of_an_output_is_an_item_and_one_may_fail(play: Play) -> None:
    await example_ends(play, "for-each")

    read = play.then.task("book/read").status
    assert (read["items"]["succeeded"], read["items"]["failed"]) == ("0-2,4", "3")
    assert "1 of 5 items failed, as maxFailed allows" in read["message"]
    assert play.then.task("book/total").outputs == {"words": 600}
    items = {f"book/read/{index}": 1 for index in range(5)}
    ran(play, {"book/list": 1, "book/total": 1, **items}, "for-each")
    assert play.recorder.most_at_once() <= 2


async def test_each_combination_is_an_item(play: Play) -> None:
    await example_ends(play, "matrix")

    results = json.loads(play.then.task("try/pack").status["outputs"])
    pairs = [(found["codec"], found["repeat"]) for found in results]
    assert pairs == [(codec, n) for codec in ("bz2", "lzma", "zlib") for n in (1, 100)]
    assert play.then.task("try/best").outputs in results
    ran(play, {"try/best": 1, **{f"try/pack/{n}": 1 for n in range(6)}}, "matrix")


async def test_an_output_that_breaks_its_rule_is_made_again_and_then_handed_on(play: Play) -> None:
    await example_ends(play, "handoff")

    draft = play.then.task("book/draft")
    assert (draft.status["attempt"], draft.status["failures"]) == (2, 1)
    assert play.then.task("book/print").outputs == {
        "printed": "welcome welcome welcome welcome",  # from a ConfigMap
        "copies": 3,
    }
    ran(play, {"book/draft": 2, "book/print": 1}, "handoff")


async def test_an_output_that_stays_wrong_fails_the_task_and_says_why(play: Play) -> None:
    play.given.agent(script='out "{\\"n\\": -1}"')
    task = a_task("make", outputs={"n": {"type": "integer", "rule": "value > 0"}})
    play.given.workflow([task, a_task("use", depends_on=["make"])])
    await play.when.applied()

    await play.then.workflow_ends("Failed")

    shown = play.then.task("work/make").status
    assert shown["reason"] == "OutputInvalid"
    assert shown["message"] == "output n is -1 and breaks its rule 'value > 0'"
    ran(play, {"work/make": 1})


async def test_rules_tell_what_may_pass_from_what_will_not(play: Play) -> None:
    await example_ends(play, "retry-rules")

    assert play.then.task("calls/busy").outputs == {"answeredAt": 3}
    wrong = play.then.task("calls/wrong").status
    assert (wrong["state"], wrong["failures"]) == ("Failed", 1)
    assert "retry.rules[2] says Fail" in wrong["message"]
    ran(play, {"calls/busy": 3, "calls/wrong": 1}, "retry-rules")


async def test_another_agent_does_what_the_first_could_not(play: Play) -> None:
    await example_ends(play, "task-fallback")

    solve = play.then.task("work/solve")
    assert (solve.status["agent"], solve.status["fallback"]) == ("careful", 1)
    assert solve.outputs == {"by": "careful", "steps": 3, "attempt": 3}
    ran(play, {"work/solve": 3, "work/publish": 1}, "task-fallback")


async def test_a_director_has_run_what_it_planned_and_returns_what_came_of_it(play: Play) -> None:
    await example_ends(play, "planner")

    tasks: Body = {}
    for body in play.world.all("Phase"):
        tasks |= body["status"]["tasks"]
    outputs = json.loads(tasks["direct"]["outputs"])
    assert outputs["planned"] == 4
    assert outputs["join"] == {"made": ["a door", "a roof", "a wall"]}
    names = ("direct", "build-roof", "build-wall", "build-door", "join", "announce")
    ran(play, {f"house/{name}": 1 for name in names}, "planner")
    one_after_the_other(
        play, "house/direct", "house/build-roof", "house/join", "house/announce", workflow="planner"
    )


async def test_a_plan_that_names_a_strange_agent_is_refused(play: Play) -> None:
    plan = '{"spawn": [{"name": "x", "agent": "root"}]}'
    play.given.agent(script=f"printf '%s' '{plan}' > /dev/termination-log")
    play.given.workflow([a_task("plan", planner={})])
    await play.when.applied()

    await play.then.workflow_ends("Failed")

    shown = play.then.task("work/plan").status
    assert shown["reason"] == "SpawnInvalid"
    assert "names agent root; planner.agents allows worker" in shown["message"]
    ran(play, {"work/plan": 1})


async def test_past_its_deadline_a_task_is_stopped_and_not_tried_again(play: Play) -> None:
    play.given.agent(script=HOLD)
    play.given.workflow([a_task("slow", active_deadline_seconds=3, retry={"limit": 5, **NOW})])
    await play.when.applied()

    await play.then.workflow_ends("Failed")

    assert play.then.task("work/slow").status["reason"] == "DeadlineExceeded"
    ran(play, {"work/slow": 1})
    await play.then.pods_gone()


async def test_a_failure_can_stop_what_runs(play: Play) -> None:
    play.given.agent("holder", HOLD)
    play.given.agent("broken", "sleep 2; exit 1")
    tasks = [a_task("long", agent="holder"), a_task("bad", agent="broken")]
    play.given.workflow(tasks, on_failure_running="Cancel")
    await play.when.applied()

    await play.then.workflow_ends("Failed")

    assert play.then.task("work/long").status["state"] == "Cancelled"
    ran(play, {"work/long": 1, "work/bad": 1})


async def test_items_that_are_no_list_fail_their_task(play: Play) -> None:
    play.given.agent(script='out "{\\"n\\": 3}"')
    tasks = [
        a_task("list"),
        a_task("each", depends_on=["list"], for_each="${tasks.list.outputs.n}"),
    ]
    play.given.workflow(tasks)
    await play.when.applied()

    await play.then.workflow_ends("Failed")

    shown = play.then.task("work/each").status
    assert (shown["reason"], shown["message"]) == (
        "ItemsInvalid",
        "forEach of task each gives 3; it must give a list",
    )
    ran(play, {"work/list": 1})


async def test_a_retried_fan_out_does_again_only_what_failed(play: Play) -> None:
    once = 'if [ "$SPECTRA_INDEX" = 1 ] && [ "$SPECTRA_ATTEMPT" = 1 ]; then exit 1; fi; '
    play.given.agent(script=once + 'out "{\\"n\\": $SPECTRA_INDEX}"')
    play.given.workflow([a_task("each", count=3)], failure_policy="Continue")
    await play.when.applied()
    await play.then.workflow_ends("Failed")

    await applied(play, "Retry")

    await play.then.workflow_ends("Succeeded")
    assert play.then.task("work/each").status["items"]["succeeded"] == "0-2"
    ran(play, {"work/each/0": 1, "work/each/1": 2, "work/each/2": 1})
