"""A pass that looks at what changed alone decides what one would that looks at everything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import pods
from builders.glances import Watcher
from builders.plays import Play
from builders.pods import at
from builders.records import (
    NO_LEVELS,
    STOPPED,
    SUSPENDED,
    a_phase_snapshot,
    a_running_phase,
    an_attempt,
    broken,
    done,
    lost,
)
from builders.specs import Body, a_phase, a_retry, a_task
from spectra_operator.api.action import ActionType
from spectra_operator.core.attempts.evidence import Attempt
from spectra_operator.core.attempts.progress import Progress
from spectra_operator.core.orders import Order
from spectra_operator.core.phase.attention import look
from spectra_operator.core.phase.decide import PhaseDecision, decide_phase
from spectra_operator.core.phase.glance import Missing
from spectra_operator.core.snapshot import PhaseSnapshot
from unit.core.core_plays import SEEDS, plot
from unit.core.core_settings import steady
from unit.core.phase_cases import an_order

ORDERS = (ActionType.RETRY, ActionType.RERUN, ActionType.SKIP, ActionType.MARK_SUCCEEDED)


def told(decision: PhaseDecision) -> Any:
    """Return what a decision says, whatever order it went by the attempts in."""
    watch = decision.attention
    return (
        decision.record,
        decision.ready,
        {a.pod for a in decision.stop},
        {a.pod for a in decision.release},
        set(decision.missing),
        decision.spawn,
        decision.again,
        watch and (watch.record, watch.restless, watch.unwritten, set(watch.missing)),
    )


@dataclass
class Story:
    """A play with people, broken nodes and time limits in it."""

    play: Play
    random: Random
    orders: list[Order] = field(default_factory=list)
    unseen: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Give some of the tasks time limits."""
        for name, policy in self.play.policies.items():
            limit, pending = (self.random.choice((None, None, 3, 9)) for _ in range(2))
            self.play.policies[name] = replace(policy, timeout=limit, pending_timeout=pending)

    def snapshot(self) -> PhaseSnapshot:
        """Return the picture of now."""
        found = self.play.snapshot()
        attempts = (replace(a, uid="") if a.pod in self.unseen else a for a in found.attempts)
        return replace(found, orders=tuple(self.orders), attempts=tuple(attempts))

    def goes_on(self) -> None:
        """Let one to three things happen."""
        happenings: tuple[Callable[[], None], ...] = (
            self._ends,
            self._ends,
            self._starts,
            self._starts,
            self._passes,
            self._passes,
            self._changes,
            self._vanishes,
            self._is_written,
            self._is_ordered,
            self._is_held_or_stopped,
            self._is_being_created,
            self.unseen.clear,
            lambda: self.play.tick(self.random.choice((1, 2, 5))),
        )
        for _ in range(self.random.randint(1, 3)):
            self.random.choice(happenings)()

    def _one(self) -> Body | None:
        live = self.play.live()
        return self.random.choice(live) if live else None

    def _put(self, change: Callable[[Body, float], Body]) -> None:
        pod = self._one()
        if pod is not None:
            self.play.pods[pod["metadata"]["name"]] = change(pod, self.play.clock)

    def _starts(self) -> None:
        self._put(pods.running)

    def _changes(self) -> None:
        change = self.random.choice(
            (pods.pulling, pods.unschedulable, pods.node_lost, pods.deleted)
        )
        self._put(change)

    def _ends(self) -> None:
        pod = self._one()
        if pod is not None:
            self.play.end(pod, self.random.randrange)

    def _is_being_created(self) -> None:
        pod = self._one()
        if pod is not None:
            self.unseen.add(pod["metadata"]["name"])

    def _vanishes(self) -> None:
        if self.play.pods and self.random.random() < 0.5:
            del self.play.pods[self.random.choice(list(self.play.pods))]

    def _passes(self) -> None:
        for attempt in decide_phase(self.snapshot()).stop:
            self.play.pods[attempt.pod] = pods.deleted(self.play.pods[attempt.pod], self.play.clock)
        with pytest.MonkeyPatch.context() as patch:  # what people and nodes do breaks its rules
            patch.setattr(self.play, "_check", lambda *_: None)
            patch.setattr(self.play, "_release", self._lets_go)
            self.play.reconcile()

    def _lets_go(self, attempt: Attempt) -> None:
        self.play.pods[attempt.pod] = pods.released(self.play.pods[attempt.pod])

    def _is_written(self) -> None:
        self.play.persisted = decide_phase(self.snapshot()).record

    def _is_ordered(self) -> None:
        if self.random.random() < 0.5:
            task = self.random.choice(list(self.play.shape.tasks))
            kind = self.random.choice(ORDERS)
            when = self.play.clock
            self.orders.append(an_order(kind, task, uid=f"o{len(self.orders)}", when=when))

    def _is_held_or_stopped(self) -> None:
        self.play.levels = self.random.choice((NO_LEVELS, NO_LEVELS, NO_LEVELS, SUSPENDED, STOPPED))


