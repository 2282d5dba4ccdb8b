"""What probes and the status page say of a running operator."""

from __future__ import annotations

from typing import Any

from builders.engine import World, a_running_world
from builders.kubelet import hangs
from builders.replica import Operator
from builders.specs import NAMESPACE, a_step, a_task, a_workflow, an_agent
from builders.workers import Deed
from spectra_operator.engine.insides import ails, insides, waits_for
from spectra_operator.observability.debug_page import render_html, render_json


def shown(operator: Operator, world: World) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of the status page by table."""
    return {
        table.title: [dict(zip(table.columns, row, strict=True)) for row in table.rows]
        for table in insides(operator.engine, world.clock, 0.25)
    }


def values(table: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a table of names and values as one mapping."""
    return {str(row[first]): row[second] for row in table for first, second in [tuple(row)]}


async def test_a_replica_that_leads_is_shown_with_all_it_does(world: World) -> None:
    world.kubelet.plan("a", hangs())
    await world.apply(a_workflow([a_step("build", [a_task("a"), a_task("b")])]))
    await world.until(lambda: world.task_now("a").get("state") == "Running")

    page = shown(world.operator, world)

    (shard,) = page["shards"]
    assert (shard["held"], shard["startsWork"]) == (True, True)
    assert shard["heldSeconds"] >= 0
    caches = values(page["caches"])
    assert caches["Workflow objects"] == caches["Phase objects"] == 1
    assert caches["phases being carried out"] == 1
    watched = {row["follows"]: row for row in page["watches"]}
    assert len(watched) == len(page["watches"])
    assert watched["pods of tasks"]["synced"]
    resources = {name: row["resource"] for name, row in watched.items() if row["synced"]}
    assert resources["pods of tasks"] == resources["pods of workers"] == "pods"
    assert resources["pages of workers"] == "leases"
    assert values(page["queues"])["keys whose last pass failed"] == 0
    assert values(page["queues"])["seconds that the event loop was late, at most, in the last 10"]


async def test_pools_are_shown_by_agent_with_their_workers_states(world: World) -> None:
    world.workers.plan("a", Deed(seconds=1000))
    await world.apply(
        an_agent("warm", mode="Pool", replicas=2),
        a_workflow([a_step("build", [a_task("a", agent="warm")])]),
    )
    await world.until(lambda: world.task_now("a").get("state") == "Running")

    (row,) = shown(world.operator, world)["pools"]

    assert (row["namespace"], row["agent"], row["workers"]) == (NAMESPACE, "warm", 2)
    assert row["states"] == "2 Ready"
    assert row["claims"] == 1


async def test_a_standby_is_alive_and_ready_and_leads_nothing(world: World) -> None:
    standby = await world.start("two", leads=False)

    assert (ails(standby.engine, 0.0), waits_for(standby.engine)) == ("", "")
    (shard,) = shown(standby, world)["shards"]
    assert (shard["held"], shard["startsWork"], shard["heldSeconds"]) == (False, False, None)


async def test_a_replica_is_not_ready_before_its_caches_are_filled(world: World) -> None:
    other = Operator(world.api, world.clock, "two")
    try:
        assert waits_for(other.engine).startswith(
            "waits for the caches of pods of tasks, pods of workers, pages of workers, or"
        )
        assert ails(other.engine, 0.0) == ""
    finally:
        await other.close()


async def test_a_late_loop_and_a_silent_watch_end_the_process() -> None:
    async with a_running_world() as world:
        engine = world.operator.engine
        assert ails(engine, 4.9) == ""
        assert ails(engine, 5.1) == "the event loop is 5.1 s late"

        world.clock.advance(200)

        assert ails(engine, 0.0) == "the watch of pods of tasks has been silent for 200 s"


async def test_no_value_of_a_spec_is_on_the_page(world: World) -> None:
    secret = "hunter2-hunter2"
    world.kubelet.plan("a", hangs())
    agent = an_agent("keeper", template={"env": [{"name": "PASSWORD", "value": secret}]})
    flow = a_workflow([a_step("build", [a_task("a", agent="keeper", input={"token": secret})])])
    await world.apply(agent, flow)
    await world.until(lambda: world.task_now("a").get("state") == "Running")

    tables = insides(world.operator.engine, world.clock, 0.0)

    assert secret not in render_html("x", tables)
    assert secret not in render_json(tables)
