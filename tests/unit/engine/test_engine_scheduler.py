"""Who waits in a namespace, who may start, and what holds an agent back for a while."""

from __future__ import annotations

from collections.abc import Iterable

from builders.pods import at
from builders.records import an_attempt
from builders.specs import AGENT, NAMESPACE
from spectra_operator.core.phase.admission import Admission, Candidate
from spectra_operator.core.phase.readiness import Ready
from spectra_operator.engine.attempts import AttemptIndex
from spectra_operator.engine.keys import Key
from spectra_operator.engine.scheduler import Hold, Scheduler

A, B = Key("Phase", NAMESPACE, "a"), Key("Phase", NAMESPACE, "b")
ELSEWHERE = Key("Phase", "elsewhere", "a")


def _candidate(phase: str = "a", task: str = "work", items: int = 1) -> Candidate:
    return Candidate(phase, Ready(task, AGENT, items, path=1.0, since=at(0)))


def _admit(scheduler: Scheduler, limit: int | None = None, now: float = 0) -> Admission:
    return scheduler.admit(NAMESPACE, {AGENT: limit}, {}, {}, (at(now), now))


def test_phases_wait_by_namespace_until_they_have_nothing_ready() -> None:
    scheduler = Scheduler(AttemptIndex())
    scheduler.offer(A, (_candidate(items=3),))
    scheduler.offer(B, (_candidate("b"),))
    scheduler.offer(ELSEWHERE, (_candidate(),))
    assert scheduler.waiting(NAMESPACE) == [A, B]
    assert scheduler.queued(NAMESPACE, AGENT) == 4
    scheduler.offer(A, ())
    assert scheduler.waiting(NAMESPACE) == [B]
    assert scheduler.queued(NAMESPACE, "other") == 0


def test_slots_in_use_are_counted_from_the_attempts_of_that_namespace() -> None:
    attempts = AttemptIndex()
    attempts.assume(A, an_attempt())
    attempts.assume(ELSEWHERE, an_attempt("x"))
    scheduler = Scheduler(attempts)
    scheduler.offer(A, (_candidate(items=5),))
    admission = _admit(scheduler, limit=3)
    assert admission.granted == {("a", "work", 0): 2}
    assert admission.blocked["a", "work"].message == "agent worker 3/3"


def test_a_hold_blocks_its_agent_until_it_ends() -> None:
    scheduler = Scheduler(AttemptIndex())
    scheduler.offer(A, (_candidate(),))
    scheduler.hold(NAMESPACE, AGENT, Hold("QuotaExceeded", "full", until=10))
    assert _admit(scheduler, now=9.9).blocked["a", "work"].reason == "QuotaExceeded"
    assert scheduler.next_try(A, 9.9) == 10
    assert _admit(scheduler, now=10).granted == {("a", "work", 0): 1}
    assert scheduler.next_try(A, 10) is None


def test_a_hold_concerns_neither_other_namespaces_nor_other_agents() -> None:
    scheduler = Scheduler(AttemptIndex())
    scheduler.offer(A, (_candidate(),))
    scheduler.hold("elsewhere", AGENT, Hold("QuotaExceeded", "full", until=10))
    scheduler.hold(NAMESPACE, "other", Hold("QuotaExceeded", "full", until=10))
    assert _admit(scheduler).granted == {("a", "work", 0): 1}
    assert scheduler.next_try(A, 0) is None


def test_a_pod_that_ends_lifts_the_holds_of_its_namespace() -> None:
    scheduler = Scheduler(AttemptIndex())
    scheduler.offer(A, (_candidate(),))
    scheduler.hold(NAMESPACE, AGENT, Hold("QuotaExceeded", "full", until=10))
    scheduler.lift("elsewhere")
    assert not _admit(scheduler).granted
    scheduler.lift(NAMESPACE)
    assert _admit(scheduler).granted == {("a", "work", 0): 1}


