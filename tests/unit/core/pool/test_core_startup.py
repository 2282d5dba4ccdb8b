"""What keeps a worker from starting: what its pod shows, what is said of it, what counts."""

from __future__ import annotations

from typing import Any

import pytest

from builders import pods
from builders.pods import Body
from spectra_operator.core.pool.startup import (
    CALL_WITHIN_SECONDS,
    HELD_SECONDS,
    MOST_RESTARTS,
    Stage,
    Startup,
    Trouble,
    known_trouble,
    next_look,
    startup_of,
    trouble_of,
)

NO_IMAGE = 'failed to pull and unpack image "nope:1": not found'


def said(pod: Body, seconds: float = 0, pending: int | None = None) -> Trouble | None:
    """Return what keeps the worker of a pod from starting, after so many seconds as it is."""
    return trouble_of(startup_of(pod), seconds, pending)


def words(pod: Body, seconds: float = 0, pending: int | None = None) -> tuple[str, str]:
    found = said(pod, seconds, pending)
    assert found is not None
    return found.reason, found.text


def counts(pod: Body, seconds: float = 0, pending: int | None = None) -> bool:
    """Whether a worker that is in trouble counts as failing."""
    found = said(pod, seconds, pending)
    assert found is not None
    return found.lasting


def waiting(reason: str = "ErrImagePull", message: str = NO_IMAGE) -> Body:
    return pods.pulling(pods.a_pod(), 0, reason, message)


def with_status(pod: Body, **fields: Any) -> Body:
    """Return a pod with other fields in the status of its container."""
    pod["status"]["containerStatuses"][0] |= fields
    return pod


@pytest.mark.parametrize(
    "pod",
    [pods.a_pod(), pods.scheduled(pods.a_pod()), pods.pulling(pods.a_pod())],
    ids=["new", "scheduled", "pulling"],
)
def test_a_worker_that_is_being_made_is_in_no_trouble_however_long_it_takes(pod: Body) -> None:
    assert said(pod, 3600) is None
    assert next_look(startup_of(pod), None) is None


def test_a_pod_without_any_status_is_being_made() -> None:
    assert startup_of({"metadata": {}}) == Startup()


@pytest.mark.parametrize(
    "reason",
    [
        "ImagePullBackOff",
        "ErrImageNeverPull",
        "InvalidImageName",
        "CreateContainerConfigError",
        "CreateContainerError",
    ],
)
def test_what_a_container_waits_for_is_told_at_once_and_counts_after_a_while(reason: str) -> None:
    pod = waiting(reason, "it is\n  so")

    assert words(pod) == ("WorkerCannotStart", f"cannot start: {reason}: it is so")
    assert not counts(pod, HELD_SECONDS - 1)
    assert counts(pod, HELD_SECONDS)
    assert next_look(startup_of(pod), None) == HELD_SECONDS


def test_the_agents_own_pending_timeout_says_when_a_wait_counts() -> None:
    pod = waiting()

    assert not counts(pod, HELD_SECONDS, 300)
    assert counts(pod, 300, 300)
    assert next_look(startup_of(pod), 300) == 300


def test_both_words_for_an_image_that_cannot_be_pulled_are_one() -> None:
    first, then = startup_of(waiting()), startup_of(waiting("ImagePullBackOff", "Back-off"))

    assert first.says_like(then)
    assert first.reason == then.reason == "ImagePullBackOff"


def test_another_reason_to_wait_is_news_and_the_time_goes_on() -> None:
    first, then = startup_of(waiting()), startup_of(waiting("CreateContainerConfigError", "no key"))

    assert first.stands_like(then)
    assert not first.says_like(then)


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("Back-off pulling", "cannot start: ImagePullBackOff: Back-off pulling (image nope:1)"),
        (NO_IMAGE, f"cannot start: ImagePullBackOff: {NO_IMAGE}"),
        ("", "cannot start: ImagePullBackOff: image nope:1"),
    ],
)
def test_the_image_is_named_in_any_case(message: str, text: str) -> None:
    assert words(with_status(waiting(message=message), image="nope:1"))[1] == text


def test_a_long_message_is_cut() -> None:
    found = startup_of(waiting(message="x" * 5000)).message

    assert (len(found), found[-4:]) == (240, "x...")


def test_a_pod_without_a_node_says_so_and_counts_only_where_that_is_bounded() -> None:
    pod = pods.unschedulable(pods.a_pod())

    reason, text = words(pod)

    assert (reason, text) == (
        "WorkerCannotStart",
        "cannot start: Unschedulable: 0/1 nodes are available",
    )
    assert not counts(pod, 3600)
    assert counts(pod, 60, 60)


