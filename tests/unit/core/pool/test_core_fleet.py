"""Which workers come and go: victims, revisions, drains, failures."""

from __future__ import annotations

from typing import Any

import pytest

from builders.clock import START
from spectra_operator.core.pool.fleet import MAX_CREATED, Keep, Why, noted, pause_end, serving
from spectra_operator.core.pool.past import Failures, Past
from spectra_operator.core.pool.scaling import WorkerView
from unit.core.pool.fleet_cases import (
    Demand,
    Fleet,
    a_pool,
    a_worker,
    at,
    decide,
    many,
    says,
    scaled,
)


def keep(number: int, *found: WorkerView, **fields: Any) -> Any:
    """Decide for a pool of a fixed size."""
    return decide(a_pool(replicas=number), *found, **fields)


def test_what_is_missing_is_made() -> None:
    plan = keep(3, a_worker("a"), a_worker("b", "Starting"))

    assert (plan.create, plan.drain, plan.undrain, plan.delete) == (1, (), (), ())


def test_a_fleet_as_it_should_be_asks_for_nothing() -> None:
    plan = keep(2, *many(2))

    assert (plan.create, plan.drain, plan.undrain, plan.delete) == (0, (), (), ())
    assert plan.wake_at is None


def test_at_most_sixteen_are_made_in_one_pass_and_the_next_follows_at_once() -> None:
    plan = keep(40)

    assert (plan.create, plan.wake_at) == (MAX_CREATED, START)
    assert len(Fleet(a_pool(replicas=40)).run().bodies) == 40


def test_victims_are_starting_ones_then_idle_ones_then_the_least_busy_the_youngest_first() -> None:
    found = [
        a_worker("busy", claims=3),
        a_worker("less-busy", claims=1),
        a_worker("old-idle", created_at=at(-60)),
        a_worker("young-idle", created_at=at(-10)),
        a_worker("old-start", "Starting", created_at=at(-5)),
        a_worker("young-start", "Starting", created_at=at(-1)),
    ]

    order = [keep(left, *found).drain for left in range(6)]

    assert order[0] == (
        "young-start",
        "old-start",
        "young-idle",
        "old-idle",
        "less-busy",
        "busy",
    )
    assert order[4] == ("young-start", "old-start")


def test_a_worker_that_was_not_heard_of_since_a_take_over_and_is_busy_goes_after_idle_ones() -> (
    None
):
    found = [a_worker("unheard", "Starting", claims=1), a_worker("idle")]

    assert keep(1, *found).drain == ("idle",)


def test_a_victim_drains_first_and_is_deleted_when_it_has_no_task() -> None:
    first = keep(0, a_worker("idle"))
    assert (first.drain, first.delete, first.wake_at) == (("idle",), (), START)

    then = keep(0, a_worker("idle", draining=True))
    assert (then.drain, then.delete) == ((), (("idle", "uid-idle"),))

    busy = keep(0, a_worker("busy", draining=True, claims=1))
    assert (busy.drain, busy.delete, busy.wake_at) == ((), (), None)


def test_a_worker_that_is_being_created_is_deleted_once_it_has_a_uid() -> None:
    plan = keep(0, a_worker("new", "Starting", draining=True, uid=""))

    assert (plan.delete, plan.wake_at) == ((), None)


def test_draining_workers_come_back_before_new_ones_are_made_the_busiest_first() -> None:
    draining = [
        a_worker("idle", draining=True),
        a_worker("busy", draining=True, claims=2),
        a_worker("starting", "Starting", draining=True),
    ]

    one = keep(1, *draining)
    assert (one.undrain, one.create) == (("busy",), 0)
    assert {name for name, _ in one.delete} == {"idle", "starting"}

    four = keep(4, *draining)
    assert (four.undrain, four.create, four.delete) == (("busy", "idle", "starting"), 1, ())


@pytest.mark.parametrize("state", ["Silent", "Failed", "Deleting"])
def test_a_draining_worker_that_is_lost_does_not_come_back(state: str) -> None:
    plan = keep(1, a_worker("lost", state, draining=True, claims=1))

    assert (plan.undrain, plan.create) == ((), 1)


