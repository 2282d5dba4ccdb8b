"""What could break the bound of a rollout, or hold it up: refusals, lost answers, edits, deaths."""

from __future__ import annotations

from typing import Any

from builders.engine import World, a_running_world
from builders.fake_api.faults import Call, CommitThenCut, HoldRequest, Match, Refuse
from builders.kubelet import fails, hangs
from builders.specs import NAMESPACE, Body, a_phase, a_retry, a_task
from builders.workers import Deed
from component.rollout.rollout_cases import (
    BOUND,
    GOOD,
    NEXT,
    a_pool,
    begun_with,
    change_image,
    events,
    peeked,
    rollout,
    the_work,
    well,
)
from component.rollout.test_rollout_pods import images, pods_agent
from spectra_operator.engine.keys import AGENTS
from spectra_operator.kube.resources import CONTROLLER_REVISIONS

FORBIDDEN = Refuse(403, "Forbidden", "image policy denies example/worker:2")
INVALID = Refuse(422, "Invalid", "spec.nodeSelector: bad")
BROKEN = Refuse(500, "InternalError", "no agents today")


def of_the_next(call: Call) -> bool:
    """Whether a call creates a pod of the revision under way."""
    body = call.body if (call.verb, call.plural) == ("create", "pods") else None
    return any(each["image"] == NEXT for each in body["spec"]["containers"]) if body else False


def with_counts(call: Call) -> bool:
    """Whether a call writes what is counted of a revision."""
    is_status = (call.plural, call.subresource) == ("agents", "status")
    status = (call.body or {}).get("status") or {} if is_status else {}
    return any(each.get("counted") for each in status.get("revisions") or ())


async def exposed(world: World) -> None:
    """Roll another revision out until it is switched to."""
    await change_image(world)
    await world.until(lambda: peeked(world).get("state") == "Exposed")


async def ready(world: World) -> Body:
    """Return the condition Ready of the agent."""
    found: Body = (await world.agent())["status"]["conditions"][0]
    return found


async def test_a_revision_whose_pods_are_forbidden_holds_nobody_up_and_is_taken_back() -> None:
    async with a_running_world(pods_agent()) as world:
        world.api.fault(of_the_next, FORBIDDEN, times=1000)
        await exposed(world)
        began = world.clock.monotonic()
        await world.apply(the_work(40))

        assert (await world.finished())["state"] == "Succeeded"

        assert world.clock.monotonic() - began < 30  # ten rounds of a second, and a few refusals
        await world.until(lambda: peeked(world)["state"] == "RolledBack")
        found = await rollout(world)
        assert (found["reason"], "pods were refused" in found["message"]) == (
            "WorkersCrashing",
            True,
        )


async def test_a_pod_of_an_unproven_revision_that_can_never_be_ends_no_task() -> None:
    async with a_running_world(pods_agent()) as world:
        world.api.fault(of_the_next, INVALID, times=1000)
        await exposed(world)
        await world.apply(a_phase([a_task("once", count=8)]))

        assert (await world.phase_finished())["state"] == "Succeeded"

        assert images(world) == {GOOD: 8}


async def test_a_full_quota_says_nothing_of_the_revision() -> None:
    full = Refuse(403, "Forbidden", "exceeded quota: pods=10")
    async with a_running_world(pods_agent()) as world:
        world.api.fault(of_the_next, full, times=8)
        await exposed(world)
        await world.apply(the_work(40))
        await world.finished()
        await world.during(60)
        await world.apply(a_phase([a_task("more", count=20, retry=a_retry(3))]))
        await world.phase_finished()

        assert peeked(world)["state"] in ("Exposed", "Promoted")
        assert "WorkersCrashing" not in await events(world)


async def test_a_death_between_a_verdict_and_its_record_keeps_the_bound() -> None:
    judged = {"minTasks": 4, "conditions": ["failureRatio <= 0.2"]}
    agent = pods_agent(rollout={"maxUnproven": 12, "analysis": judged})
    async with a_running_world(agent) as world:
        world.kubelet.habits = {NEXT: lambda _: fails()}
        await exposed(world)
        world.api.fault(Match("update", "agents"), BROKEN, times=100_000)
        await world.apply(the_work(40))
        await world.until(lambda: images(world)[NEXT] >= 4)
        await world.during(60)
        world.operator.kill()
        world.api.clear_faults()

        await world.start()
        await world.apply(a_phase([a_task("more", count=40, retry=a_retry(20))]))
        await world.phase_finished(seconds=900)

        assert images(world)[NEXT] <= 12


async def test_a_lost_answer_to_the_write_of_a_count_holds_no_pod() -> None:
    async with a_running_world(pods_agent()) as world:
        await exposed(world)
        world.api.fault(with_counts, CommitThenCut(), times=1)
        await world.apply(a_phase([a_task("one")]))

        await world.phase_finished(seconds=60)


async def test_a_spec_that_cannot_be_read_promotes_nothing() -> None:
    async with a_running_world(pods_agent()) as world:
        await exposed(world)
        await world.change("Agent", "worker", mode="Swarm")
        await world.during(30)

        assert peeked(world)["state"] == "Exposed"


