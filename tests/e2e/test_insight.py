"""Progress, estimates and plans, on a real cluster."""

from __future__ import annotations

from typing import Any

from builders.specs import a_chain, a_step
from e2e.harness import bodies
from e2e.harness.bodies import HOLD
from e2e.harness.orders import order_of
from e2e.harness.play import Play

Body = dict[str, Any]

SAMPLES = 2
"""Durations that one run of the chain leaves before its last task has ended."""


class Percents:
    """Keeps what a workflow showed as its percent, in the order in which it was written."""

    def __init__(self, play: Play, name: str) -> None:
        self.seen: list[int] = []
        self._name = name
        play.world.listen("Workflow", self._take)

    def _take(self, _: str, body: Body, __: float) -> None:
        status = body.get("status") or {}
        if body["metadata"]["name"] == self._name and "percent" in status:
            self.seen.append(status["percent"])


def made(name: str) -> Body:
    """Return a workflow that is made from the template."""
    return bodies.workflow(name, []) | {"spec": {"templateRef": {"name": "shape"}}}


async def test_the_second_run_of_a_template_knows_how_long_the_first_one_took(play: Play) -> None:
    play.given.agent(script=HOLD)
    steps = [a_step("work", a_chain("a", "b"))]
    play.given.object(bodies.workflow("shape", steps) | {"kind": "WorkflowTemplate"})
    play.given.object(made("first"))
    await play.when.applied()
    await play.when.each_let_go(2)
    await play.then.workflow_ends("Succeeded", "first")

    def observed() -> Body | None:
        template = play.world.get("WorkflowTemplate", "shape") or {}
        found: Body = (template.get("status") or {}).get("observed") or {}
        return found if len(found) == 2 else None

    seen = await play.then.until("the template remembers both tasks", observed)
    assert set(seen) == {"work/a", "work/b"}

    percents = Percents(play, "second")
    play.given.object(made("second"))
    await play.when.applied()

    def estimated() -> Body | None:
        status: Body = (play.world.get("Workflow", "second") or {}).get("status") or {}
        return status if status.get("samples") and "eta" in status else None

    status = await play.then.until("an estimate", estimated)
    # A task that runs longer than it ever did tells nothing any more: one sample is left.
    assert 1 <= status["samples"] <= SAMPLES
    assert status["criticalPath"] == "work/a +1"
    assert status["eta"].endswith("s")
    assert status["etaP90"].endswith("s")
    [phase] = status["phases"]
    assert (phase["critical"], phase["slack"]) == (True, "0s")
    await play.when.each_let_go(2)

    status = await play.then.workflow_ends("Succeeded", "second")
    assert status["percent"] == 100
    assert not {"eta", "etaP90", "criticalPath"} & status.keys()
    assert percents.seen == sorted(percents.seen)
    assert len(set(percents.seen)) > 2


async def test_percent_stands_still_when_work_is_done_again_and_grows_by_time(play: Play) -> None:
    play.given.agent(script=f'[ "$SPECTRA_ATTEMPT" -gt 1 ] || exit 3; {bodies.PROVE}')
    retry = {"limit": 1, "backoff": {"initialSeconds": 1}}
    play.given.workflow(a_chain("a", "b", "c", retry=retry))
    percents = Percents(play, "flow")
    await play.when.applied()

    await play.then.workflow_ends("Succeeded")

    play.then.everything_ran_once(a=2, b=2, c=2)
    assert percents.seen == sorted(percents.seen)
    assert (percents.seen[0], percents.seen[-1]) == (0, 100)


async def test_a_plan_that_is_kept_and_one_that_is_not_are_told_apart(play: Play) -> None:
    play.given.example("plan/plan.yaml")
    await play.when.applied()

    status = await play.then.workflow_ends("Succeeded")

    field, office = status["phases"]
    assert (field["milestone"], field.get("late")) == ("Reached", None)
    assert office["milestone"] == "Reached"
    assert office["late"].endswith("s")
    await play.then.told("Workflow", "MilestoneReached", "All sites measured")
    late = await play.then.told("Workflow", "MilestoneLate", "Map drawn")
    assert late["type"] == "Warning"
    await play.then.told("Workflow", "MilestoneReached", "Map drawn")
    play.then.everything_ran_once()
    assert order_of(play)[-1] == "office/draw"
