"""Rollouts on the real cluster: three hundred tasks flow while a bad revision comes and goes."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from builders.cluster import ROOT
from builders.specs import a_retry, a_task
from e2e.harness.bodies import Body
from e2e.harness.following import Follower
from e2e.harness.ledger import Ledger
from e2e.harness.operators import Operators
from e2e.harness.play import Play
from e2e.harness.plugin import Plugin
from e2e.harness.pools import pool, ready_workers
from spectra_operator.kube.access import ClusterAccess
from spectra_operator.kube.resources import LEASES

CODE = """\
import os, time
from spectra_agent import Result, Usage, task, work

env = os.environ

@task
def each(task):
    time.sleep(float(env["SECONDS"]))
    if (task.index * 7 + task.attempt) % 10 < int(env["FAILS_OF_TEN"]):
        raise RuntimeError("release " + env["RELEASE"] + " cannot do this")
    return Result({"release": env["RELEASE"]}, usage=Usage(cost=env["COST"]))

work()
"""
BOUND = 20
TASKS = 300
CONDITIONS = [
    "failureRatio <= 0.1",
    "p95Seconds <= 3 * stable.p95Seconds",
    "costPerTask <= 2 * stable.costPerTask",
]
GOOD = {"RELEASE": "1", "SECONDS": "0.2", "FAILS_OF_TEN": "0", "COST": "0.01"}
BAD = {"RELEASE": "2", "FAILS_OF_TEN": "3"}
SLOW = {"RELEASE": "2", "SECONDS": "2"}
DEAR = {"RELEASE": "2", "COST": "0.05"}


def template(**env: str) -> Body:
    """Return the part of an agent's template in which its releases differ."""
    return {"env": [{"name": name, "value": value} for name, value in (GOOD | env).items()]}


def press(**fields: Any) -> Body:
    """Return the agent at its first release: two workers of four slots."""
    analysis = {"minTasks": 10, "conditions": CONDITIONS}
    rollout = {"maxUnproven": BOUND, "analysis": analysis} | fields.pop("rollout", {})
    given: dict[str, Any] = {"slots": 4, "rollout": rollout, "template": template()} | fields
    return pool(code=CODE, **given)


@pytest_asyncio.fixture
async def ledger(play: Play, access: ClusterAccess) -> AsyncIterator[Ledger]:
    """What the pages of all workers tell from now on."""
    found = Ledger()
    follower = Follower(access, play.namespace, [LEASES])
    follower.listen("Lease", found.lease_event)
    async with follower.running():
        yield found


async def flowing(play: Play, agent: Body, count: int = TASKS) -> None:
    """Let work flow through the first release."""
    play.given.object(agent)
    await work_comes(play, "flow", count)
    await play.then.until("both are ready", lambda: ready_workers(play) == 2 or None)
    await play.then.until("some are done", lambda: done(play) >= 16 or None)


async def work_comes(play: Play, flow: str, count: int = TASKS) -> None:
    """Apply a workflow, beside what was given before."""
    play.given.workflow([a_task("each", count=count, retry=a_retry(10, seconds=1))], name=flow)
    await play.when.applied()


async def release(play: Play, **changes: Any) -> None:
    """Change the template of the agent."""
    spec = (play.world.get("Agent", "worker") or {})["spec"]
    await play.when.patched("Agent", "worker", template=spec["template"] | changes)


def rollout(play: Play, agent: str = "worker") -> Body:
    """Return what an agent's status says of its rollout."""
    status = (play.world.get("Agent", agent) or {}).get("status") or {}
    found: Body = status.get("rollout") or {}
    return found


def done(play: Play) -> int:
    """Return how many items have succeeded."""
    for body in play.world.all("Phase"):
        counts = (body.get("status") or {}).get("counts") or {}
        return int(counts.get("succeeded", 0))
    return 0


async def comes_to(play: Play, state: str, seconds: float = 90) -> Body:
    """Wait until a rollout that is not the first one is in a state."""

    def found() -> Body | None:
        now = rollout(play)
        return now if now.get("number", 0) > 1 and now.get("state") == state else None

    return await play.then.until(f"the rollout is {state}", found, seconds)


async def leader_dies(operators: Operators) -> None:
    """Kill the leader, and wait until another one leads."""
    before = operators.holder()
    operators.kill(operators.leader())
    await operators.taken_over(before)


async def all_done_once(play: Play, ledger: Ledger, unproven: int) -> None:
    """Check what is promised: each task succeeded once, and what was unproven had its bound."""
    for flow in play.workflows:
        status = await play.then.workflow_ends("Succeeded", flow, within=150)
        assert status["counts"]["succeeded"] == TASKS
    assert not ledger.broken
    good = ledger.succeeded()
    assert (len(good), set(good.values())) == (TASKS * len(play.workflows), {1})
    stable = rollout(play)["stable"]
    others = sum(n for revision, n in ledger.by_revision().items() if revision != stable)
    assert others <= unproven


async def test_a_revision_that_fails_a_third_of_its_tasks_is_taken_back_by_itself(
    play: Play, ledger: Ledger, spectra: Plugin, note: Callable[[str], None]
) -> None:
    await flowing(play, press())
    stable = rollout(play)["stable"]
    await release(play, **template(**BAD))
    await comes_to(play, "Exposed")
    switched = time.monotonic()

    found = await comes_to(play, "RolledBack")

    note(f"from the switch to a bad revision to rolled back: {time.monotonic() - switched:.1f} s")
    assert (found["reason"], found["active"], found["stable"]) == ("AnalysisFailed", stable, stable)
    assert "failureRatio <= 0.1 does not hold" in found["message"]
    await all_done_once(play, ledger, BOUND)
    assert 0 < ledger.by_revision()[found["rejected"]] <= BOUND
    await play.then.told("Agent", "Switched")
    await play.then.told("Agent", "AnalysisFailed")
    told = await spectra("rollout", "status", "worker", code=1)
    assert "RolledBack" in told.out


