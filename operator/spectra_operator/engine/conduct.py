"""Counts how the attempts of each revision end, each once.

Of a revision that is not proven, the pod or page that proves an end stays until the agent's status
holds the count: so an operator that dies in between finds it again, and the bound holds.
"""

from __future__ import annotations

from ..core.attempts.evidence import Attempt, Kind, Outcome
from ..core.names import short_hash
from ..core.phase.judging import Context, how_it_ended
from ..core.rollout.stats import CRASHES, NO_STATS, AttemptEnd
from .keys import Key
from .measures import count_attempt
from .parts import Parts
from .runs import PhaseRun

_ID_LENGTH = 10


def count_end(parts: Parts, phase: Key, run: PhaseRun | None, attempt: Attempt) -> bool:
    """Count the end of an attempt that its phase has recorded; return whether its proof may go.

    `run` is None of a phase that is gone: then the attempt ended as it says itself.
    """
    key = Key("Agent", phase.namespace, attempt.agent)
    agent = parts.agents.get(key)
    if agent is None or attempt.live or not attempt.revision:
        return True
    if run and run.shape.spec.gate is not None:  # a gate is judged by itself
        parts.attempts.count_off(phase, attempt.pod)
        return True
    id_ = short_hash(attempt.pod, _ID_LENGTH)
    unproven = agent.rollout.exposed and attempt.revision == agent.rollout.preview
    if not parts.attempts.is_counted(phase, attempt.pod):
        outcome = _outcome_of(parts, run, attempt)
        count_attempt(parts.metrics, attempt, outcome)
        end = _end_of(parts, phase, attempt, outcome)
        known = agent.stats.get(attempt.revision, NO_STATS)
        matters = unproven and (end.kind is not Kind.LOST or end.reason in CRASHES)
        stats = known.add_once(id_, end) if matters else known.add(end)
        agent.stats[attempt.revision] = stats
        parts.attempts.count_off(phase, attempt.pod)
        if unproven:
            parts.queue.add(key)
    counted = agent.stats.get(attempt.revision, NO_STATS).counted
    if not unproven or id_ in agent.recorded or id_ not in counted:
        return True
    agent.holding.add(phase)
    return False


def _outcome_of(parts: Parts, run: PhaseRun | None, attempt: Attempt) -> Outcome | None:
    policy = run.policies.get(attempt.task) if run else None
    if run is None or policy is None:
        return attempt.outcome
    return how_it_ended(attempt, Context(run.shape, policy, parts.clock.now()))


def _end_of(parts: Parts, phase: Key, attempt: Attempt, outcome: Outcome | None) -> AttemptEnd:
    if outcome is None:
        return AttemptEnd(Kind.LOST)
    cost = outcome.result.usage.cost
    return AttemptEnd(outcome.kind, _seconds(parts, phase, attempt), cost, outcome.reason)


def _seconds(parts: Parts, phase: Key, attempt: Attempt) -> float | None:
    """Return how long an attempt took, unless nobody was there to hear a part of it.

    A claim ends when its result is taken in: without an operator that is later than it was.
    """
    begin, end = attempt.started_at, attempt.finished_at
    if begin is None or end is None:
        return None
    since = parts.led_since(phase.namespace)
    if attempt.worker and (since is None or begin < since):
        return None
    return (end - begin).total_seconds()
