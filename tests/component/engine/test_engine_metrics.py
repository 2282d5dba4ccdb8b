"""What a scrape says of runs: states, ends, waits, retries, agents, and that it does not grow."""

from __future__ import annotations

from typing import Any

import pytest

from builders.engine import World, a_running_world
from builders.kubelet import fails, ok
from builders.scrapes import Scrape, scrape_of
from builders.specs import a_chain, a_retry, a_step, a_task, a_workflow, an_agent
from builders.workers import Deed


def a_pool(**fields: Any) -> dict[str, Any]:
    """Return an agent with two workers of two slots each."""
    given: dict[str, Any] = {"mode": "Pool", "replicas": 2, "slots": 2} | fields
    return an_agent(**given)


def scrape(world: World) -> Scrape:
    """Return what the replica that was started last says."""
    return scrape_of(world.operator.metrics)


async def test_a_run_is_seen_by_state_while_it_lasts_and_counted_when_it_has_ended() -> None:
    async with a_running_world(an_agent(concurrency=1)) as world:
        world.kubelet.plan("first", ok(seconds=45))
        tasks = [a_task("first"), a_task("second"), a_task("third", depends_on=["first"])]
        await world.apply(
            a_workflow([a_step("build", tasks), a_step("ship", depends_on=["build"])])
        )
        await world.until(lambda: world.task_now("first").get("state") == "Running")

        running = scrape(world)
        assert running.by("spectra_workflows", "state")["Running"] == 1
        assert running.by("spectra_phases", "state") == {"Ready": 0, "Running": 1}
        states = running.by("spectra_tasks", "state")
        assert states == {"Waiting": 1, "Ready": 1, "Running": 1, "Backoff": 0}

        await world.finished()

        ended = scrape(world)
        assert set(ended.by("spectra_workflows", "state").values()) == {0}
        assert set(ended.by("spectra_tasks", "state").values()) == {0}
        assert ended.value("spectra_workflows_ended_total", state="Succeeded", reason="") == 1
        assert ended.value("spectra_phases_ended_total", state="Succeeded", reason="") == 2
        assert ended.value("spectra_tasks_ended_total", state="Succeeded", reason="") == 4
        assert ended.value("spectra_attempts_total", outcome="Succeeded", reason="") == 4


async def test_who_waits_for_a_slot_is_seen_waiting_and_its_wait_is_measured() -> None:
    async with a_running_world(an_agent(concurrency=1)) as world:
        world.kubelet.plan("first", ok(seconds=45))
        await world.apply(a_workflow([a_step("build", [a_task("first"), a_task("second")])]))
        await world.until(lambda: world.task_now("first").get("state") == "Running")
        assert scrape(world).value("spectra_task_queue_duration_seconds_count") == 1
        await world.during(40)
        assert 39 <= scrape(world).value("spectra_task_queue_oldest_age_seconds") <= 42
        await world.finished()

        ended = scrape(world)
        assert ended.value("spectra_task_queue_oldest_age_seconds") == 0
        assert ended.value("spectra_task_queue_duration_seconds_count") == 2
        assert ended.value("spectra_task_queue_duration_seconds_bucket", le="0.1") == 1
        assert ended.value("spectra_task_queue_duration_seconds_bucket", le="60.0") == 2


@pytest.mark.parametrize("agent", [an_agent(), a_pool(replicas=1, slots=3)], ids=["pod", "pool"])
async def test_what_runs_for_long_does_not_wait(agent: dict[str, Any]) -> None:
    async with a_running_world(agent) as world:
        world.kubelet.plan("each", ok(seconds=900))
        world.workers.plan("each", Deed(seconds=900))
        await world.apply(a_workflow([a_step("build", [a_task("each", count=3)])]))
        await world.until(lambda: scrape(world).value("spectra_tasks", state="Running") == 3)
        assert scrape(world).value("spectra_task_queue_oldest_age_seconds") == 0
        await world.during(600)
        assert scrape(world).value("spectra_task_queue_oldest_age_seconds") == 0


async def test_a_workflow_that_is_suspended_does_not_wait() -> None:
    async with a_running_world(an_agent(concurrency=1)) as world:
        world.kubelet.plan("first", ok(seconds=100))
        await world.apply(a_workflow([a_step("build", [a_task("first"), a_task("second")])]))
        await world.during(30)
        assert scrape(world).value("spectra_task_queue_oldest_age_seconds") > 25
        await world.change("Workflow", "flow", suspend=True)
        await world.during(30)
        assert scrape(world).value("spectra_task_queue_oldest_age_seconds") == 0


async def test_failures_and_retries_are_counted_by_their_reason() -> None:
    async with a_running_world() as world:
        world.kubelet.plan("work", fails(), fails(), ok())
        await world.apply(a_workflow([a_step("build", [a_task(retry=a_retry(3, seconds=5))])]))
        await world.finished()

        ended = scrape(world)
        assert ended.value("spectra_attempts_total", outcome="Failed", reason="Error") == 2
        assert ended.value("spectra_retries_total", reason="Error") == 2
        assert ended.value("spectra_tasks_ended_total", state="Succeeded", reason="") == 1
        assert ended.value("spectra_task_queue_duration_seconds_bucket", le="0.1") == 3