@pytest.mark.parametrize(
    ("change", "broken"), [(SLOW, "p95Seconds"), (DEAR, "costPerTask")], ids=["slow", "dear"]
)
async def test_a_revision_that_is_slower_or_costs_more_is_taken_back(
    play: Play, ledger: Ledger, change: dict[str, str], broken: str
) -> None:
    await flowing(play, press())
    await release(play, **template(**change))

    found = await comes_to(play, "RolledBack")

    assert broken in found["message"]
    await all_done_once(play, ledger, BOUND)


async def test_a_revision_that_never_gets_ready_is_given_up_and_gets_nothing(
    play: Play, ledger: Ledger
) -> None:
    await flowing(play, press(rollout={"progressDeadlineSeconds": 6}))
    await release(play, command=["sleep", "1000"])

    found = await comes_to(play, "Aborted")

    assert found["reason"] == "ProgressDeadlineExceeded"
    await all_done_once(play, ledger, 0)


@pytest.mark.usefixtures("killing")  # whoever takes over gives workers their time again
@pytest.mark.xdist_group("operator")
async def test_a_release_whose_image_is_missing_is_given_up_before_the_deadline(
    play: Play, ledger: Ledger
) -> None:
    await flowing(play, press())
    await release(play, image="example.invalid/press:missing", imagePullPolicy="IfNotPresent")

    found = await comes_to(play, "Aborted")

    assert found["reason"] == "WorkersCrashing"
    assert "cannot start: ImagePullBackOff: " in found["message"]
    assert "example.invalid/press:missing" in found["message"]
    await play.then.told("Agent", "WorkerCannotStart")
    await all_done_once(play, ledger, 0)


async def test_a_good_revision_is_promoted_and_then_gets_all(play: Play, ledger: Ledger) -> None:
    await flowing(play, press())
    before = rollout(play)["stable"]
    await release(play, **template(RELEASE="2"))

    found = await comes_to(play, "Promoted")

    assert (found["reason"], found["stable"] != before) == ("AnalysisPassed", True)
    await all_done_once(play, ledger, TASKS)
    assert ledger.by_revision()[found["stable"]] > BOUND


@pytest.mark.usefixtures("killing")
@pytest.mark.xdist_group("operator")
async def test_an_operator_killed_at_each_stage_comes_to_the_same_end(
    play: Play, ledger: Ledger, operators: Operators
) -> None:
    await flowing(play, press())
    await release(play, **template(**BAD))
    await comes_to(play, "Preview")
    await leader_dies(operators)
    await comes_to(play, "Exposed")
    await work_comes(
        play, "more"
    )  # the first may have ended before the switch: nothing to judge by
    await leader_dies(operators)
    await comes_to(play, "RolledBack")
    await leader_dies(operators)

    await all_done_once(play, ledger, BOUND)
    found = rollout(play)
    assert (found["state"], found["reason"]) == ("RolledBack", "AnalysisFailed")
    assert [end["outcome"] for end in found["history"]] == ["Promoted", "RolledBack"]
    await operators.settled()


async def test_the_example_is_taken_back_and_all_its_blocks_are_packed(play: Play) -> None:
    folder = Path(ROOT) / "examples/rollout"
    await play.kubectl("apply", "-f", str(folder / "good.yaml"))
    await play.then.until("both are ready", lambda: ready_workers(play, "press") == 2 or None)
    (name,) = (await play.kubectl("create", "-f", str(folder / "workflow.yaml"), "-oname")).split()
    await play.kubectl("apply", "-f", str(folder / "bad.yaml"))

    await play.then.until(
        "the bad release is taken back",
        lambda: rollout(play, "press").get("state") == "RolledBack" or None,
    )

    ended = await play.then.workflow_ends("Succeeded", name.rpartition("/")[2], within=150)
    assert ended["counts"]["succeeded"] == 300
    told = await play.kubectl("get", "agents", "press", "-owide")
    assert "RolledBack" in told


async def test_people_promote_undo_and_retry_from_the_command_line(
    play: Play, spectra: Plugin
) -> None:
    play.given.object(press(replicas=1, rollout={"pause": True}))
    await play.when.applied()
    await play.then.until("a worker is ready", lambda: ready_workers(play) == 1 or None)
    first = rollout(play)["stable"]
    await release(play, **template(RELEASE="2"))
    await comes_to(play, "Paused")

    await spectra("rollout", "promote", "worker", "--reason", "it is needed now", "--wait")
    promoted = await comes_to(play, "Promoted")
    assert (promoted["reason"], promoted["stable"] != first) == ("PromoteRequested", True)

    await spectra("rollout", "undo", "worker", "--reason", "it was no good", "--wait")
    back = await play.then.until(
        "the first release is back", lambda: rollout(play)["stable"] == first and rollout(play)
    )
    assert (back["reason"], back["rejected"]) == ("UndoRequested", promoted["stable"])

    await spectra("rollout", "retry", "worker", "--reason", "try once more", "--wait")
    await comes_to(play, "Paused")
    await spectra("rollout", "abort", "worker", "--reason", "no, leave it", "--wait")
    await comes_to(play, "Aborted")
    history = await spectra("rollout", "history", "worker")
    for word in ("PromoteRequested", "UndoRequested", "AbortRequested"):
        assert word in history.out
    assert "it was no good" in history.out
