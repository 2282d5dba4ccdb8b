from __future__ import annotations

from dataclasses import replace

import pytest

from builders.pods import at
from builders.records import a_fan_out
from builders.specs import Body, a_choice, a_step, a_task
from kubectl_spectra.view import TaskRow, phase_view, workflow_view
from spectra_operator.api.phase import TaskState
from spectra_operator.core import indexes
from spectra_operator.core.attempts.progress import Progress
from spectra_operator.core.phase.records import Item
from spectra_operator.core.workflow.status import render_workflow
from unit.cli.cli_cases import (
    NOW,
    a_lone_phase,
    a_ran_phase,
    a_run,
    a_running_workflow,
    a_task_record,
    drawn,
    lines_with,
)
from unit.core.workflow_cases import FAILED, ROW, decided


def test_the_first_line_says_how_the_run_stands() -> None:
    text = drawn(
        a_run({"a": a_task_record()}, progress="0/1", percent=40, eta="40s", etaP90="1m",
              criticalPath="build/a +2", run=2)
    )  # fmt: skip

    first = text.splitlines()[0]
    assert first.startswith("Workflow flow  Running  0/1  40%")
    assert "  about 40s left, 9 of 10 times within 1m  critical" in first
    assert "critical: build/a +2" in first
    assert first.endswith("run 2")


def test_a_running_task_shows_agent_attempt_and_time() -> None:
    text = drawn(a_run({"compile": a_task_record(attempt=2, failures=1, reason="Error")}))

    (line,) = lines_with(text, "compile")
    assert "compile  worker  Running  attempt 2  50s  Error" in line


def test_a_running_task_shows_how_far_it_is() -> None:
    one = a_task_record(progress=Progress(40, "half way"))
    many = a_fan_out(10, state=TaskState.RUNNING, succeeded=0b111, progress=Progress(0))
    said = a_task_record(progress=Progress(None, "warming\nup"))

    text = drawn(a_run({"one": one, "many": many, "said": said}))

    assert "Running 40% half way  50s" in lines_with(text, "one")[0]
    assert "Running 0%  3/10" in lines_with(text, "many")[0]
    assert "Running warming up  50s" in lines_with(text, "said")[0]


def test_a_failed_task_says_why() -> None:
    record = a_task_record(TaskState.FAILED, failed=1, reason="OOMKilled", message="exit code 137")

    (line,) = lines_with(drawn(a_run({"compile": record})), "compile")

    assert line.endswith("Failed  4s  OOMKilled: exit code 137")


def test_a_task_that_succeeded_is_not_explained() -> None:
    record = a_task_record(TaskState.SUCCEEDED, message="all 12 files compiled")

    assert "files compiled" not in drawn(a_run({"compile": record}))


def test_a_ready_task_names_the_limit_that_blocks_it() -> None:
    record = a_task_record(
        TaskState.READY, attempt=0, started_at=None, reason="AgentConcurrency",
        message="agent worker 3/3",
    )  # fmt: skip

    (line,) = lines_with(drawn(a_run({"compile": record})), "compile")

    assert line.endswith("Ready  AgentConcurrency: agent worker 3/3")


def test_a_task_that_pauses_says_when_it_goes_on() -> None:
    pause = Item(TaskState.BACKOFF, 1, 1, 0, at(75), "Error")
    record = a_task_record(TaskState.BACKOFF, failures=1, reason="Error", open={0: pause})

    (line,) = lines_with(drawn(a_run({"compile": record})), "compile")

    assert "Backoff" in line
    assert "again in 15s" in line


def test_what_is_to_come_says_what_it_waits_for() -> None:
    steps = [
        a_step("build", [a_task("a"), a_task("b", depends_on=["a"])]),
        a_step("ship", depends_on=["build"]),
    ]
    text = drawn(workflow_view(a_running_workflow(steps), []))

    assert lines_with(text, "○ b  worker")[0].endswith("Waiting  for a")
    assert lines_with(text, "○ ship")[0].endswith("Waiting  for build")


def test_items_are_shown_as_ranges_and_those_that_pause_with_their_reason() -> None:
    record = a_fan_out(
        10,
        state=TaskState.RUNNING,
        succeeded=indexes.parse("0-3,7"),
        failed=indexes.parse("4"),
        open={5: Item(TaskState.RUNNING, 1), 6: Item(TaskState.BACKOFF, 2, 2, 0, at(70), "Error")},
    )

    text = drawn(a_run({"count": record}))

    assert "5/10" in lines_with(text, "● count")[0]
    assert lines_with(text, "running 5")
    assert lines_with(text, "failed 4")
    assert lines_with(text, "succeeded 0-3,7")
    assert lines_with(text, "item 6 Backoff attempt 2: Error")


def test_ten_thousand_items_take_a_few_short_lines() -> None:
    every_other = sum(1 << n for n in range(0, 10_000, 2))
    paused = {n: Item(TaskState.BACKOFF, 1, 1, 0, at(70), "Error") for n in range(1, 400, 2)}
    record = a_fan_out(10_000, state=TaskState.RUNNING, succeeded=every_other, open=paused)
    run = a_run({"count": record})

    text = drawn(run)

    assert len(text.splitlines()) < 15
    assert max(len(line) for line in text.splitlines()) < 150
    assert lines_with(text, "195 more items wait")
    assert len(drawn(run, everything=True)) > 20_000


