from __future__ import annotations

from builders.specs import Body, a_phase, a_step, a_task, a_workflow
from kubectl_spectra.kinds import PHASES, WORKFLOWS
from kubectl_spectra.view import every_task, phase_view, workflow_view
from spectra_operator.api.phase import TaskState
from unit.cli.cli_cases import (
    a_lone_phase,
    a_ran_phase,
    a_run,
    a_running_workflow,
    a_task_record,
)

TWO = [a_step("build", [a_task("compile")]), a_step("ship", [a_task("push")], depends_on=["build"])]


def test_a_workflow_without_status_shows_all_that_is_to_come() -> None:
    run = workflow_view(a_workflow(TWO), [])

    assert (run.kind, run.state, run.ended) == (WORKFLOWS, "Pending", False)
    assert [(p.name, p.state, p.depends_on) for p in run.phases] == [
        ("build", "Waiting", ()),
        ("ship", "Waiting", ("build",)),
    ]
    assert [task.path for phase in run.phases for task in phase.tasks] == [
        "build/compile",
        "ship/push",
    ]


def test_tasks_of_a_phase_that_runs_come_from_its_object() -> None:
    run = a_run({"compile": a_task_record(TaskState.FAILED, reason="OOMKilled", failed=1)})

    (task,) = run.phases[0].tasks
    assert (task.state, task.status["reason"], task.agent) == ("Failed", "OOMKilled", "worker")


def test_a_phase_that_ended_without_an_object_passes_its_end_on_to_its_tasks() -> None:
    workflow = a_running_workflow(TWO, phases=[{"name": "ship", "state": "Skipped"}])

    run = workflow_view(workflow, [])

    assert [task.state for task in run.phases[1].tasks] == ["Skipped"]


def test_the_object_that_the_status_names_is_taken_when_a_phase_was_run_again() -> None:
    steps = [a_step("build", [a_task("compile")])]
    workflow = a_running_workflow(steps)
    old = a_ran_phase(workflow, {"compile": a_task_record(TaskState.FAILED)})
    new = a_ran_phase(workflow, {"compile": a_task_record(TaskState.RUNNING)})
    new["metadata"]["name"] = "flow-build-again"
    summary = {"name": "build", "state": "Running", "objectName": "flow-build-again", "run": 2}
    workflow["status"]["phases"] = [summary]

    run = workflow_view(workflow, [old, new])

    assert [task.state for task in run.phases[0].tasks] == ["Running"]


def test_phases_of_an_earlier_workflow_of_the_same_name_are_left_out() -> None:
    workflow = a_running_workflow(TWO)
    stale = a_ran_phase(workflow, {"compile": a_task_record()})
    stale["metadata"]["labels"]["spectra.dev/workflow-uid"] = "of-another"

    run = workflow_view(workflow, [stale])

    assert run.phases[0].tasks[0].state == "Waiting"


def test_phases_that_only_the_status_knows_are_shown_too() -> None:
    phases = [{"name": "finally", "state": "Running", "role": "Finally", "objectName": "flow-f"}]
    workflow = a_running_workflow(TWO, phases=phases)
    ended = a_ran_phase(workflow, {"tidy": a_task_record()}, name="finally")
    ended["metadata"]["name"] = "flow-f"
    ended["spec"]["role"] = "Finally"

    run = workflow_view(workflow, [ended])

    assert [(p.name, p.role) for p in run.phases] == [
        ("build", "Main"),
        ("ship", "Main"),
        ("finally", "Finally"),
    ]
    assert [task.name for task in run.phases[2].tasks] == ["tidy"]


def test_the_task_on_the_critical_path_is_known_by_the_status() -> None:
    run = a_run({"a": a_task_record(), "b": a_task_record()}, criticalPath="build/b +9")

    assert [(task.name, task.critical) for task in run.phases[0].tasks] == [
        ("a", False),
        ("b", True),
    ]


def spawned_by(planner: Body, *tasks: str, attempt: int = 1) -> Body:
    """Return the Phase of what the task `plan` of a phase returned."""
    parent = {"uid": planner["metadata"]["uid"], "task": "plan", "attempt": attempt}
    body = a_phase([a_task(task) for task in tasks], name=f"flow-spawned-{attempt}", phase="build")
    body["spec"] |= {"role": "Spawned", "parent": parent}
    return body


def test_what_a_planner_returned_hangs_below_its_task() -> None:
    workflow = a_running_workflow([a_step("build", [a_task("plan")])])
    planned = a_ran_phase(workflow, {"plan": a_task_record()})

    run = workflow_view(workflow, [spawned_by(planned, "one"), planned])

    (task,) = run.phases[0].tasks
    assert task.spawned is not None
    assert [(t.name, t.state) for t in task.spawned.tasks] == [("one", "Waiting")]
    assert task.spawned.role == "Spawned"
    assert [t.path for t in every_task(run.phases)] == ["build/plan", "build/one"]


def test_of_several_plans_the_last_attempts_is_shown() -> None:
    workflow = a_running_workflow([a_step("build", [a_task("plan")])])
    planned = a_ran_phase(workflow, {"plan": a_task_record(attempt=2)})
    plans = [spawned_by(planned, "new", attempt=2), spawned_by(planned, "old")]

    run = workflow_view(workflow, [*plans, planned])

    assert [t.name for t in every_task(run.phases)] == ["plan", "new"]


def test_a_phase_that_stands_alone_is_a_run_of_its_own() -> None:
    run = phase_view(a_lone_phase(work=a_task_record()))

    assert (run.kind, run.name, run.state, run.title) == (PHASES, "stage", "Running", "phase/stage")
    assert [task.path for task in run.phases[0].tasks] == ["work"]