def test_an_agent_that_is_not_ready_is_named_before_any_hold() -> None:
    scheduler = Scheduler(AttemptIndex())
    scheduler.offer(A, (_candidate(),))
    scheduler.hold(NAMESPACE, AGENT, Hold("QuotaExceeded", "full", until=10))
    not_ready = {AGENT: ("InvalidAgent", "spec.template: missing")}
    admission = scheduler.admit(NAMESPACE, {AGENT: None}, not_ready, {}, (at(0), 0))
    assert admission.blocked["a", "work"].reason == "InvalidAgent"


def _refused(scheduler: Scheduler) -> None:
    scheduler.hold(NAMESPACE, AGENT, Hold("QuotaExceeded", "full", until=10))
    scheduler.lift(NAMESPACE)


def _ask(scheduler: Scheduler) -> int:
    """Ask for all pods that are granted now; return how many."""
    count = sum(_admit(scheduler).granted.values())
    for _ in range(count):
        scheduler.asked(NAMESPACE, AGENT)
    return count


def test_after_a_refusal_one_pod_is_asked_for_and_the_rest_wait_for_its_reason() -> None:
    scheduler = Scheduler(AttemptIndex())
    scheduler.offer(A, (_candidate(items=300),))
    _refused(scheduler)
    assert _ask(scheduler) == 1
    admission = _admit(scheduler)
    assert not admission.granted
    assert admission.blocked["a", "work"].reason == "QuotaExceeded"


def test_each_time_all_came_more_are_asked_for_until_the_refusal_is_over() -> None:
    scheduler = Scheduler(AttemptIndex())
    scheduler.offer(A, (_candidate(items=1000),))
    _refused(scheduler)
    sizes = []
    while (size := _ask(scheduler)) < 1000:
        sizes.append(size)
        more = [scheduler.came(NAMESPACE, AGENT) for _ in range(size)]
        assert more == [False] * (size - 1) + [True]
    assert sizes == [1, 1, 2, 4, 8, 16, 32, 64]


def test_a_probe_is_shared_by_all_who_want_the_agent() -> None:
    scheduler = Scheduler(AttemptIndex())
    scheduler.offer(A, (_candidate(items=3),))
    scheduler.offer(B, (_candidate("b", items=3),))
    _refused(scheduler)
    assert sum(_admit(scheduler).granted.values()) == 1


def test_another_refusal_begins_again_with_one() -> None:
    scheduler = Scheduler(AttemptIndex())
    scheduler.offer(A, (_candidate(items=100),))
    _refused(scheduler)
    for size in (1, 1):
        assert _ask(scheduler) == size
        assert scheduler.came(NAMESPACE, AGENT)
    assert _ask(scheduler) == 2
    _refused(scheduler)
    assert _ask(scheduler) == 1


def test_answers_from_before_a_refusal_prove_nothing() -> None:
    scheduler = Scheduler(AttemptIndex())
    scheduler.offer(A, (_candidate(items=100),))
    _refused(scheduler)
    assert not scheduler.came(NAMESPACE, AGENT)
    assert not scheduler.came("elsewhere", AGENT)
    assert _ask(scheduler) == 1


def test_who_gives_a_namespace_up_forgets_its_refusals() -> None:
    scheduler = Scheduler(AttemptIndex())
    scheduler.offer(A, (_candidate(items=100),))
    scheduler.hold(NAMESPACE, AGENT, Hold("QuotaExceeded", "full", until=10))
    scheduler.drop(lambda namespace: namespace == NAMESPACE)
    assert _ask(scheduler) == 100


CHOOSING = Key("Phase", NAMESPACE, "a")


def test_items_that_an_agent_may_be_chosen_for_are_queued_for_it() -> None:
    scheduler = Scheduler(AttemptIndex())
    ready = Ready("any", "", 3, path=1.0, since=at(0), requires=("able",))
    scheduler.offer(CHOOSING, (Candidate("a", ready),))
    assert scheduler.is_choosing(NAMESPACE)
    assert scheduler.queued(NAMESPACE, AGENT, ["able", "other"]) == 3
    assert scheduler.queued(NAMESPACE, AGENT, ["other"]) == 0


