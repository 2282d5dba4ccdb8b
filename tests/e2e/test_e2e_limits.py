"""Limits: how many run at once, and what a task that waits for one tells."""

from __future__ import annotations

from builders.specs import a_step, a_task
from e2e.harness.bodies import HOLD, quota
from e2e.harness.play import QUOTAS, Play


async def test_fifty_items_run_once_each_and_never_more_at_once_than_the_phase_allows(
    play: Play,
) -> None:
    play.given.agent(script='out "{\\"index\\": $SPECTRA_INDEX}"')
    play.given.workflow(phases=[a_step("work", [a_task("many", count=50)], parallelism=12)])
    await play.when.applied()

    status = await play.then.workflow_ends("Succeeded", within=170)

    assert status["progress"] == "50/50"
    assert play.then.task("work/many").outputs == [{"index": i} for i in range(50)]
    assert play.then.task("work/many").status["items"]["succeeded"] == "0-49"
    play.then.everything_ran_once()
    assert 2 <= play.recorder.most_at_once() <= 12


async def test_an_agents_concurrency_holds_over_two_workflows_and_the_waiting_task_says_so(
    play: Play,
) -> None:
    play.given.agent(script=HOLD, concurrency=2)
    play.given.workflow([a_task("pair", count=2)], name="one")
    await play.when.applied()
    await play.then.until("both slots are taken", lambda: len(play.recorder.trails) == 2)
    play.given.workflow([a_task("late")], name="two")
    await play.when.applied()

    late = play.then.task("work/late", workflow="two")
    await late.shows(state="Ready", reason="AgentConcurrency", message="agent worker 2/2")
    await play.then.told("Phase", "Waiting", "agent worker 2/2")
    assert not late.trails()
    await play.when.each_let_go(3)

    await play.then.workflow_ends("Succeeded", "one")
    await play.then.workflow_ends("Succeeded", "two")
    play.then.everything_ran_once()
    assert play.recorder.most_at_once() == 2


async def test_a_full_resource_quota_shows_its_reason_and_heals_when_there_is_room(
    play: Play,
) -> None:
    play.given.object(quota("few", pods="1"))
    play.given.agent(script=HOLD)
    play.given.workflow([a_task("first"), a_task("second")])
    await play.when.applied()

    await _the_one_that_waits(play, reason="QuotaExceeded", message="exceeded quota: few")
    assert play.recorder.most_at_once() == 1
    room = {"spec": {"hard": {"pods": "5"}}}
    await play.client.patch(QUOTAS, play.namespace, "few", room)
    await play.when.each_let_go(2)

    await play.then.workflow_ends("Succeeded")
    play.then.everything_ran_once()


async def _the_one_that_waits(play: Play, reason: str, message: str) -> None:
    """Wait until one of two tasks shows why it does not start, while the other runs."""

    def shown() -> bool:
        found = [play.then.task(f"work/{name}").status for name in ("first", "second")]
        words = [task.get("message", "") for task in found if task.get("reason") == reason]
        running = [task for task in found if task.get("state") == "Running"]
        return len(running) == 1 and len(words) == 1 and message in words[0]

    await play.then.until(f"one task runs, one waits for {reason}", shown)
