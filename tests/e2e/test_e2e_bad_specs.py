"""Specs that cannot work: refused or rejected with the field named, and never a pod."""

from __future__ import annotations

from typing import Any

import pytest

from builders.specs import a_parameter, a_step, a_task
from e2e.harness import bodies
from e2e.harness.play import Play
from spectra_operator.kube.errors import Invalid

Body = dict[str, Any]

CYCLE = [a_task("a", depends_on=["b"]), a_task("b", depends_on=["a"])]
NESTED = [a_task("a"), a_task("b", input={"x": "${tasks.a.outputs.y}"})]


def _flow(tasks: list[Body], **fields: Any) -> Body:
    return bodies.one_phase("bad", tasks, **fields)


REJECTED = {
    "tasks that wait for each other": (
        _flow(CYCLE),
        ("DependencyCycle", "spec.phases[work].tasks[a].dependsOn"),
    ),
    "a task that waits for itself": (
        _flow([a_task("a", depends_on=["a"])]),
        ("DependencyCycle", "spec.phases[work].tasks[a].dependsOn"),
    ),
    "an unknown task": (
        _flow([a_task("a", depends_on=["ghost"])]),
        ("UnknownDependency", "spec.phases[work].tasks[a].dependsOn"),
    ),
    "phases that wait for each other": (
        bodies.workflow("bad", [a_step("a", depends_on=["b"]), a_step("b", depends_on=["a"])]),
        ("DependencyCycle", "spec.phases[a].dependsOn"),
    ),
    "an unknown phase": (
        bodies.workflow("bad", [a_step("a", depends_on=["ghost"])]),
        ("UnknownDependency", "spec.phases[a].dependsOn"),
    ),
    "an output of a task that is not waited for": (
        _flow(NESTED),
        ("UnknownReference", "spec.phases[work].tasks[b].input.x"),
    ),
    "an unknown parameter": (
        _flow([a_task("a", input={"x": "${parameters.ghost}"})]),
        ("UnknownReference", "spec.phases[work].tasks[a].input.x"),
    ),
    "a path that is none": (
        _flow([a_task("a", input={"x": "${secrets.a}"})]),
        ("InvalidExpression", "spec.phases[work].tasks[a].input.x"),
    ),
    "a value of the wrong type": (
        _flow([a_task("a")], parameters=[a_parameter("n", "seven", "integer")]),
        ("InvalidParameter", "spec.parameters[n].value"),
    ),
}


@pytest.mark.without_webhook
@pytest.mark.parametrize("what", REJECTED)
async def test_a_workflow_that_can_never_work_is_rejected_with_the_field_named(
    play: Play, what: str
) -> None:
    body, (reason, field) = REJECTED[what]
    play.given.agent()
    play.given.object(body)
    await play.when.applied()

    status = await play.then.workflow_ends("Rejected", reason=reason)

    assert field in status["message"]
    accepted = next(x for x in status["conditions"] if x["type"] == "Accepted")
    assert (accepted["status"], accepted["reason"]) == ("False", reason)
    play.then.no_pod_ever()
    assert not play.world.all("Phase")


@pytest.mark.without_webhook
@pytest.mark.parametrize("file", ["cycle", "unknown-dependency"])
async def test_a_bad_example_is_rejected_and_starts_nothing(play: Play, file: str) -> None:
    play.given.example(f"bad/{file}.yaml")
    await play.when.applied()

    await play.then.workflow_ends("Rejected")

    await play.then.told("Workflow", "Rejected")
    play.then.no_pod_ever()


async def test_two_tasks_of_one_name_are_refused_by_the_webhook(play: Play) -> None:
    play.given.example("bad/duplicate-name.yaml")

    with pytest.raises(Invalid, match=r"spec\.phases\[work\]\.tasks: .* stands twice"):
        await play.when.applied()


async def test_a_workflow_without_its_agent_waits_and_heals_when_the_agent_arrives(
    play: Play,
) -> None:
    play.given.example("bad/missing-agent.yaml")
    await play.when.applied()

    status = await play.then.workflow_shows("Pending", "AgentNotFound")
    assert "nobody" in status["message"]
    play.then.no_pod_ever()
    play.given.agent("nobody")
    await play.when.applied()

    await play.then.workflow_ends("Succeeded")
    play.then.everything_ran_once()


LONG = "n" * 53
REFUSED = {
    "a name over 52 characters": (
        bodies.one_phase(LONG, [a_task()]),
        "metadata.name: at most 52 characters",
    ),
    "an environment variable of ours": (
        bodies.agent(template={"env": [{"name": "SPECTRA_TASK", "value": "x"}]}),
        "names that begin with SPECTRA_ belong to the operator",
    ),
    "a value and a reference": (
        bodies.agent(
            template={
                "env": [
                    {
                        "name": "A",
                        "value": "x",
                        "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}},
                    }
                ]
            }
        ),
        "give value or valueFrom, not both",
    ),
    "no phases": (bodies.workflow("bad", []), "spec.phases"),
    "a name that is no label": (_flow([a_task("Not_A_Label")]), "spec.phases[0].tasks[0].name"),
    "an unknown policy": (_flow([a_task()], failure_policy="Maybe"), "spec.failurePolicy"),
    "a count of zero": (_flow([a_task(count=0)]), "spec.phases[0].tasks[0].count"),
}


@pytest.mark.parametrize("what", REFUSED)
async def test_the_api_server_refuses_what_the_schema_forbids(play: Play, what: str) -> None:
    body, field = REFUSED[what]
    play.given.object(body)

    with pytest.raises(Invalid) as refusal:
        await play.when.applied()

    assert field in str(refusal.value)


async def test_the_phases_of_a_workflow_cannot_be_changed_but_its_levels_can(play: Play) -> None:
    play.given.agent()
    play.given.workflow([a_task()], suspend=True)
    await play.when.applied()

    changed = [a_step("work", [a_task("other")])]
    with pytest.raises(Invalid, match="phases: cannot be changed once applied"):
        await play.when.patched("Workflow", "flow", phases=changed)
    with pytest.raises(Invalid, match="parameters: cannot be changed once applied"):
        await play.when.patched("Workflow", "flow", parameters=[a_parameter("n", "x")])
    await play.when.patched("Workflow", "flow", priority=5, suspend=False)

    await play.then.workflow_ends("Succeeded")
