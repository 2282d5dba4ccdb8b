"""SIGKILL to the operator while tasks run: nothing lost, nothing twice."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from builders.specs import a_step, a_task
from e2e.harness.bodies import HOLD
from e2e.harness.operators import Operators
from e2e.harness.play import Play

pytestmark = [pytest.mark.usefixtures("killing"), pytest.mark.xdist_group("operator")]

MARGIN_SECONDS = 10.0
"""What a take-over may take beyond the Lease: a retry period, two lists, this busy machine."""


def a_run_with_everything_in_flight(play: Play) -> None:
    """A fan-out, a chain, a held task and a second phase: whatever moment is hit, it matters."""
    play.given.agent()
    play.given.agent("holder", HOLD)
    first = a_step(
        "one",
        [
            a_task("held", agent="holder"),
            a_task("many", count=8),
            a_task("after", depends_on=["many"]),
            a_task("last", depends_on=["held", "after"]),
        ],
        parallelism=3,
    )
    play.given.workflow(phases=[first, a_step("two", [a_task("end")], depends_on=["one"])])


async def test_when_all_replicas_are_killed_the_run_goes_on_and_each_task_runs_once(
    play: Play, operators: Operators
) -> None:
    a_run_with_everything_in_flight(play)
    await play.when.applied()
    held = await play.then.task("one/held").pod_in("Running")
    await play.then.until("some items are done", lambda: _ended(play) >= 2 or None)

    before = operators.holder()
    for pod in operators.pods():
        operators.kill(pod)
    await play.when.let_go(held["metadata"]["name"])
    await operators.taken_over(before)

    await play.then.workflow_ends("Succeeded", within=150)
    play.then.everything_ran_once()


async def test_when_the_leader_is_killed_the_other_replica_takes_over_within_the_lease(
    play: Play, operators: Operators, note: Callable[[str], None]
) -> None:
    a_run_with_everything_in_flight(play)
    await play.when.applied()
    held = await play.then.task("one/held").pod_in("Running")
    await play.then.until("some items are done", lambda: _ended(play) >= 2 or None)

    before = operators.holder()
    killed = operators.leader()
    at = time.monotonic()
    operators.kill(killed)
    await play.when.let_go(held["metadata"]["name"])
    after = await operators.taken_over(before)
    seconds = time.monotonic() - at

    note(f"take-over after SIGKILL of the leader: {seconds:.1f} s")
    assert seconds <= operators.lease_seconds() + MARGIN_SECONDS
    assert after.rsplit("_", 1)[0] != killed["metadata"]["name"]
    await play.then.workflow_ends("Succeeded", within=150)
    play.then.everything_ran_once()


async def test_when_the_leader_is_shut_down_it_gives_the_lease_back_and_another_goes_on_at_once(
    play: Play, operators: Operators, note: Callable[[str], None]
) -> None:
    play.given.agent(script=HOLD)
    play.given.workflow([a_task("held"), a_task("next", depends_on=["held"])])
    await play.when.applied()
    held = await play.then.task("work/held").pod_in("Running")

    before = operators.holder()
    at = time.monotonic()
    name = operators.leader()["metadata"]["name"]
    await play.cluster.kubectl("-n", "spectra-system", "delete", "pod", name, "--wait=false")
    await operators.taken_over(before)
    seconds = time.monotonic() - at
    await play.when.let_go(held["metadata"]["name"])
    await play.when.each_let_go(1)

    note(f"hand-over on shutdown of the leader: {seconds:.1f} s")
    assert seconds < operators.lease_seconds()
    await play.then.workflow_ends("Succeeded")
    play.then.everything_ran_once()


def _ended(play: Play) -> int:
    return sum(trail.ended is not None for trail in play.recorder.trails)