def test_a_container_that_is_prepared_for_longer_than_allowed_counts() -> None:
    pod = pods.pulling(pods.a_pod())

    assert said(pod, 59, 60) is None
    assert said(pod, 60, 60) == Trouble(
        "WorkerCannotStart", "cannot start: no container started within 60 s", lasting=True
    )


@pytest.mark.parametrize(
    ("restarts", "text"),
    [
        (0, "ended before it called the operator: exit code 1 (Error)"),
        (1, "was restarted once before it called the operator, last after exit code 1 (Error)"),
        (16, "was restarted 16 times before it called the operator, last after exit code 1 (Err"),
    ],
)
def test_a_process_that_ends_is_told_with_its_restarts_and_how_it_ended(
    restarts: int, text: str
) -> None:
    reason, found = words(pods.crashing(pods.a_pod(), restarts=restarts))

    assert reason == "WorkerCrashing"
    assert found.startswith(text)


@pytest.mark.parametrize("restarts", range(6))
def test_three_restarts_count(restarts: int) -> None:
    assert counts(pods.crashing(pods.a_pod(), restarts=restarts)) is (restarts >= MOST_RESTARTS)


def test_a_command_that_ends_well_is_no_worker_either() -> None:
    text = "ended before it called the operator: exit code 0 (Completed)"
    assert words(pods.crashing(pods.a_pod(), code=0)) == ("WorkerCrashing", text)


def test_what_a_process_said_at_its_end_is_told() -> None:
    ended = {"exitCode": 2, "message": "no such\nmodule"}
    pod = with_status(pods.crashing(pods.a_pod()), lastState={"terminated": ended})

    assert words(pod)[1].endswith(": exit code 2: no such module")


def test_a_process_that_was_started_again_is_still_one_that_crashes() -> None:
    run = pods.running(pods.a_pod())
    ended = {"terminated": {"exitCode": 1, "reason": "Error"}}
    pod = with_status(run, restartCount=4, lastState=ended)

    assert words(pod)[0] == "WorkerCrashing"


def test_each_restart_is_another_standing() -> None:
    once, twice = (startup_of(pods.crashing(pods.a_pod(), restarts=n)) for n in (1, 2))

    assert not once.stands_like(twice)
    assert startup_of(pods.crashing(pods.a_pod())).stage is Stage.ENDED


def test_a_container_that_has_just_ended_shows_how() -> None:
    assert startup_of(pods.failed(pods.a_pod(), code=3)).last_end == "exit code 3 (Error)"


def test_a_process_that_does_not_call_is_told_of_after_a_while() -> None:
    pod = pods.running(pods.a_pod(), 5)

    assert said(pod, CALL_WITHIN_SECONDS - 1) is None
    reason, text = words(pod, CALL_WITHIN_SECONDS)

    assert reason == "WorkerNotCalling"
    assert text.startswith(f"runs since {pods.stamp(5)} and has not called the operator")
    assert not counts(pod, 3600)
    assert next_look(startup_of(pod), 300) == CALL_WITHIN_SECONDS


def the_status(message: str) -> Body:
    """Return the status of an agent whose condition Healthy says this."""
    return {"conditions": [{"type": "Healthy", "status": "False", "message": message}]}


def test_a_silence_that_is_told_of_is_known_to_who_did_not_wait_for_it() -> None:
    startup = startup_of(pods.running(pods.a_pod(), 5))
    trouble = trouble_of(startup, CALL_WITHIN_SECONDS, None)
    assert trouble is not None
    told = the_status(f"no worker is ready: w-1 {trouble.text}")

    assert known_trouble(startup, "w-1", told) == trouble
    assert known_trouble(startup, "w-2", told) is None
    assert known_trouble(startup, "w-1", {}) is None
    assert known_trouble(startup, "w-1", the_status("all workers do well")) is None


def test_the_silence_of_an_earlier_process_is_not_that_of_the_next() -> None:
    before = trouble_of(startup_of(pods.running(pods.a_pod(), 5)), CALL_WITHIN_SECONDS, None)
    assert before is not None
    told = the_status(f"no worker is ready: w-1 {before.text}")

    assert known_trouble(startup_of(pods.running(pods.a_pod(), 65)), "w-1", told) is None
    assert known_trouble(startup_of(pods.crashing(pods.a_pod())), "w-1", told) is None


def test_a_process_of_which_nobody_knows_since_when_it_runs_is_told_of_too() -> None:
    pod = with_status(pods.running(pods.a_pod()), state={"running": {}})

    assert words(pod, 60)[1].startswith("runs and has not called the operator")


def test_a_container_that_others_put_beside_ours_says_nothing() -> None:
    pod = with_status(pods.crashing(pods.a_pod()), name="proxy")

    assert startup_of(pod) == Startup()
