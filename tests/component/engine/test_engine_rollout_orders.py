"""Actions about agents: promote, abort, undo, retry; applied once, whatever comes."""

from __future__ import annotations

from typing import Any

import pytest

from builders import actions
from builders.campaign import Death, KillAfter, KillBefore, Tale, but_events
from builders.engine import World, a_running_world
from builders.fake_api.faults import Match, Refuse
from builders.specs import Body, a_workflow, an_action, an_agent
from spectra_operator.core.names import revision_hash
from spectra_operator.engine.keys import ACTIONS, AGENTS

IMAGES = ("example/worker:1", "example/worker:2", "example/worker:3")
FIRST, SECOND, THIRD = (revision_hash({"image": image}) for image in IMAGES)
HELD = {"pause": True}


async def asked(world: World, kind: str, name: str = "please", **fields: Any) -> Body:
    """Ask something of the agent `optimizer`, wait until it is closed, return its status."""
    given = {"target": "optimizer", "target_kind": "Agent"} | fields
    return await actions.asked(world, kind, name, **given)


def rollout_of(world: World) -> Body:
    """Return what the agent's status says of its rollout, for conditions."""
    status = (world.peek(AGENTS, "optimizer") or {}).get("status") or {}
    found: Body = status.get("rollout") or {}
    return found


async def an_agent_at(world: World, *images: str, **rollout: Any) -> None:
    """Apply the agent with the first image, then change it to the others, one after the other."""
    first, *others = images
    await world.apply(an_agent("optimizer", rollout=rollout, template={"image": first}))
    await world.until(lambda: rollout_of(world).get("state") == "Promoted")
    for image in others:
        await changed_to(world, image)


async def changed_to(world: World, image: str) -> None:
    """Change the agent's image, and wait until that is promoted or held."""
    wanted = revision_hash({"image": image})
    await world.change("Agent", "optimizer", template={"image": image})
    await world.until(
        lambda: wanted == rollout_of(world)["stable"] or rollout_of(world)["state"] == "Paused"
    )


async def test_promote_lets_go_what_is_held_and_says_who_asked_and_why() -> None:
    async with a_running_world() as world:
        await an_agent_at(world, *IMAGES[:2], **HELD)
        status = await asked(world, "Promote")

        assert status["state"] == "Applied"
        assert status["message"] == f"revision {SECOND} is stable (Agent optimizer)"
        rollout = rollout_of(world)
        assert (rollout["state"], rollout["reason"]) == ("Promoted", "PromoteRequested")
        assert rollout["history"][-1]["by"] == "alice: because"
        assert [order["verb"] for order in rollout["applied"]] == ["Promote"]
        told = [text for reason, text in await world.events("optimizer") if "Requested" in reason]
        assert len(told) == 1
        assert "alice: because" in told[0]


async def test_abort_leaves_the_work_with_the_stable_revision() -> None:
    async with a_running_world() as world:
        await an_agent_at(world, *IMAGES[:2], **HELD)
        status = await asked(world, "Abort")
        await world.apply(a_workflow(agent="optimizer"))
        await world.finished()

        assert status["message"] == (
            f"revision {SECOND} was given up before the switch; {FIRST} stays (Agent optimizer)"
        )
        assert (rollout_of(world)["state"], rollout_of(world)["rejected"]) == ("Aborted", SECOND)
        assert world.task_now("work")["revision"] == FIRST


async def test_undo_goes_back_to_the_revision_before_or_to_the_one_that_is_named() -> None:
    async with a_running_world() as world:
        await an_agent_at(world, *IMAGES)
        first = await asked(world, "Undo", "one")
        assert first["message"] == f"revision {SECOND} is stable (Agent optimizer)"

        second = await asked(world, "Undo", "two", revision=FIRST)
        assert second["message"] == f"revision {FIRST} is stable (Agent optimizer)"
        await world.apply(a_workflow(agent="optimizer"))
        await world.finished()
        assert world.task_now("work")["revision"] == FIRST
        assert rollout_of(world)["rejected"] == THIRD


async def test_retry_judges_a_rejected_revision_from_the_start() -> None:
    async with a_running_world() as world:
        await an_agent_at(world, *IMAGES[:2], **HELD)
        await asked(world, "Abort", "one")
        status = await asked(world, "Retry", "two")

        assert status["message"] == f"revision {SECOND} is judged from the start (Agent optimizer)"
        assert (rollout_of(world)["state"], rollout_of(world)["preview"]) == ("Paused", SECOND)


@pytest.mark.parametrize(
    ("kind", "fields", "says"),
    [
        ("Promote", {}, "no rollout is under way; use Retry to try a rejected revision again"),
        ("Abort", {}, "no rollout is under way; use Undo to go back to a former revision"),
        ("Undo", {}, "history knows no other revision that was promoted"),
        ("Undo", {"revision": "ghost"}, "history does not know ghost as promoted; change the"),
        ("Retry", {}, "the spec's revision was neither rolled back nor aborted"),
    ],
)
async def test_an_order_without_an_object_is_refused_with_what_to_do(
    kind: str, fields: Body, says: str
) -> None:
    async with a_running_world() as world:
        await an_agent_at(world, IMAGES[0])
        status = await asked(world, kind, **fields)

        assert status["state"] == "Refused"
        assert status["message"].startswith(says)
        assert rollout_of(world)["applied"][0]["refused"].startswith(says)
        assert rollout_of(world)["stable"] == FIRST