async def test_a_failed_workflow_says_why_and_what_it_skipped() -> None:
    async with a_running_world() as world:
        world.kubelet.plan("a", fails())
        await world.apply(a_workflow([a_step("build", a_chain("a", "b", "c"))]))
        await world.finished()

        ended = scrape(world)
        assert ended.sum("spectra_workflows_ended_total", state="Failed") == 1
        assert ended.sum("spectra_phases_ended_total", state="Failed") == 1
        assert ended.value("spectra_tasks_ended_total", state="Failed", reason="Error") == 1
        assert ended.sum("spectra_tasks_ended_total") == 3


async def test_a_word_of_a_worker_is_no_label() -> None:
    async with a_running_world(a_pool()) as world:
        world.workers.plan("work", Deed(succeeded=False))
        await world.apply(a_workflow())
        await world.finished()
        reasons = scrape(world).by("spectra_attempts_total", "reason")
        assert set(reasons) <= {"", "Error", "Timeout", "WorkerSilent", "Other"}


async def test_claims_workers_and_cost_of_a_pool_are_seen() -> None:
    async with a_running_world(a_pool()) as world:
        world.workers.plan("each", Deed(cost="0.25"))
        await world.apply(a_workflow([a_step("build", [a_task("each", count=9)])]))
        await world.finished()
        await world.during(10)

        seen = scrape(world)
        where = {"agent_namespace": "team", "agent": "worker"}
        assert seen.value("spectra_claims") == 0
        assert seen.value("spectra_claims_given_total") == 9
        assert seen.value("spectra_claims_ended_total", outcome="Succeeded") == 9
        assert seen.value("spectra_usage_cost_total") == seen.value(
            "spectra_agent_cost_total", **where
        )
        assert seen.value("spectra_agent_replicas_desired", **where) == 2
        assert seen.value("spectra_agent_replicas_ready", **where) == 2
        assert seen.value("spectra_agent_slots", **where) == 4
        assert seen.value("spectra_agent_success_ratio", **where) == 1
        assert seen.value("spectra_agent_attempts_total", outcome="Succeeded", **where) == 9
        why = {"direction": "up", "reason": "FixedReplicas"}
        assert seen.value("spectra_scaling_decisions_total", **why) == 1
        assert seen.value("spectra_rollouts_total", outcome="Promoted") == 1


async def test_nothing_is_said_of_an_agent_that_is_gone() -> None:
    async with a_running_world(an_agent(), an_agent("spare", uid="spare")) as world:
        await world.settle()
        assert set(scrape(world).by("spectra_agent_tasks_running", "agent")) == {"worker", "spare"}
        await world.delete("Agent", "spare")
        await world.settle()
        assert set(scrape(world).by("spectra_agent_tasks_running", "agent")) == {"worker"}


async def test_a_take_over_is_measured_by_who_takes_over() -> None:
    async with a_running_world() as world:
        first = world.operator
        assert scrape(world).value("spectra_recovery_duration_seconds_count") == 0
        second = await world.start("two", leads=False)
        first.kill()
        await world.until(second.leads)

        seen = scrape(world)
        assert seen.value("spectra_recovery_duration_seconds_count") == 1
        assert 10 <= seen.value("spectra_recovery_duration_seconds_sum") <= 30
        assert seen.value("spectra_leadership_transitions_total", direction="acquired") == 1
        assert seen.value("spectra_shards_held") == seen.value("spectra_shards") == 1


async def test_a_lease_that_is_given_back_is_a_short_recovery_and_a_transition_each() -> None:
    async with a_running_world() as world:
        first = world.operator
        second = await world.start("two", leads=False)
        await first.stop()
        await world.until(second.leads)

        lost = scrape_of(first.metrics)
        assert lost.value("spectra_leadership_transitions_total", direction="lost") == 1
        assert lost.value("spectra_shards_held") == 0
        assert not lost.by("spectra_agent_tasks_running", "agent")
        assert scrape(world).value("spectra_recovery_duration_seconds_sum") < 5


async def test_caches_and_watches_are_seen_by_kind() -> None:
    async with a_running_world() as world:
        await world.settle()
        seen = scrape(world)
        assert set(seen.by("spectra_watch_age_seconds", "kind")) == {
            "Pod",
            "WorkerPod",
            "WorkerPage",
        }
        assert seen.by("spectra_cached_objects", "kind")["Agent"] == 1
        assert seen.value("spectra_effects_pending") == 0


async def test_no_metric_grows_with_the_number_of_workflows_ever_run() -> None:
    async with a_running_world(an_agent(), a_pool() | _named("pool")) as world:
        sizes = []
        for runs in range(12):
            name, failing = f"flow{runs}", runs % 3 == 0
            world.kubelet.plan(f"a{runs}", fails() if failing else ok())
            tasks = [a_task(f"a{runs}"), a_task(f"b{runs}", agent="pool", count=3)]
            phases = [a_step(f"step{runs}", tasks)]
            await world.apply(a_workflow(phases, name=name, uid=f"uid-{runs}"))
            await world.finished(name)
            sizes.append(scrape(world).size)
        assert sizes[3:] == [sizes[3]] * 9


def _named(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "uid": f"uid-of-{name}"}}
