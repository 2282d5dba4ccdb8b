"""What follows from results is ready in the whole decision, whatever happened since the last."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from builders.language_plays import LanguagePlay
from builders.plays import Fates
from builders.records import NO_LEVELS, done
from builders.specs import AGENT, Body, a_phase, a_retry, a_task
from spectra_operator.core.phase.decide import decide_phase
from spectra_operator.core.phase.following import following
from spectra_operator.core.phase.records import PhaseRecord
from unit.core.core_settings import steady

GOOD = {"n": 1}
SEEDS = st.integers(0, 10**9)


@steady(250)
@given(SEEDS, SEEDS, st.sampled_from(["Fail", "Continue"]))
def test_what_follows_is_ready_in_the_whole_decision_with_the_same_before_it(
    story: int, order: int, policy: str
) -> None:
    random = Random(order)
    play = a_plot(story, policy)
    for _ in range(12):
        known = play.reconcile().record
        if random.random() < 0.5:
            play.write_status()
        for _ in range(random.randrange(4)):
            trouble = (play._end_one, play._end_one, play._end_one, play.ask, play.suspend)
            random.choice(trouble)(random.randrange)
        play.tick(random.choice((0, 1, 3)))
        check_what_follows(play, known, random)
        play.levels = NO_LEVELS


def test_in_these_stories_much_follows() -> None:
    found = 0
    for seed in range(40):
        play = a_plot(seed, "Continue")
        known = play.reconcile().record
        found += check_what_follows(play, known, Random(seed))
    assert found > 10


def check_what_follows(play: LanguagePlay, known: PhaseRecord, random: Random) -> int:
    """Let some live attempts succeed and compare; return how many tasks follow."""
    snapshot = replace(play.snapshot(), known=known)
    live = [attempt for attempt in snapshot.attempts if attempt.live]
    ended = [
        replace(attempt, outcome=done(GOOD), finished_at=snapshot.now, deleted_at=None)
        for attempt in random.sample(live, random.randint(0, min(3, len(live))))
    ]
    by_pod = {attempt.pod: attempt for attempt in ended}
    attempts = tuple(by_pod.get(attempt.pod, attempt) for attempt in snapshot.attempts)
    record, names = following(snapshot, ended, AGENT)
    whole = decide_phase(replace(snapshot, attempts=attempts))
    afresh = decide_phase(replace(snapshot, attempts=attempts, known=None))
    for decision in (whole, afresh):
        assert set(names) <= {ready.task for ready in decision.ready if not ready.way}
    for before in {parent for name in names for parent in ancestors(play, name)}:
        assert record.tasks[before] == whole.record.tasks[before]
    return len(names)


def ancestors(play: LanguagePlay, name: str) -> set[str]:
    """Return the tasks that a task's input may be made of."""
    parents = play.shape.graph.parents[name]
    return set(parents).union(*(ancestors(play, parent) for parent in parents))


def a_plot(seed: int, policy: str) -> LanguagePlay:
    """Return a play of up to nine tasks, mostly plain ones."""
    random = Random(seed)
    tasks: list[Body] = []
    for _ in range(random.randint(2, 9)):
        tasks.append(_task(random, tasks))
    fates: Fates = {
        (task["name"], index): tuple(random.choice(("ok", "fail", "lose")) for _ in range(3))
        for task in tasks
        for index in range(3)
        if random.random() < 0.4
    }
    return LanguagePlay(a_phase(tasks, failure_policy=policy), fates)


def _task(random: Random, others: list[Body]) -> Body:
    before = [other["name"] for other in others if random.random() < 0.35]
    single = [
        o["name"] for o in others if o["name"] in before and not {"count", "forEach"} & o.keys()
    ]
    conditions = ["true", "false", *(f"tasks.{name}.outputs.gone.more" for name in single)]
    odd: Body = random.choice(
        [
            {"when": random.choice(conditions)},
            {"count": random.randint(1, 3)},
            {"for_each": random.choice([[], ["x", "y"]])},
            {"fallback": [{"agent": AGENT}]},
            {"active_deadline_seconds": random.randint(1, 8)},
            {"allow_failure": True},
        ]
    )
    retry = a_retry(random.randint(0, 1), losses=1, seconds=random.choice((0, 4)))
    return a_task(
        f"t{len(others)}", depends_on=before, retry=retry, **(odd if random.random() < 0.35 else {})
    )
