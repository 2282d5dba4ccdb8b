"""The health of an agent's workers, and who of them is kept from work."""

from __future__ import annotations

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

AT = datetime(2026, 1, 31, tzinfo=UTC)
READY, STARTING = WorkerState.READY, WorkerState.STARTING
SILENT, FAILED = WorkerState.SILENT, WorkerState.FAILED
QUARANTINED, DELETING = WorkerState.QUARANTINED, WorkerState.DELETING


def views(*states: WorkerState, draining: bool = False) -> list[WorkerView]:
    """Return workers w0, w1 and so on in these states."""
    return [
        WorkerView(f"w{n}", f"u{n}", "rev", state, draining, 0, AT)
        for n, state in enumerate(states)
    ]


@pytest.mark.parametrize(
    ("states", "desired", "health", "reason"),
    [
        ((), 0, Health.HEALTHY, "AsExpected"),
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
    found, condition = health_of(views(*states), desired)

    assert (found, condition.reason) == (health, reason)
    assert condition.status is (health is Health.HEALTHY)
    assert condition.type == "Healthy"


def test_a_worker_that_drains_is_not_ready() -> None:
    assert health_of(views(READY, draining=True), 1)[0] is Health.OFFLINE


def test_the_condition_names_the_first_few_workers_and_counts_the_rest() -> None:
    _, condition = health_of(views(READY, SILENT, FAILED, QUARANTINED, SILENT), 5)

    said = "1 of 5 workers are ready: w1 is silent, w2 has failed, w3 is in quarantine after 5"
    assert condition.message.startswith(said)
    assert condition.message.endswith(", and 1 more")


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
