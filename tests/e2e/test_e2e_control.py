"""What people steer by: suspend, deadlines, values handed from phase to phase."""

from __future__ import annotations

from builders.specs import a_parameter, a_step, a_task
from e2e.harness.bodies import HOLD
from e2e.harness.play import Play


async def test_a_suspended_workflow_starts_nothing_until_it_is_resumed(play: Play) -> None:
    play.given.example("suspend.yaml")
    await play.when.applied()

    await play.then.workflow_shows("Suspended")
    play.then.no_pod_ever()
    await play.when.patched("Workflow", "suspend", suspend=False)

    await play.then.workflow_ends("Succeeded")
    await play.then.told("Workflow", "Resumed")
    play.then.everything_ran_once()


async def test_suspending_in_the_middle_lets_what_runs_finish_and_starts_nothing_new(
    play: Play,
) -> None:
    play.given.agent("holder", HOLD)
    play.given.agent()
    play.given.workflow([a_task("first", agent="holder"), a_task("second", depends_on=["first"])])
    await play.when.applied()
    pod = await play.then.task("work/first").pod_in("Running")

    await play.when.patched("Workflow", "flow", suspend=True)
    await play.then.workflow_shows("Suspended")
    await play.when.let_go(pod["metadata"]["name"])
    await play.then.task("work/first").shows(state="Succeeded")
    await play.then.task("work/second").shows(state="Ready", reason="Suspended")
    assert not play.then.task("work/second").trails()
    await play.when.patched("Workflow", "flow", suspend=False)

    await play.then.workflow_ends("Succeeded")
    play.then.everything_ran_once()


async def test_a_workflow_over_its_deadline_stops_what_runs_and_cancels_the_rest(
    play: Play,
) -> None:
    play.given.agent(script=HOLD)
    tasks = [a_task("running"), a_task("waiting", depends_on=["running"])]
    later = a_step("later", [a_task("never")], depends_on=["work"])
    play.given.workflow(phases=[a_step("work", tasks), later], active_deadline_seconds=3)
    await play.when.applied()

    status = await play.then.workflow_ends("Failed", reason="DeadlineExceeded")

    assert {p["name"]: p["state"] for p in status["phases"]}["later"] == "Cancelled"
    assert play.then.task("work/running").status["state"] == "Cancelled"
    play.then.everything_ran_once(waiting=0, never=0)
    await play.then.pods_gone()


ECHO = 'out "$SPECTRA_INPUT"'


async def test_outputs_and_parameters_reach_later_tasks_and_phases_with_their_types(
    play: Play,
) -> None:
    play.given.agent("echo", ECHO)
    first = a_task("make", agent="echo", input={"rows": "${parameters.rows}", "ok": True})
    second = a_task(
        "use",
        agent="echo",
        input={"rows": "${tasks.make.outputs.rows}", "text": "n=${tasks.make.outputs.rows}"},
        depends_on=["make"],
    )
    third = a_task("all", agent="echo", input={"before": "${phases.one.outputs.use}"})
    play.given.workflow(
        phases=[a_step("one", [first, second]), a_step("two", [third], depends_on=["one"])],
        parameters=[a_parameter("rows", 7, "integer")],
    )
    await play.when.applied()

    await play.then.workflow_ends("Succeeded")

    assert play.then.task("one/make").outputs == {"rows": 7, "ok": True}
    assert play.then.task("one/use").outputs == {"rows": 7, "text": "n=7"}
    assert play.then.task("two/all").outputs == {"before": {"rows": 7, "text": "n=7"}}
    play.then.everything_ran_once()


async def test_a_phase_that_stands_alone_runs_without_a_workflow(play: Play) -> None:
    play.given.example("standalone-phase.yaml")
    await play.when.applied()

    def ended() -> dict[str, object] | None:
        status: dict[str, object] = (play.world.get("Phase", "standalone") or {}).get("status", {})
        return status if status.get("finishedAt") else None

    status = await play.then.until("the phase ends", ended)
    assert (status["state"], status["progress"]) == ("Succeeded", "2/2")