def test_a_silent_worker_is_replaced_and_lives_while_it_has_tasks() -> None:
    busy = keep(1, a_worker("silent", "Silent", claims=1))
    assert (busy.create, busy.drain, busy.delete) == (1, (), ())

    idle = keep(1, a_worker("silent", "Silent"))
    assert idle.delete == (("silent", "uid-silent"),)


def test_a_worker_that_is_being_deleted_is_left_alone() -> None:
    plan = keep(0, a_worker("going", "Deleting", draining=True))

    assert (plan.drain, plan.delete) == ((), ())


def test_without_a_stored_revision_nothing_is_made_or_drained() -> None:
    plan = keep(3, *many(1, revision="r0"), revision="")

    assert (plan.create, plan.drain) == (0, ())
    assert says(plan, "AbleToScale") == (False, "RevisionNotStored")


def test_new_ones_are_made_before_workers_of_another_revision_drain() -> None:
    old = many(3, "old", revision="r0")

    first = keep(3, *old)
    assert (first.create, first.drain) == (3, ())

    starting = keep(3, *old, *many(3, "new", "Starting"))
    assert (starting.create, starting.drain) == (0, ())

    one_ready = keep(3, *old, a_worker("new0"), *many(2, "later", "Starting"))
    assert one_ready.drain == ("old0",)

    ready = keep(3, *old, *many(3, "new"))
    assert ready.drain == ("old0", "old1", "old2")


def test_a_busy_worker_of_another_revision_finishes() -> None:
    fleet = Fleet(a_pool(replicas=1), [Demand(5, 1, 100)], ((0, "r1"), (50, "r2"))).run()

    assert (fleet.done, fleet.made) == (1, [0, 50])
    assert {body.view.revision for body in fleet.bodies.values()} == {"r2"}


def test_back_at_the_former_revision_its_draining_workers_return() -> None:
    plan = keep(1, a_worker("old", draining=True, claims=1), a_worker("bad", revision="r2"))

    assert (plan.undrain, plan.create) == (("old",), 0)


def test_a_failed_worker_is_deleted_and_replaced_after_a_pause() -> None:
    first = keep(1, a_worker("bad", "Failed"))
    assert (first.delete, first.create) == ((("bad", "uid-bad"),), 0)
    assert first.wake_at == at(1)
    assert says(first, "AbleToScale") == (False, "WorkersFailing")

    then = keep(1, past=first.past, now=at(1))
    assert (then.create, says(then, "AbleToScale")) == (1, (True, "ReadyForNewScale"))


def test_a_failed_worker_whose_tasks_are_not_taken_from_it_yet_stays() -> None:
    plan = keep(1, a_worker("bad", "Failed", claims=1))

    assert (plan.delete, plan.create) == ((), 1)


@pytest.mark.parametrize(
    ("rounds", "seconds"), [(1, 1), (2, 2), (5, 16), (9, 256), (10, 300), (16, 300)]
)
def test_the_pause_doubles_up_to_five_minutes(rounds: int, seconds: int) -> None:
    assert pause_end(Failures("r1", rounds, START)) == at(seconds)


def test_without_failures_there_is_no_pause() -> None:
    assert pause_end(Failures()) is None


def failures_of(known: tuple[Failures, ...], *workers: WorkerView, now: float = 0) -> Failures:
    """Return the failures of revision r1 after a look at workers."""
    found = noted(known, workers, ["r1"], at(now))
    return found[0] if found else Failures("r1")


def test_workers_that_were_made_and_fail_together_are_one_round() -> None:
    failures = failures_of((), *many(3, state="Failed"))
    assert failures == Failures("r1", 1, START)

    assert failures_of((failures,), *many(3, state="Failed"), now=1) == failures


def test_a_failure_of_a_worker_that_was_made_since_is_another_round() -> None:
    newer = a_worker("new", "Failed", created_at=at(5))
    known = (Failures("r1", 1, START),)

    assert failures_of(known, newer, now=9) == Failures("r1", 2, at(9))