async def test_orders_of_one_moment_are_carried_out_in_turn() -> None:
    async with a_running_world() as world:
        await an_agent_at(world, *IMAGES[:2], **HELD)
        about = {"target": "optimizer", "target_kind": "Agent"}
        await world.apply(*(an_action("Abort", f"abort-{n}", **about) for n in range(3)))
        await world.until(lambda: all(actions.is_closed(world, f"abort-{n}") for n in range(3)))

        states = [world.peek(ACTIONS, f"abort-{n}") or {} for n in range(3)]
        assert sorted(each["status"]["state"] for each in states) == ["Applied", *["Refused"] * 2]
        assert len(rollout_of(world)["applied"]) == 3


async def test_an_action_whose_agent_goes_before_it_is_applied_is_refused() -> None:
    async with a_running_world() as world:
        await an_agent_at(world, *IMAGES[:2], **HELD)
        world.api.clear_log()
        refusal = Refuse(500, "InternalError", "the disk is full")
        world.api.fault(Match("update", "agents"), refusal, times=1000)
        about = {"target": "optimizer", "target_kind": "Agent"}
        await world.apply(an_action("Abort", "please", **about))
        await world.until(lambda: world.api.count("update", "agents"))
        assert not actions.is_closed(world, "please")

        await world.delete("Agent", "optimizer")
        await world.until(lambda: actions.is_closed(world, "please"))
        status = (world.peek(ACTIONS, "please") or {})["status"]
        assert (status["state"], status["message"]) == ("Refused", "there is no Agent optimizer")


async def the_end(world: World) -> Any:
    """Return what came of an agent's rollout and of the Actions.

    Without times, and words that tell how far it had come just then.
    """
    rollout = rollout_of(world)
    ends = [(e["revision"], e["outcome"], e.get("by")) for e in rollout["history"]]
    orders = [(o["uid"], o.get("refused")) for o in rollout["applied"]]
    actions = [a["status"]["state"] for a in await world.api.objects(ACTIONS)]
    return rollout["state"], rollout["stable"], rollout["active"], ends, orders, actions


async def ended(world: World) -> Any:
    """Wait until the order is closed; return what came of it, checked."""
    await world.until(lambda: actions.is_closed(world, "please"))
    await world.settle()
    assert world.operator.failed_passes() == 0
    return await the_end(world)


def an_order(kind: str) -> Tale:
    """Return what happens when somebody orders something."""
    rollout: dict[str, Any] = {} if kind == "Undo" else HELD
    about = {"target": "optimizer", "target_kind": "Agent"}
    return Tale(
        an_agent(),
        lambda world: world.apply(an_action(kind, "please", **about)),
        ended,
        lambda world: actions.is_closed(world, "please"),
        before=lambda world: an_agent_at(world, *IMAGES[:2], **rollout),
        chosen=but_events,
    )


@pytest.mark.parametrize("death", [KillBefore, KillAfter], ids=["before", "after"])
@pytest.mark.parametrize("kind", ["Promote", "Abort", "Undo"])
async def test_a_death_at_any_write_applies_an_order_once_all_the_same(
    kind: str, death: Death
) -> None:
    await an_order(kind).dies(death, 2)


async def test_an_agent_that_is_not_there_is_looked_up_and_then_refused() -> None:
    async with a_running_world() as world:
        status = await asked(world, "Promote")

        assert (status["state"], status["message"]) == ("Refused", "there is no Agent optimizer")
        await world.until(lambda: not world.operator.memory())


async def test_another_agent_of_the_same_name_is_left_alone() -> None:
    async with a_running_world() as world:
        await world.apply(an_agent("optimizer"))
        status = await asked(world, "Undo", uid="of-its-predecessor")

        assert status["state"] == "Refused"
        assert status["message"].startswith("Agent optimizer is another one by now: it has the UID")


@pytest.mark.parametrize(
    ("kind", "target", "says"),
    [
        ("Cancel", "Agent", "spec.type: an agent takes Promote, Abort, Undo, Retry"),
        ("Promote", "Workflow", "spec.type: Promote is about the rollout of an agent"),
    ],
)
async def test_what_does_not_fit_the_kind_is_refused_where_no_rule_was_there(
    kind: str, target: str, says: str
) -> None:
    async with a_running_world() as world:
        await world.apply(an_agent("optimizer"))
        status = await asked(world, kind, target_kind=target)

        assert status["state"] == "Refused"
        assert status["message"].startswith(says)


async def test_an_agent_whose_spec_cannot_be_read_takes_no_orders() -> None:
    async with a_running_world() as world:
        body = an_agent("optimizer", mode="Swarm")
        await world.apply(body)
        status = await asked(world, "Promote")

        assert status["state"] == "Refused"
        assert status["message"].startswith("Agent optimizer is not valid (spec.mode: ")
        assert status["message"].endswith("; mend it and ask again")


async def test_an_action_goes_with_its_agent() -> None:
    async with a_running_world() as world:
        await world.apply(an_agent("optimizer", mode="Swarm"))
        await asked(world, "Promote")

        [owner] = (world.peek(ACTIONS, "please") or {})["metadata"]["ownerReferences"]
        assert (owner["kind"], owner["name"]) == ("Agent", "optimizer")
