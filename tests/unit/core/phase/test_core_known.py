"""Going on from the last decision's record saves work and decides alike."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from builders.pods import at
from spectra_operator.core.phase.decide import PhaseDecision, decide_phase
from spectra_operator.core.phase.records import PhaseRecord, TaskRecord
from unit.core.core_plays import SEEDS, plot
from unit.core.core_settings import steady


def told(decision: PhaseDecision) -> Any:
    """Return a decision without what depends on which pass saw something first."""
    record: PhaseRecord = decision.record
    tasks: dict[str, TaskRecord] = {
        name: replace(task, started_at=None, pod="", reason="", message="")
        for name, task in record.tasks.items()
    }
    plain = replace(record, tasks=tasks, started_at=at(0), finished_at=None)
    ready = [replace(ready, since=at(0)) for ready in decision.ready]
    return plain, ready, decision.stop, decision.release, decision.missing


@steady(80)
@given(SEEDS, SEEDS, st.sampled_from(["Fail", "Continue"]))
def test_a_decision_is_the_same_with_and_without_the_last_one(
    story: int, order: int, policy: str
) -> None:
    play, random = plot(story, policy).play(), Random(order)
    known: PhaseRecord | None = None
    for _ in range(25):
        play.reconcile()
        fresh = play.decide()
        going_on = decide_phase(replace(play.snapshot(), known=known))
        assert told(going_on) == told(fresh)
        known = going_on.record
        if play.live() and random.random() < 0.7:
            play.end(random.choice(play.live()), random.randrange)
        if random.random() < 0.4:
            play.write_status()
            known = play.persisted
        play.tick()