def a_wide_play(random: Random) -> Play:
    """Return a play of a fan-out that is too wide for its items to be a plain dict."""
    limit = random.choice([None, 60])
    retry = a_retry(1, losses=2, seconds=2)
    wide = a_task("wide", count=random.randint(18, 70), retry=retry, activeDeadlineSeconds=limit)
    return Play(a_phase([wide, a_task("after", depends_on=["wide"])], failure_policy="Continue"))


def strangers(snapshot: PhaseSnapshot, random: Random) -> list[Attempt]:
    """Return what is left of a former phase of the same name: now this, now that."""
    mine = list(snapshot.attempts)
    chosen = random.sample(mine, min(len(mine), random.randint(0, 2)))
    return [replace(a, pod=f"former-{a.pod}", phase_uid="former") for a in chosen]


def compare(tale: Story, moves: int) -> None:
    """Demand of every pass of a tale that a glance and a look at everything decide alike."""
    watcher, former = Watcher(), list[Attempt]()
    for _ in range(moves):
        snapshot = tale.snapshot()
        whole = decide_phase(watcher.going_on(snapshot))
        if tale.random.random() < 0.3:
            former = strangers(snapshot, tale.random)
        glanced = decide_phase(watcher.glancing(snapshot, former))
        assert told(glanced) == told(whole)
        if whole.wake_at is not None:
            assert glanced.wake_at is not None
            assert glanced.wake_at <= whole.wake_at, "it would be woken too late"
        if tale.random.random() < 0.9:  # or the workflow was not looked at yet
            watcher.last = glanced
            watcher.cell.all_seen()
        tale.goes_on()


@steady(300)
@given(SEEDS, SEEDS, st.sampled_from(["Fail", "Continue"]))
def test_a_glance_shows_what_a_look_at_everything_would(
    story: int, order: int, policy: str
) -> None:
    compare(Story(plot(story, policy).play(), Random(order)), 30)


@steady(60)
@given(SEEDS)
def test_a_glance_at_a_wide_fan_out_shows_what_a_look_at_everything_would(order: int) -> None:
    random = Random(order)
    compare(Story(a_wide_play(random), random), 30)


def test_a_stranger_that_leaves_is_not_taken_for_one_of_the_phase() -> None:
    watcher, snapshot = Watcher(), with_these(RUNNING)
    former = replace(RUNNING[2], pod="former", phase_uid="former")
    watcher.last = decide_phase(watcher.glancing(snapshot, [former]))
    watcher.cell.all_seen()
    assert decide_phase(watcher.glancing(snapshot)).missing == ()


WIDE = a_phase([a_task("work", count=4, retry=a_retry(1))])
RUNNING = [an_attempt(index=i) for i in range(4)]
BASE = a_phase_snapshot(WIDE)
ONE = a_phase_snapshot(a_phase([a_task("work")]))
LIMITED = a_phase_snapshot(a_phase([a_task("work", count=4, timeoutSeconds=60)]), RUNNING)


def with_these(attempts: list[Attempt]) -> PhaseSnapshot:
    """Return a picture of the wide phase with some attempts."""
    return replace(BASE, attempts=tuple(attempts))


def after(attempts: list[Attempt]) -> Watcher:
    """Return somebody who saw a decision about these attempts."""
    return having_seen(with_these(attempts))


def having_seen(snapshot: PhaseSnapshot) -> Watcher:
    """Return somebody who saw a decision about a picture."""
    watcher = Watcher()
    watcher.saw(snapshot, decide_phase(snapshot))
    return watcher


def seen(watcher: Watcher, snapshot: PhaseSnapshot) -> set[int] | None:
    """Return the items that a pass looks at; None for all, whatever changed."""
    glancing = watcher.glancing(snapshot)
    assert glancing.known is not None
    looked = look(glancing, glancing.known, ordered=False)
    return None if looked.glance is None else {a.index for a in looked.attempts}


def test_of_a_fan_out_that_runs_nothing_is_looked_at() -> None:
    assert seen(after(RUNNING), with_these(RUNNING)) == set()


@pytest.mark.parametrize(
    "changed",
    [
        an_attempt(index=2, deleted_at=at(5)),
        an_attempt(index=2, node_lost=True),
        an_attempt(index=2, progress=Progress(50)),
    ],
    ids=["deleted", "unreachable", "progress"],
)
def test_what_changed_is_looked_at_and_stays_so_until_it_rests(changed: Attempt) -> None:
    attempts = [changed if a.index == 2 else a for a in RUNNING]
    watcher, snapshot = after(RUNNING), with_these(attempts)
    assert seen(watcher, snapshot) == {2}
    watcher.saw(snapshot, decide_phase(watcher.glancing(snapshot)))
    assert seen(watcher, snapshot) == {2}