def test_a_task_that_may_choose_is_looked_at_again_when_any_refusal_ends() -> None:
    scheduler = Scheduler(AttemptIndex())
    ready = Ready("any", "", 3, path=1.0, since=at(0), requires=("able",))
    scheduler.offer(CHOOSING, (Candidate("a", ready),))
    scheduler.hold(NAMESPACE, "somebody", Hold("QuotaExceeded", "pods=1/1", until=10))
    assert scheduler.next_try(CHOOSING, 0) == 10


def _alone(scheduler: Scheduler, limit: int | None, phase: Key = A) -> dict[str, int] | None:
    admission = scheduler.admit_alone(phase, lambda names: dict.fromkeys(names, limit))
    if admission is None:
        return None
    return {task: n for (_, task, _), n in admission.granted.items()}


def test_a_phase_is_judged_alone_while_there_is_room_for_all_that_waits() -> None:
    scheduler = Scheduler(AttemptIndex())
    scheduler.offer(A, (_candidate(items=3),))
    scheduler.offer(B, (_candidate("b", items=2),))
    scheduler.offer(ELSEWHERE, (_candidate(items=90),))
    assert _alone(scheduler, None) == {"work": 3}
    assert _alone(scheduler, 5) == {"work": 3}
    assert _alone(scheduler, 4) is None
    scheduler.offer(B, ())
    assert _alone(scheduler, 4) == {"work": 3}


def test_what_runs_takes_from_the_room_that_is_judged_by() -> None:
    attempts = AttemptIndex()
    attempts.assume(A, an_attempt())
    scheduler = Scheduler(attempts)
    scheduler.offer(A, (_candidate(items=3),))
    assert _alone(scheduler, 4) == {"work": 3}
    assert _alone(scheduler, 3) is None


def test_after_a_refusal_nobody_is_judged_alone() -> None:
    scheduler = Scheduler(AttemptIndex())
    scheduler.offer(A, (_candidate(),))
    scheduler.hold(NAMESPACE, AGENT, Hold("QuotaExceeded", "full", until=10))
    assert _alone(scheduler, None) is None
    assert scheduler.admit_alone(A, lambda _: {}) is None


def test_limits_are_asked_for_only_when_needed_and_of_the_agents_that_the_phase_names() -> None:
    attempts = AttemptIndex()
    running = an_attempt()
    attempts.assume(B, running)
    scheduler = Scheduler(attempts)
    scheduler.offer(A, (_candidate(items=3), _candidate(task="more")))
    scheduler.offer(B, (Candidate("b", Ready("work", "other", 1, path=1.0, since=at(0))),))
    asked: list[set[str]] = []

    def limits(names: Iterable[str]) -> dict[str, int | None]:
        asked.append(set(names))
        return {}

    assert scheduler.admit_alone(A, limits) is None
    assert asked == [{AGENT}]
    scheduler.shared_out(NAMESPACE, _admit(scheduler, limit=1))
    attempts.forget(B, running.pod)
    assert scheduler.admit_alone(A, limits) is None  # something contested has come free
    assert len(asked) == 1


def test_slots_that_come_free_are_shared_out_once_if_somebody_waits_for_them() -> None:
    attempts = AttemptIndex()
    running = an_attempt()
    attempts.assume(A, running)
    scheduler = Scheduler(attempts)
    scheduler.offer(B, (_candidate("b", items=3),))
    scheduler.shared_out(NAMESPACE, _admit(scheduler, limit=1))
    assert _alone(scheduler, 1) == {}  # it wants nothing, and nothing has come free
    attempts.forget(A, running.pod)
    assert _alone(scheduler, 1) is None
    scheduler.shared_out(NAMESPACE, _admit(scheduler, limit=1))
    assert _alone(scheduler, 1) == {}


def test_slots_that_nobody_waits_for_are_not_shared_out() -> None:
    attempts = AttemptIndex()
    running = an_attempt()
    attempts.assume(A, running)
    scheduler = Scheduler(attempts)
    scheduler.shared_out(NAMESPACE, _admit(scheduler, limit=1))
    attempts.forget(A, running.pod)
    assert _alone(scheduler, 1) == {}
