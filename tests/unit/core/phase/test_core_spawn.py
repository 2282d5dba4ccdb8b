"""What may stand in a plan that a planner task returns, and the Phase made from it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from builders.specs import Body, a_phase, a_task
from spectra_operator.api.phase import PhaseSpec
from spectra_operator.core.phase.spawn import depth_of, spawn_problem, spawned_spec
from spectra_operator.core.snapshot import PhaseShape
from spectra_operator.core.spec.compile import compile_phase


def shape(depth: int = 0, planner: Body | None = None, **phase: Any) -> PhaseShape:
    """Return a phase with the task `plan`; `depth` says how deep it lies among plans itself."""
    task = a_task("plan", agent="director", planner={} if planner is None else planner)
    plain = a_task("plain", agent="director")
    if depth:
        phase["role"] = "Spawned"
        phase["parent"] = {"name": "up", "uid": "u", "task": "t", "attempt": 1, "depth": depth}
    return compile_phase(a_phase([task, plain], **phase))


def problem(*tasks: Any, task: str = "plan", depth: int = 0, **planner: Any) -> str:
    """Return why a plan cannot be carried out."""
    return spawn_problem(shape(depth, planner), task, json.dumps(tasks))


def a_step(name: str = "one", agent: str = "director", **fields: Any) -> Body:
    """Return a task of a plan."""
    return a_task(name, agent=agent, **fields)


def test_a_plan_of_good_tasks_has_no_problem() -> None:
    assert problem(a_step(), a_step("two", depends_on=["one"], when="tasks.one.outputs.x")) == ""


def test_only_a_planner_may_return_one() -> None:
    said = problem(a_step(), task="plain")
    assert said == "task plain returned spawn, and has no planner field that allows it"


@pytest.mark.parametrize(("most", "fits"), [(None, 20), (1, 1), (3, 3)])
def test_a_plan_has_no_more_tasks_than_max_tasks(most: int | None, fits: int) -> None:
    leave: Body = {} if most is None else {"maxTasks": most}
    steps = [a_step(f"t{n}") for n in range(fits + 1)]
    assert problem(*steps[:fits], **leave) == ""
    said = problem(*steps, **leave)
    assert said == f"spawn has {fits + 1} tasks; planner.maxTasks allows {fits}"


@pytest.mark.parametrize(
    ("tasks", "said"),
    [
        pytest.param(["no task"], "spawn[0]: ", id="not an object"),
        pytest.param([{"agent": "director"}], "spawn[0].name: Field required", id="without a name"),
        pytest.param(
            [{"name": "x"}], "spawn: spec.tasks[x].agent: is missing", id="without an agent"
        ),
        pytest.param([a_step("X Y")], "spawn[X Y].name: ", id="a name that cannot be"),
        pytest.param([a_step(count=0)], "spawn[one].count: ", id="no items"),
        pytest.param([a_step(), a_step()], "spawn: spec.tasks: 'one' stands twice", id="twice"),
        pytest.param(
            [a_step(depends_on=["gone"])],
            "spawn: spec.tasks[one].dependsOn: there is no task 'gone'",
            id="depends on nothing known",
        ),
        pytest.param(
            [a_step("a", depends_on=["b"]), a_step("b", depends_on=["a"])],
            "spawn: spec.tasks[a].dependsOn: the tasks wait for each other",
            id="a cycle",
        ),
        pytest.param(
            [a_step(input={"x": "${tasks.plain.outputs.x}"})],
            "spawn: spec.tasks[one].input.x: ",
            id="reads a task outside of the plan",
        ),
        pytest.param([a_step(when="1 +")], "spawn: spec.tasks[one].when: ", id="broken condition"),
    ],
)
def test_a_plan_is_checked_as_any_phase_is(tasks: list[Any], said: str) -> None:
    assert problem(*tasks).startswith(said)


def test_by_default_the_tasks_of_a_plan_are_for_the_planner_s_own_agent() -> None:
    assert problem(a_step(agent="coder")) == (
        "spawn: task one names agent coder; planner.agents allows director"
    )


def test_a_plan_names_the_agents_that_the_planner_may_name() -> None:
    leave: Body = {"agents": ["coder", "tester"]}
    assert problem(a_step(agent="coder"), a_step("two", agent="tester"), **leave) == ""
    assert "allows coder, tester" in problem(a_step(agent="director"), **leave)


@pytest.mark.parametrize("field", [{"fallback": [{"agent": "x"}]}, {"compensate": {"agent": "x"}}])
def test_no_agent_gets_into_a_plan_by_another_field(field: Body) -> None:
    assert "names agent x" in problem(a_step(**field))


def test_a_returned_task_may_plan_only_as_deep_as_allowed() -> None:
    planning = a_step(planner={"maxDepth": 1})
    assert problem(planning) == ("spawn: task one plans itself; planner.maxDepth allows 1 level(s)")
    assert problem(planning, maxDepth=2) == ""
    assert "allows 2 level(s)" in problem(planning, maxDepth=2, depth=1)
    assert problem(planning, maxDepth=3, depth=1) == ""


@pytest.mark.parametrize(
    ("wider", "said"),
    [
        ({"maxDepth": 3}, "planner.maxDepth of task one is 3, more than the 2 of its planner"),
        ({"maxTasks": 6}, "planner.maxTasks of task one is 6, more than the 5 of its planner"),
        ({}, "planner.maxTasks of task one is 20, more than the 5 of its planner"),
        ({"agents": ["root"], "maxTasks": 5}, "task one names agent root"),
    ],
)
def test_a_returned_planner_cannot_give_itself_more_leave(wider: Body, said: str) -> None:
    leave: Body = {"maxDepth": 2, "maxTasks": 5}
    assert said in problem(a_step(planner=wider), **leave)
    assert problem(a_step(planner={"maxTasks": 5, "maxDepth": 2}), **leave) == ""


def test_the_phase_of_a_plan_has_the_limits_of_its_planner_s() -> None:
    planner = shape(
        phase="build", priority=7, parallelism=3, parameters={"n": 1}, pod_cleanup={"onSuccess": 5}
    )
    text = json.dumps([a_step(input={"x": "${parameters.n}"})])
    spec = spawned_spec(planner, "plan", text, 2)
    parsed = PhaseSpec.model_validate(spec)
    assert (parsed.role, parsed.phase) == ("Spawned", "build")
    assert (parsed.priority, parsed.parallelism, parsed.parameters) == (7, 3, {"n": 1})
    assert parsed.parent is not None
    assert (parsed.parent.name, parsed.parent.task, parsed.parent.attempt) == ("stage", "plan", 2)
    assert parsed.parent.depth == 1
    assert spec["tasks"] == json.loads(text)


@pytest.mark.parametrize("depth", [0, 1, 4])
def test_each_plan_lies_one_level_deeper(depth: int) -> None:
    planner = shape(depth, {"maxDepth": 5})
    assert depth_of(planner) == depth
    spec = spawned_spec(planner, "plan", "[]", 1)
    assert spec["parent"]["depth"] == depth + 1


def test_what_a_plan_s_phase_does_not_need_is_left_out() -> None:
    spec = spawned_spec(shape(), "plan", "[]", 1)
    assert set(spec) == {"role", "parent", "tasks"}


def test_a_plan_may_use_the_workspace_if_its_planner_s_phase_has_one() -> None:
    steps = json.dumps([a_step(workspace={})])
    roomy = shape(workspace={"claimName": "shared"})
    assert spawn_problem(roomy, "plan", steps) == ""
    assert spawned_spec(roomy, "plan", steps, 1)["workspace"] == {"claimName": "shared"}
    assert "there is none to mount" in spawn_problem(shape(), "plan", steps)