@pytest.mark.parametrize(
    "ended",
    [
        an_attempt(index=2, outcome=done()),
        an_attempt(index=2, outcome=broken()),
        an_attempt(index=2, outcome=lost()),
    ],
    ids=["done", "broken", "lost"],
)
def test_what_ended_rests_until_status_says_so_and_then_not_until_it_is_gone(
    ended: Attempt,
) -> None:
    attempts = [ended if a.index == 2 else a for a in RUNNING]
    watcher, snapshot = after(RUNNING), with_these(attempts)
    assert seen(watcher, snapshot) == {2}
    decision = decide_phase(watcher.glancing(snapshot))
    watcher.saw(snapshot, decision)
    assert seen(watcher, snapshot) == set()
    written = replace(snapshot, persisted=decision.record)
    for _ in range(2):
        assert seen(watcher, written) == {2}
        again = decide_phase(watcher.glancing(written))
        assert again.release == (ended,)
        watcher.saw(written, again)


def test_what_is_being_created_rests_until_its_pod_is_there() -> None:
    creating = [*RUNNING[:3], an_attempt(index=3, uid="")]
    watcher = after(creating)
    assert seen(watcher, with_these(creating)) == set()
    assert seen(watcher, with_these(RUNNING)) == {3}


def test_a_single_task_whose_pod_waits_is_looked_at_for_the_words_of_it() -> None:
    waits = replace(ONE, attempts=(an_attempt(waiting="ErrImagePull"),))
    assert seen(having_seen(waits), waits) == {0}
    rests = replace(ONE, attempts=(an_attempt(),))
    assert seen(having_seen(rests), rests) == set()


def test_what_rests_again_is_looked_at_no_more() -> None:
    silent = [*RUNNING[:3], an_attempt(index=3, node_lost=True)]
    watcher, back = after(silent), with_these(RUNNING)
    assert seen(watcher, back) == {3}
    watcher.saw(back, decide_phase(watcher.glancing(back)))
    assert seen(watcher, back) == set()


def test_everything_is_looked_at_when_the_record_is_another() -> None:
    watcher, snapshot = after(RUNNING), with_these(RUNNING)
    glancing = watcher.glancing(snapshot)
    other = replace(glancing, known=a_running_phase())
    assert look(other, a_running_phase(), ordered=False).glance is None


def test_everything_is_looked_at_when_a_policy_is_another() -> None:
    watcher, snapshot = after(RUNNING), with_these(RUNNING)
    glancing = replace(watcher.glancing(snapshot), policies=dict(snapshot.policies))
    assert glancing.known
    assert look(glancing, glancing.known, ordered=False).glance is None


def test_everything_is_looked_at_for_an_order() -> None:
    glancing = after(RUNNING).glancing(with_these(RUNNING))
    assert glancing.known
    assert look(glancing, glancing.known, ordered=True).glance is None


def test_an_attempt_that_shows_others_before_it_makes_everything_looked_at() -> None:
    watcher = after(RUNNING)
    third = [*RUNNING, an_attempt(index=1, number=3)]
    snapshot = with_these(third)
    assert seen(watcher, snapshot) is None
    decision = decide_phase(watcher.glancing(snapshot))
    assert [(a.index, a.number) for a in decision.stop] == [(1, 1)]


def test_a_time_limit_of_what_rests_is_found_when_it_passes() -> None:
    watcher = having_seen(LIMITED)
    assert watcher.last
    assert watcher.last.wake_at == at(62)
    assert seen(watcher, replace(LIMITED, now=at(61))) == set()
    late = replace(LIMITED, now=at(62))
    assert {a.index for a in decide_phase(watcher.glancing(late)).stop} == {0, 1, 2, 3}


def test_what_was_asked_to_stop_is_asked_again() -> None:
    snapshot = replace(LIMITED, now=at(99))
    watcher = having_seen(snapshot)
    again = decide_phase(watcher.glancing(replace(snapshot, now=at(100))))
    assert {a.index for a in again.stop} == {0, 1, 2, 3}


def test_an_attempt_that_went_without_an_end_is_missed_until_it_is_found() -> None:
    watcher, gone = after(RUNNING), with_these(RUNNING[:3])
    for _ in range(2):
        decision = decide_phase(watcher.glancing(gone))
        assert decision.missing == (Missing("work", 3, 1),)
        watcher.saw(gone, decision)
    back = with_these(RUNNING)
    assert decide_phase(watcher.glancing(back)).missing == ()


def test_a_stop_of_everything_reaches_what_rests() -> None:
    snapshot = with_these(RUNNING)
    stopped = replace(after(RUNNING).glancing(snapshot), levels=STOPPED)
    assert {a.index for a in decide_phase(stopped).stop} == {0, 1, 2, 3}
