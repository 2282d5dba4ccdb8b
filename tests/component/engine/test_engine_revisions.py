"""Revisions of agents: nothing starts before its revision is stored, and it says why."""

from __future__ import annotations

from builders.engine import a_world
from builders.fake_api.faults import Match, Refuse
from builders.specs import NAMESPACE, a_phase, a_task, a_workflow, an_agent
from spectra_operator.api import constants as c
from spectra_operator.core.names import revision_hash
from spectra_operator.engine.keys import WORKFLOWS
from spectra_operator.kube.resources import CONTROLLER_REVISIONS


async def test_a_revision_that_cannot_be_stored_holds_its_tasks_and_is_tried_again() -> None:
    async with a_world() as world:
        await world.start()
        refusal = Refuse(403, "Forbidden", "controllerrevisions are forbidden")
        world.api.fault(Match("create", "controllerrevisions"), refusal, times=8)
        await world.apply(an_agent(), a_workflow())
        await world.until(lambda: world.task_now("work").get("reason"))
        assert world.task_now("work")["reason"] == "AgentNotReady"
        assert (await world.finished())["state"] == "Succeeded"
        assert world.api.count("create", "controllerrevisions") == 9


async def test_a_foreign_revision_of_that_name_is_reported_and_never_used() -> None:
    async with a_world() as world:
        agent = an_agent()
        name = f"worker-{revision_hash(agent['spec']['template'])}"
        foreign = {"metadata": {"name": name}, "data": {"template": {"image": "evil"}}}
        await world.api.create(CONTROLLER_REVISIONS, foreign | {"revision": 1}, NAMESPACE)
        await world.start()
        await world.apply(agent, a_workflow())
        await world.during(30)
        assert world.kubelet.births == []
        condition = (await world.agent())["status"]["conditions"][0]
        assert (condition["status"], condition["reason"]) == ("False", "RevisionConflict")
        assert name in condition["message"]


async def test_a_second_start_of_the_operator_makes_no_new_revision() -> None:
    async with a_world() as world:
        await world.apply(an_agent())
        await world.start()
        await world.settle()
        world.operator.kill()
        await world.start()
        await world.apply(a_workflow())
        await world.finished()
        stored = await world.api.objects(CONTROLLER_REVISIONS)
        assert [r["revision"] for r in stored] == [1]


async def test_an_agent_is_found_ready_with_the_time_of_its_turn() -> None:
    async with a_world() as world:
        await world.start()
        await world.during(3)
        await world.apply(an_agent())
        await world.during(10)
        status = (await world.agent())["status"]
        condition, rollout = status["conditions"]
        assert (rollout["status"], rollout["reason"]) == ("False", "FirstRevision")
        assert (condition["type"], condition["status"]) == ("Ready", "True")
        assert condition["lastTransitionTime"] == "2026-01-01T00:00:03Z"
        assert status["activeRevision"] in condition["message"]


async def test_a_phase_whose_spec_cannot_work_is_rejected() -> None:
    async with a_world() as world:
        await world.apply(an_agent())
        await world.start()
        await world.apply(a_phase([a_task("a", depends_on=["gone"])]))
        status = await world.phase_finished()
        assert (status["state"], "spec.tasks[a]" in status["message"]) == ("Rejected", True)
        assert world.kubelet.births == []


async def test_a_finished_workflow_whose_label_was_taken_off_is_labelled_again() -> None:
    async with a_world() as world:
        await world.apply(an_agent())
        await world.start()
        await world.apply(a_workflow())
        await world.finished()
        patch = {"metadata": {"labels": {c.LABEL_FINISHED: None}}}
        await world.api.patch(WORKFLOWS, "flow", patch, NAMESPACE)
        assert not world.is_finished()
        await world.finished()
        await world.until(lambda: not world.operator.memory())
        assert world.kubelet.tasks() == ["work"]
