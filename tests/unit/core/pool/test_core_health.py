"""The health of an agent's workers, and who of them is kept from work."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from spectra_operator.api.agent import Health
from spectra_operator.core.pool.fleet import WorkerState, WorkerView
from spectra_operator.core.pool.health import (
    QUARANTINE_AFTER,
    Conduct,
    health_of,
    to_quarantine,
)
from spectra_operator.core.pool.startup import Trouble

AT = datetime(2026, 1, 31, tzinfo=UTC)
READY, STARTING = WorkerState.READY, WorkerState.STARTING
SILENT, FAILED = WorkerState.SILENT, WorkerState.FAILED
QUARANTINED, DELETING = WorkerState.QUARANTINED, WorkerState.DELETING


NO_IMAGE = Trouble("WorkerCannotStart", "cannot start: ImagePullBackOff: no such image")


def views(*states: WorkerState, draining: bool = False) -> list[WorkerView]:
    """Return workers w0, w1 and so on in these states."""
    return [
        WorkerView(f"w{n}", f"u{n}", "rev", state, draining, 0, AT)
        for n, state in enumerate(states)
    ]


@pytest.mark.parametrize(
    ("states", "desired", "health", "reason"),
    [
        ((), 0, Health.HEALTHY, "NoWorkers"),
        ((DELETING,), 0, Health.HEALTHY, "NoWorkers"),
        ((READY,), 0, Health.HEALTHY, "AsExpected"),
        ((READY, READY), 2, Health.HEALTHY, "AsExpected"),
        ((READY, DELETING), 1, Health.HEALTHY, "AsExpected"),
        ((READY, STARTING), 2, Health.DEGRADED, "WorkersStarting"),
        ((READY, SILENT), 2, Health.DEGRADED, "WorkersFailing"),
        ((READY, READY, QUARANTINED), 2, Health.DEGRADED, "WorkersFailing"),
        ((STARTING,), 1, Health.OFFLINE, "WorkersStarting"),
        ((FAILED, STARTING), 1, Health.OFFLINE, "NoWorkerReady"),
        ((), 2, Health.OFFLINE, "NoWorkerReady"),
    ],
)
def test_health_follows_from_who_is_ready_of_those_wanted(
    states: tuple[WorkerState, ...], desired: int, health: Health, reason: str
) -> None:
    found, condition = health_of(views(*states), desired, "rev")

    assert (found, condition.reason) == (health, reason)
    assert condition.status is (health is Health.HEALTHY)
    assert condition.type == "Healthy"


def test_a_pool_without_workers_says_why_there_are_none() -> None:
    _, condition = health_of([], 0, "rev", "spec.replicas is 0")

    text = "there are no workers, since none are wanted: spec.replicas is 0"
    assert (condition.status, condition.message) == (True, text)


def test_a_worker_that_drains_is_not_ready() -> None:
    assert health_of(views(READY, draining=True), 1, "rev")[0] is Health.OFFLINE


def test_the_condition_names_the_first_few_workers_and_counts_the_rest() -> None:
    _, condition = health_of(views(READY, SILENT, FAILED, QUARANTINED, SILENT), 5, "rev")

    said = "1 of 5 workers are ready: w1 is silent, w2 has failed, w3 is in quarantine after 5"
    assert condition.message.startswith(said)
    assert condition.message.endswith(", and 1 more")


def of_another(*states: WorkerState) -> list[WorkerView]:
    """Return workers of another revision."""
    return [replace(view, name=f"o{view.name}", revision="old") for view in views(*states)]


def test_never_are_more_ready_than_wanted_of_one_revision_and_others_are_told_apart() -> None:
    found = [*views(READY, READY, READY), *of_another(READY, READY, READY, FAILED)]

    _, condition = health_of(found, 3, "rev")

    text = "3 of 3 workers are ready, and 3 of other revisions: ow3 has failed"
    assert condition.message == text


def test_workers_of_another_revision_keep_an_agent_from_being_offline() -> None:
    health, condition = health_of([*views(STARTING), *of_another(READY, READY)], 2, "rev")

    assert (health, condition.reason) == (Health.DEGRADED, "WorkersStarting")
    assert condition.message == "0 of 2 workers are ready, and 2 of other revisions"


def test_those_that_are_more_than_wanted_are_not_counted() -> None:
    _, condition = health_of(views(READY, READY, READY, FAILED), 2, "rev")

    assert condition.message == "2 of 2 workers are ready: w3 has failed"


def test_who_drains_has_not_failed() -> None:
    leaving = [replace(view, name="gone") for view in views(FAILED, SILENT, draining=True)]

    assert health_of([*views(READY), *leaving], 1, "rev")[0] is Health.HEALTHY


def troubled(*found: Trouble, state: WorkerState = STARTING) -> list[WorkerView]:
    """Return workers t0, t1 and so on that something keeps from starting."""
    return [
        replace(view, name=f"t{n}", trouble=found[n])
        for n, view in enumerate(views(*[state] * len(found)))
    ]


def test_what_keeps_the_only_worker_from_starting_is_the_reason() -> None:
    health, condition = health_of(troubled(NO_IMAGE), 1, "rev")

    assert (health, condition.reason) == (Health.OFFLINE, "WorkerCannotStart")
    assert condition.message == f"no worker is ready: t0 {NO_IMAGE.text}"


def test_what_keeps_one_of_several_from_starting_is_the_reason_too() -> None:
    health, condition = health_of([*views(READY), *troubled(NO_IMAGE)], 2, "rev")

    assert (health, condition.reason) == (Health.DEGRADED, "WorkerCannotStart")
    assert condition.message == f"1 of 2 workers are ready: t0 {NO_IMAGE.text}"


def test_who_has_failed_goes_before_who_does_not_start() -> None:
    _, condition = health_of([*views(READY, FAILED), *troubled(NO_IMAGE)], 3, "rev")

    assert condition.reason == "WorkersFailing"
    assert condition.message.endswith(f"w1 has failed, t0 {NO_IMAGE.text}")


def test_a_worker_that_has_called_or_is_to_go_is_in_no_trouble() -> None:
    gone = [replace(view, draining=True) for view in troubled(NO_IMAGE)]

    assert health_of([*troubled(NO_IMAGE, state=READY), *gone], 1, "rev")[0] is Health.HEALTHY


def test_one_good_end_makes_up_for_all_bad_ones() -> None:
    conduct = Conduct().after(good=False).after(good=False)
    assert (conduct.bad, conduct.good) == (2, 0)
    assert conduct.after(good=True) == Conduct(bad=0, good=1)


def test_who_fails_where_another_does_well_is_put_in_quarantine() -> None:
    conducts = {"bad": Conduct(bad=QUARANTINE_AFTER), "well": Conduct(good=1)}
    assert to_quarantine(conducts) == {"bad"}


@pytest.mark.parametrize(
    "other", [Conduct(), Conduct(bad=1, good=9), Conduct(bad=QUARANTINE_AFTER)], ids=str
)
def test_nobody_is_singled_out_while_no_other_does_well(other: Conduct) -> None:
    assert not to_quarantine({"bad": Conduct(bad=QUARANTINE_AFTER), "other": other})


def test_a_few_failures_put_nobody_in_quarantine() -> None:
    conducts = {"fair": Conduct(bad=QUARANTINE_AFTER - 1), "well": Conduct(good=1)}
    assert not to_quarantine(conducts)
