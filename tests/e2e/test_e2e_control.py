"""What people steer by: suspend, deadlines, values handed from phase to phase."""

from __future__ import annotations

import json

from builders.cluster import Answer
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


def signed(who: str, what: str, why: str = "a test", **spec: object) -> str:
    """Return a merge patch of the spec that says who changes what and why."""
    notes = {"changed-by": who, "changed": what, "change-reason": why}
    annotations = {f"spectra.dev/{name}": text for name, text in notes.items()}
    return json.dumps({"metadata": {"annotations": annotations}, "spec": spec})


async def test_who_changes_a_level_and_why_stands_in_status_and_nobody_signs_for_another(
    play: Play,
) -> None:
    play.given.agent(script=HOLD)
    play.given.workflow([a_task("held")])
    await play.when.applied()
    pod = await play.then.task("work/held").pod_in("Running")
    role = ("--clusterrole=cluster-admin", "--user=grace")
    await play.kubectl("create", "rolebinding", "grace", *role)

    async def as_grace(patch: str) -> Answer:
        command = ("-n", play.namespace, "--as", "grace", "patch", "workflow", "flow")
        return await play.cluster.try_kubectl(*command, "--type=merge", "-p", patch)

    forged = await as_grace(signed("kubernetes-admin", "suspend=true 1", suspend=True))
    honest = await as_grace(signed("grace", "suspend=true 2", "wrong data", suspend=True))
    await play.then.told("Workflow", "Suspended", "by grace: wrong data")
    borrowed = signed("grace", "priority=9 3", priority=9)
    command = ("-n", play.namespace, "patch", "workflow", "flow", "--type=merge", "-p")
    refused = await play.cluster.try_kubectl(*command, borrowed)
    unsigned = '{"spec": {"suspend": false, "priority": 5}}'
    await play.kubectl(*command[2:], unsigned)
    await play.then.told("Workflow", "Resumed", "by kubectl-patch")
    await play.when.let_go(pod["metadata"]["name"])
    status = await play.then.workflow_ends("Succeeded")

    assert "is kubernetes-admin, but you are grace; write your own user name" in forged.err
    assert honest.code == 0, honest.err
    assert "is grace, but you are kubernetes-admin" in refused.err
    assert [(c["field"], c["to"], c["actor"], c.get("reason")) for c in status["changes"]] == [
        ("suspend", "true", "grace", "wrong data"),
        ("suspend", "false", "kubectl-patch", None),
        ("priority", "5", "kubectl-patch", None),
    ]


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
