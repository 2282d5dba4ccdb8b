"""The chain from a task to what blocks it."""

from __future__ import annotations

from typing import Any

import pytest

from builders.specs import (
    AGENT,
    Body,
    a_chain,
    a_choice,
    a_phase,
    a_step,
    a_task,
    a_workflow,
    an_agent,
)
from spectra_operator.core.insight.why import Link, Objects, UnknownPathError, why

CHAIN = a_chain("a", "b", "c")
STEPS = [a_step("one", CHAIN), a_step("two", [a_task("z")], depends_on=["one"])]


def seen(
    tasks: Body | None = None,
    *,
    steps: Body | None = None,
    agents: list[Body] | None = None,
    **status: Any,
) -> Objects:
    """Return a workflow whose phase `one` runs with these statuses of its tasks."""
    workflow = a_workflow(STEPS)
    states = {"one": {"state": "Running"}} | (steps or {})
    workflow["status"] = {
        "state": "Running",
        "phases": [{"name": name} | states.get(name, {}) for name in ("one", "two")],
    } | status
    phase = a_phase(CHAIN) | {"status": {"tasks": tasks or {}}}
    phases = {} if tasks is None else {"one": phase}
    return Objects(workflow, phases, {a["metadata"]["name"]: a for a in agents or []})


def told(objects: Objects, path: str = "") -> list[str]:
    return [str(link) for link in why(objects, path)]


FULL = {"state": "Ready", "reason": "AgentConcurrency", "message": f"agent {AGENT} 3/3"}


def test_a_waiting_task_leads_over_its_dependencies_to_the_limit() -> None:
    agent = an_agent(concurrency=3) | {"status": {"busy": 3, "queued": 2}}
    assert told(seen({"a": FULL}, agents=[agent]), "one/c") == [
        "task one/c is Waiting: it waits for task b",
        "task one/b is Waiting: it waits for task a",
        f"task one/a is Ready: agent {AGENT} 3/3",
        f"agent {AGENT} is busy: 3 of 3 slots in use, 2 items wait for it",
    ]


def test_a_task_of_a_phase_to_come_leads_over_the_phases() -> None:
    running = {"state": "Running", "attempt": 2, "pod": "p-1", "startedAt": "12:00"}
    assert told(seen({"a": running}), "two/z") == [
        "task two/z is Waiting: phase two has not begun",
        "phase two is Waiting: it waits for phase one",
        "phase one is Running: tasks a, b, c not over",
        "task one/a is Running: attempt 2 runs in pod p-1 since 12:00",
    ]


def test_the_workflow_as_a_whole_leads_over_its_critical_path() -> None:
    links = why(seen({"a": FULL}, criticalPath="one/a +3"))
    assert links[0] == Link("workflow flow", "Running", "one/a decides about its end", "one/a")
    assert links[1].what == "task one/a"


def test_without_a_critical_path_the_first_phase_that_runs_is_looked_at() -> None:
    assert told(seen({"a": FULL}))[:2] == [
        "workflow flow is Running: phase one is not over",
        "phase one is Running: tasks a, b, c not over",
    ]


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ("Pending", "waits for agents that do not exist yet: x"),
        ("Suspended", "spec.suspend is true; what runs goes on"),
        ("Rejected", "spec.phases: the phases wait for each other"),
        ("Failed", "phase one: task a failed"),
    ],
)
def test_a_workflow_that_does_not_go_on_says_so_itself(state: str, message: str) -> None:
    assert told(seen(state=state, message=message)) == [f"workflow flow is {state}: {message}"]


def test_an_agent_that_is_missing_or_not_ready_is_the_end_of_the_chain() -> None:
    missing = {"state": "Ready", "reason": "AgentNotFound", "message": "there is no agent"}
    assert told(seen({"a": missing}), "one/a")[-1] == (
        f"agent {AGENT} is missing: no Agent of that name exists in the namespace"
    )
    bad = {"type": "Ready", "status": "False", "message": "spec.template: wrong"}
    agent = an_agent() | {"status": {"conditions": [bad]}}
    assert told(seen({"a": FULL}, agents=[agent]), "one/a")[-1] == (
        f"agent {AGENT} is not ready: spec.template: wrong"
    )


def test_what_holds_an_agents_slots_is_named() -> None:
    tasks = {"a": {"state": "Running"}, "b": FULL}
    agent = an_agent() | {"status": {"busy": 1}}
    assert told(seen(tasks, agents=[agent]), "one/b")[-1] == (
        f"agent {AGENT} is busy: 1 of any number of slots in use; of this workflow it runs one/a"
    )