@pytest.mark.parametrize(
    "worker",
    [
        a_worker("other", "Failed", revision="r0", created_at=at(5)),
        a_worker("drains", "Failed", draining=True, created_at=at(5)),
        a_worker("ready", created_at=at(5)),
        a_worker("busy", "Silent", claims=1, created_at=at(5)),
        a_worker("ahead", "Failed", created_at=at(99)),
    ],
    ids=lambda worker: worker.name,
)
def test_others_are_no_failures_of_the_revision(worker: WorkerView) -> None:
    failures = Failures("r1", 3, START)

    assert failures_of((failures,), worker, now=9) == failures


def test_failures_are_forgotten_with_the_revision_or_after_ten_minutes() -> None:
    failures = Failures("r1", 3, START)

    assert noted((failures,), (), ["r2"], at(1)) == ()
    assert failures_of((failures,), now=599) == failures
    assert noted((failures,), (), ["r1"], at(600)) == ()


def test_each_revision_fails_for_itself() -> None:
    known = (Failures("r1", 3, START), Failures("r2", 1, START))
    newer = a_worker("new", "Failed", revision="r2", created_at=at(5))

    assert noted(known, (newer,), ["r1", "r2"], at(9)) == (
        Failures("r1", 3, START),
        Failures("r2", 2, at(9)),
    )


def test_a_failure_in_the_future_pauses_no_longer_than_one_now() -> None:
    assert pause_end(failures_of((Failures("r1", 10**6, at(10**6)),))) == at(300)


def test_failures_are_not_counted_while_not_all_is_known() -> None:
    plan = keep(1, a_worker("bad", "Failed"), fresh=False)

    assert (plan.past.failures, plan.delete) == ((), ())


def test_a_pause_holds_nothing_up_that_needs_no_new_worker() -> None:
    past = Past(failures=(Failures("r1", 8, START),))
    plan = keep(1, *many(2), past=past)

    assert plan.drain == ("w0",)
    assert says(plan, "AbleToScale") == (True, "ReadyForNewScale")


def test_a_refused_creation_is_told() -> None:
    plan = keep(1, refused="exceeded quota: pods=10")
    (told,) = (each for each in plan.conditions if each.type == "AbleToScale")

    assert (told.status, told.reason) == (False, "CreationRefused")
    assert "exceeded quota" in told.message


def test_those_that_serve_are_alive_and_not_draining() -> None:
    found = [
        a_worker("a"),
        a_worker("b", "Starting"),
        a_worker("c", "Silent"),
        a_worker("d", draining=True),
        a_worker("e", revision="r0"),
    ]

    assert [worker.name for worker in serving(found, "r1")] == ["a", "b"]


def test_a_fleet_that_lost_its_workers_is_made_anew_without_regard_to_policies() -> None:
    slow = {"policies": [{"type": "Pods", "value": 1, "periodSeconds": 1800}]}
    plan = decide(scaled(slow), a_worker("left"), claimable=6, past=Past(6, 6))

    assert (plan.desired, plan.create) == (6, 5)


BESIDE = {"r2": Keep(Why.PREVIEW, least=1, most=1)}


def test_a_revision_beside_the_active_one_keeps_workers_of_its_own() -> None:
    first = keep(3, *many(3), beside=BESIDE)
    assert (first.create, first.beside, first.drain) == (0, (("r2", 1),), ())

    then = keep(3, *many(3), a_worker("next", revision="r2"), beside=BESIDE)
    assert (then.create, then.beside, then.drain) == (0, (), ())


def test_a_revision_beside_follows_demand_within_its_bounds() -> None:
    both = {"r2": Keep(Why.STABLE), "r3": Keep(Why.PREVIEW, least=2)}

    assert dict(keep(3, *many(3), beside=both).beside) == {"r2": 3, "r3": 3}
    assert dict(keep(0, beside=both).beside) == {"r3": 2}


def test_workers_of_a_revision_that_nobody_names_go() -> None:
    plan = keep(1, a_worker("now"), a_worker("rolled-back", revision="r2"))

    assert plan.drain == ("rolled-back",)


def test_a_pause_of_one_revision_holds_up_no_other() -> None:
    past = Past(failures=(Failures("r2", 2, START),))
    plan = keep(1, beside=BESIDE, past=past)

    assert (plan.create, plan.beside, plan.wake_at) == (1, (), at(2))
    assert says(plan, "AbleToScale") == (True, "ReadyForNewScale")