async def test_an_exposed_revision_keeps_its_bound_when_the_stable_one_is_gone() -> None:
    async with a_running_world(pods_agent()) as world:
        world.kubelet.habits = {NEXT: lambda _: fails()}
        await exposed(world)
        stable = (await rollout(world))["stable"]
        await world.api.delete(CONTROLLER_REVISIONS, f"worker-{stable}", NAMESPACE)
        world.operator.kill()
        await world.start()
        await world.apply(the_work(10))
        await world.during(300)

        assert 0 < images(world)[NEXT] <= BOUND
        condition = await ready(world)
        assert (condition["status"], condition["reason"]) == ("False", "RevisionLost")
        assert stable in condition["message"]

        world.kubelet.habits = {}
        await change_image(world, "example/worker:3")
        assert (await world.finished())["state"] == "Succeeded"


async def spoilt(world: World) -> str:
    """Let somebody replace the stored template of the stable revision by what is none."""
    stable: str = peeked(world)["stable"]
    name = f"worker-{stable}"
    body = await world.api.get(CONTROLLER_REVISIONS, name, NAMESPACE)
    kept = {key: body["metadata"][key] for key in ("name", "namespace", "labels")}
    await world.api.delete(CONTROLLER_REVISIONS, name, NAMESPACE)
    other = body | {"metadata": kept, "data": {"template": {"image": 7}}}
    await world.api.create(CONTROLLER_REVISIONS, other, NAMESPACE)
    return stable


async def test_a_stable_revision_that_cannot_be_read_is_lost_like_one_that_is_gone() -> None:
    async with a_running_world(pods_agent()) as world:
        world.kubelet.habits = {NEXT: lambda _: fails()}
        await exposed(world)
        stable = await spoilt(world)
        world.operator.kill()
        await world.start()
        await world.apply(the_work(10))
        await world.during(300)

        condition = await ready(world)
        assert (condition["status"], condition["reason"]) == ("False", "RevisionLost")
        assert f"{stable} is gone or cannot be read" in condition["message"]
        assert "RevisionLost" in await events(world)

        world.kubelet.habits = {}
        await change_image(world, "example/worker:3")
        assert (await world.finished())["state"] == "Succeeded"


async def test_where_no_rollout_is_exposed_the_spec_takes_the_place_of_what_cannot_be_read() -> (
    None
):
    async with a_running_world(
        pods_agent(rollout={"preGate": {"tasks": [{"task": "a"}]}})
    ) as world:
        world.kubelet.plan("a", hangs())
        await world.until(lambda: peeked(world).get("stable"))
        await change_image(world)
        await world.until(lambda: peeked(world).get("state") == "Preview")
        stable = await spoilt(world)
        world.operator.kill()
        await world.start()
        await world.apply(a_phase([a_task("one")]))

        assert (await world.phase_finished())["state"] == "Succeeded"
        assert peeked(world)["stable"] != stable
        assert images(world)[NEXT] >= 1


async def test_a_lost_revision_of_a_spec_that_cannot_be_read_is_looked_at_when_it_can() -> None:
    async with a_running_world(pods_agent(rollout={"strategy": "Immediate"})) as world:
        await world.until(lambda: peeked(world).get("stable"))
        before = peeked(world)["history"]
        await spoilt(world)
        await world.change("Agent", "worker", mode="Swarm")
        world.operator.kill()
        await world.start()
        await world.during(30)
        assert (await ready(world))["reason"] == "InvalidAgent"
        assert peeked(world)["history"] == before

        await world.change("Agent", "worker", mode="Pod", template={"image": NEXT})
        await world.apply(a_phase([a_task("one")]))
        assert (await world.phase_finished())["state"] == "Succeeded"


async def test_an_active_revision_that_somebody_edited_away_is_the_stable_one() -> None:
    async with a_running_world(pods_agent()) as world:
        await world.until(lambda: peeked(world).get("state"))
        await world.api.patch_status(AGENTS, "worker", {"rollout": {"active": None}}, NAMESPACE)
        await world.apply(the_work(4))

        assert (await world.finished())["state"] == "Succeeded"


async def test_a_late_refusal_of_an_older_template_leaves_the_agent_ready() -> None:
    async with a_running_world(pods_agent(rollout=None)) as world:
        await world.until(lambda: peeked(world).get("state"))
        late = HoldRequest()
        world.api.fault(Match("create", "controllerrevisions"), late, times=1)
        await change_image(world)
        await late.reached()
        await change_image(world, "example/worker:3")
        await world.during(10)
        world.api.fault(Match("create", "controllerrevisions"), FORBIDDEN, times=1)
        late.release()
        await world.during(60)

        assert (await ready(world))["status"] == "True"


async def test_an_agent_made_anew_stores_its_revision_for_itself() -> None:
    async with a_running_world(pods_agent()) as world:
        await world.until(lambda: peeked(world).get("state"))
        await world.delete("Agent", "worker")
        await world.apply(pods_agent())
        await world.until(lambda: peeked(world).get("state"))

        (stored,) = await world.api.objects(CONTROLLER_REVISIONS, NAMESPACE)
        (owner,) = stored["metadata"]["ownerReferences"]
        assert owner["uid"] == (await world.agent())["metadata"]["uid"]


async def test_claims_that_a_revision_gives_back_speak_against_it() -> None:
    async with a_running_world(a_pool()) as world:
        world.workers.habits = {GOOD: well, NEXT: gives_back}
        await exposed(world)
        await world.apply(the_work())

        await world.until(lambda: peeked(world)["state"] == "RolledBack")

        assert begun_with(world, NEXT) <= BOUND
        assert (await rollout(world))["reason"] == "WorkersCrashing"


def gives_back(_document: Any) -> Deed:
    """Give any claim back undone."""
    return Deed(seconds=0.2, gives_back=True)