def test_a_thousand_tasks_are_folded_and_those_that_tell_something_stay() -> None:
    tasks = {f"task-{n}": a_task_record(TaskState.SUCCEEDED) for n in range(1000)}
    tasks["task-700"] = a_task_record(TaskState.FAILED, failed=1, reason="Error")
    tasks["task-900"] = a_task_record(TaskState.RUNNING)
    run = a_run(tasks)

    text = drawn(run)

    assert len(text.splitlines()) < 35
    assert lines_with(text, "task-700")
    assert lines_with(text, "task-900")
    assert lines_with(text, "… 976 more tasks: 976 Succeeded; --all shows them")
    assert len(drawn(run, everything=True).splitlines()) == 1002


def test_phases_show_milestones_slack_and_lateness() -> None:
    steps = [a_step("build", plan={"milestone": "Built"}), a_step("ship")]
    phases = [
        {"name": "build", "state": "Running", "critical": True, "late": "2d", "milestone": "Late"},
        {"name": "ship", "state": "Waiting", "slack": "3m", "message": "for build"},
    ]

    text = drawn(workflow_view(a_running_workflow(steps, phases=phases), []))

    assert "critical  late 2d  milestone Built: Late" in lines_with(text, "● build")[0]
    assert "slack 3m  for build" in lines_with(text, "○ ship")[0]


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (
            {"eta": "40s", "etaP90": "47s", "samples": 64},
            "left, 9 of 10 times within 47s (64 samples)",
        ),
        ({"eta": "40s", "etaP90": "40s", "samples": 1}, "about 40s left (1 sample)"),
        ({"eta": "7d", "etaP90": "7d", "samples": 0}, "about 7d left (as planned)"),
    ],
)
def test_an_estimate_says_on_what_it_rests(status: Body, said: str) -> None:
    assert drawn(a_run({"a": a_task_record()}, **status)).splitlines()[0].endswith(said)


def test_without_an_estimate_nothing_is_said_of_the_rest() -> None:
    assert "left" not in drawn(a_run({"a": a_task_record()}, percent=40, criticalPath="build/a"))


def test_what_is_held_or_skipped_says_why_once() -> None:
    known = decided({"first": FAILED}, failure_policy="Continue").record
    status = render_workflow(known, NOW)
    held = {"state": "Ready", "reason": "Suspended", "message": "spec.suspend is true; it begins"}
    status["phases"].append({"name": "finally", "role": "Finally"} | held)

    text = drawn(workflow_view(a_running_workflow(ROW, phases=status["phases"]), []))

    assert lines_with(text, "second")[0].endswith("DependencyFailed: first did not succeed")
    assert lines_with(text, "finally")[0].endswith("Suspended: spec.suspend is true; it begins")


def test_phases_of_another_role_say_so() -> None:
    phases = [{"name": "finally", "state": "Running", "role": "Finally"}]

    text = drawn(workflow_view(a_running_workflow(phases=phases), []))

    assert lines_with(text, "finally (Finally)  Running")


def test_what_a_planner_returned_is_drawn_below_it() -> None:
    workflow = a_running_workflow([a_step("build", [a_task("plan")])])
    body = a_ran_phase(workflow, {"plan": a_task_record()})
    body["status"]["tasks"]["plan"]["fallback"] = 1
    parent = {"uid": body["metadata"]["uid"], "task": "plan"}
    made = {
        "metadata": {"name": "made", "uid": "u2"},
        "spec": {"phase": "plan", "role": "Spawned", "parent": parent, "tasks": [a_task("one")]},
    }

    text = drawn(workflow_view(workflow, [body, made]))

    assert lines_with(text, "● plan")[0].endswith("fallback 1")
    places = [text.index(part) for part in ("● plan", "◌ spawned  Ready", "○ one")]
    assert places == sorted(places)


def test_a_phase_that_stands_alone_has_its_tasks_at_the_trunk() -> None:
    text = drawn(phase_view(a_lone_phase(work=a_task_record())))

    first, second = text.splitlines()
    assert first.startswith("Phase stage  Running  0/1")
    assert second.startswith("└── ● work  worker  Running")


def test_without_unicode_states_are_marked_in_ascii() -> None:
    text = drawn(a_run({"a": a_task_record(TaskState.FAILED, failed=1)}), ascii=True)

    assert lines_with(text, "x a  worker  Failed")


@pytest.mark.parametrize("name", ["[bold]", "[/]", "a[red]b"])
def test_markup_in_messages_is_shown_and_not_obeyed(name: str) -> None:
    record = a_task_record(TaskState.FAILED, failed=1, reason="Error", message=f"key {name}")

    assert lines_with(drawn(a_run({"a": record})), f"key {name}")


def test_a_task_whose_agent_is_still_to_be_chosen_says_what_it_requires() -> None:
    row = TaskRow("build", "work", "Waiting", a_choice("work", "ocr", "gpu"), {})
    assert row.agent == "any with gpu and ocr"
    assert replace(row, status={"agent": "reader"}).agent == "reader"
