"""How tasks fail, what the user reads then, and what becomes of the rest."""

from __future__ import annotations

from builders.specs import a_retry, a_task
from e2e.harness.bodies import HOLD
from e2e.harness.play import Play

MEMORY_HOG = {
    "command": ["python3", "-c", "x = bytearray(10**9)"],
    "resources": {"requests": {"memory": "8Mi"}, "limits": {"memory": "32Mi"}},
}


async def test_a_task_over_its_timeout_is_stopped_and_fails_with_the_reason(play: Play) -> None:
    play.given.agent(script=HOLD)
    play.given.workflow([a_task("slow", timeout_seconds=2)])
    await play.when.applied()

    await play.then.workflow_ends("Failed", reason="PhaseFailed")

    task = play.then.task("work/slow")
    await task.shows(state="Failed", reason="Timeout", message="after 2 s", failures=1)
    task.ran_once()
    await play.then.pods_gone()


async def test_an_image_that_cannot_be_pulled_shows_why_and_fails_after_its_pending_timeout(
    play: Play,
) -> None:
    play.given.agent(template={"image": "localhost:1/absent:v1"})
    play.given.workflow([a_task("pull", pending_timeout_seconds=5)])
    await play.when.applied()

    await play.then.task("work/pull").shows(state="Running", message="localhost:1/absent:v1")
    await play.then.told("Phase", "Pending", "task pull: ")
    await play.then.workflow_ends("Failed")

    await play.then.task("work/pull").shows(state="Failed", reason="PendingTimeout", failures=1)
    play.then.task("work/pull").ran_once()


async def test_a_task_out_of_memory_shows_oomkilled_and_counts_as_a_failure_not_a_loss(
    play: Play,
) -> None:
    play.given.agent(template=MEMORY_HOG)
    play.given.workflow([a_task("hog", retry=a_retry(1))])
    await play.when.applied()

    await play.then.workflow_ends("Failed")

    await play.then.task("work/hog").shows(reason="OOMKilled", message="137", failures=2, losses=0)
    play.then.task("work/hog").ran(2)


async def test_with_continue_only_the_dependents_of_a_failed_task_are_skipped(play: Play) -> None:
    play.given.example("failure-continue.yaml")
    await play.when.applied()

    status = await play.then.workflow_ends("Failed")

    states = {n: play.then.task(f"work/{n}").status["state"] for n in TASKS_OF_CONTINUE}
    assert states == TASKS_OF_CONTINUE
    assert status["progress"] == "2/5"
    assert play.then.task("work/skipped").status["reason"] == "DependencyFailed"
    play.then.everything_ran_once(skipped=0)


TASKS_OF_CONTINUE = {
    "broken": "Failed",
    "skipped": "Skipped",
    "optional": "Failed",
    "after-optional": "Succeeded",
    "independent": "Succeeded",
}


async def test_with_fail_nothing_new_starts_and_what_runs_may_finish(play: Play) -> None:
    play.given.agent("holder", HOLD)
    play.given.agent("breaker", "exit 1")
    play.given.agent()
    play.given.workflow(
        [
            a_task("running", agent="holder"),
            a_task("broken", agent="breaker"),
            a_task("next", depends_on=["running"]),
        ]
    )
    await play.when.applied()
    pod = await play.then.task("work/running").pod_in("Running")

    await play.then.task("work/next").shows(state="Skipped", reason="WorkflowFailing")
    await play.when.let_go(pod["metadata"]["name"])

    await play.then.workflow_ends("Failed")
    assert play.then.task("work/running").status["state"] == "Succeeded"
    play.then.everything_ran_once(next=0)


async def test_a_result_that_is_too_large_is_refused_with_a_reason_and_not_retried(
    play: Play,
) -> None:
    play.given.agent("wordy", 'out "{\\"text\\": \\"$(printf %04050d 0)\\"}"')
    play.given.workflow([a_task("large", agent="wordy", retry=a_retry(3))])
    await play.when.applied()

    await play.then.workflow_ends("Failed")

    await play.then.task("work/large").shows(reason="ResultTooLarge", message="at most 4000")
    play.then.task("work/large").ran_once()


async def test_a_result_that_the_kubelet_cut_off_is_an_error_and_not_a_success(play: Play) -> None:
    play.given.agent("wordy", 'out "{\\"text\\": \\"$(printf %09000d 0)\\"}"')
    play.given.workflow([a_task("cut", agent="wordy")])
    await play.when.applied()

    await play.then.workflow_ends("Failed")

    await play.then.task("work/cut").shows(reason="ResultTruncated")


async def test_a_plain_container_that_knows_nothing_of_the_contract_succeeds_with_exit_code_0(
    play: Play,
) -> None:
    play.given.agent("plain", template={"command": ["echo", "just a line"]})
    play.given.workflow([a_task("say", agent="plain")])
    await play.when.applied()

    await play.then.workflow_ends("Succeeded")

    task = play.then.task("work/say")
    task.ran_once()
    assert "outputs" not in task.status