def test_a_pause_names_its_end_and_what_came_before() -> None:
    paused = {"state": "Backoff", "attempt": 2, "reason": "Error", "message": "exit code 1"}
    assert told(seen({"a": paused | {"notBefore": "12:05"}}), "one/a") == [
        "task one/a is Backoff: attempt 2 ended with Error: exit code 1; the next starts at 12:05"
    ]
    items = {"total": 3, "open": {"1": {"notBefore": "12:07"}, "2": {"notBefore": "12:06"}}}
    assert told(seen({"a": paused | {"items": items}}), "one/a")[0].endswith("at 12:06")


def test_a_task_that_runs_says_what_its_pod_waits_for() -> None:
    pulling = {"state": "Running", "attempt": 1, "reason": "ErrImagePull", "message": "no such tag"}
    assert told(seen({"a": pulling}), "one/a")[0].endswith("; ErrImagePull: no such tag")


def test_a_fan_out_tells_of_its_items_and_their_limit() -> None:
    many = FULL | {"state": "Running", "items": {"total": 9, "running": "0-2"}}
    agent = an_agent(concurrency=3) | {"status": {"busy": 3}}
    lines = told(seen({"a": many}, agents=[agent]), "one/a")
    assert lines[0] == (
        f"task one/a is Running: items 0-2 run, 9 in all; AgentConcurrency: agent {AGENT} 3/3"
    )
    assert lines[1].startswith(f"agent {AGENT} is busy: 3 of 3")


def test_a_skipped_task_leads_to_the_one_that_failed() -> None:
    tasks = {
        "a": {"state": "Failed", "reason": "Error", "message": "exit code 1"},
        "b": {"state": "Skipped", "reason": "DependencyFailed", "message": "a did not succeed"},
    }
    assert told(seen(tasks), "one/b") == [
        "task one/b is Skipped: DependencyFailed: a did not succeed",
        "task one/a is Failed: Error: exit code 1",
    ]


def test_a_failed_phase_leads_to_its_failed_task() -> None:
    tasks = {"a": {"state": "Failed", "reason": "Error", "message": "exit code 1"}}
    failed = {"one": {"state": "Failed", "message": "task a failed"}}
    assert told(seen(tasks, steps=failed), "one") == [
        "phase one is Failed: task a failed",
        "task one/a is Failed: Error: exit code 1",
    ]


def test_what_has_succeeded_is_over() -> None:
    assert told(seen({"a": {"state": "Succeeded"}}), "one/a") == [
        "task one/a is Succeeded: it is over"
    ]


def test_a_ready_phase_without_an_object_says_why_it_was_not_made() -> None:
    ready = {"one": {"state": "Ready", "message": "quota exceeded"}}
    assert told(seen(steps=ready), "one") == ["phase one is Ready: quota exceeded"]


def test_a_workflow_that_nobody_looked_at_has_little_to_tell() -> None:
    assert told(Objects(a_workflow(STEPS)))[0] == "workflow flow is new: phase one is not over"
    assert told(Objects(a_workflow(STEPS)), "one")[0].startswith("phase one is Waiting: it may")


def test_an_unknown_path_names_what_there_is() -> None:
    with pytest.raises(UnknownPathError, match="no phase three; it has one, two"):
        why(seen(), "three")
    with pytest.raises(UnknownPathError, match="phase one has no task x; it has a, b, c"):
        why(seen({}), "one/x")


def test_the_end_of_the_chain_leads_nowhere() -> None:
    links = why(seen({"a": FULL}), "one/c")
    assert [link.next for link in links] == ["one/b", "one/a", f"agent:{AGENT}", ""]


def test_a_task_that_runs_says_why_its_agent_was_chosen() -> None:
    running = {"state": "Running", "agent": "b", "selection": "b: Balance, 0 of 4 busy"}
    assert "; chosen: b: Balance, 0 of 4 busy" in told(seen({"a": running}), "one/a")[0]


def test_where_no_agent_is_free_the_chain_ends_with_their_names() -> None:
    text = "no agent with able has a free slot: agent x 1/1; agent y 1/1"
    full = {"state": "Ready", "reason": "NoFreeAgent", "message": text}
    assert told(seen({"a": full}), "one/a") == [f"task one/a is Ready: {text}"]


def test_what_holds_slots_is_asked_of_tasks_that_name_no_agent_too() -> None:
    phase = a_phase([a_choice("any"), a_task("held")])
    phase["status"] = {
        "tasks": {
            "any": {"state": "Running"},
            "held": {"state": "Ready", "reason": "AgentConcurrency", "message": "full"},
        }
    }
    objects = seen({}, agents=[an_agent(concurrency=1)])
    shown = Objects(objects.workflow, {"one": phase}, objects.agents)
    assert told(shown, "one/held")[-1].startswith(f"agent {AGENT} is busy")
