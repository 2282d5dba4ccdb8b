"""Judges a revision that was switched to, by how its attempts ended and by queries.

Three things are kept apart: what failed, what is inconclusive, and what a provider could not tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from ...api.rollout import Analysis, RolloutStrategy
from .conditions import Finding, Verdict, is_relative, look, look_at_value, together
from .records import Turn
from .stats import Figures, RevisionStats

MOST_CRASHES = 3
"""Attempts that crashed their worker, or workers that failed: as many are no accident."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the analysis comes to.

    Attributes:
        finding: Passed, Failed, or Inconclusive so far.
        last: No more can come of it by itself: an inconclusive one has to be acted upon.
    """

    finding: Finding
    last: bool = False


def places(turn: Turn, revision: str) -> int:
    """Return how many of its attempts a revision has used, of those that it may have unproven.

    Attempts under way, and ended ones. One that was lost to others than the revision itself gives
    its place back.
    """
    return turn.snapshot.running.get(revision, 0) + turn.stats_of(revision).ended


def crashes(turn: Turn, revision: str) -> str:
    """Return why a revision counts as crashing, or nothing."""
    crashed = turn.stats_of(revision).crashed
    if crashed >= MOST_CRASHES:
        return f"{crashed} of its attempts crashed their workers"
    workers = turn.snapshot.workers_of(revision)
    what = "workers failed" if turn.snapshot.pooled else "pods were refused"
    if workers.failing < MOST_CRASHES:
        return stuck(turn, revision)
    more = f"; worker {workers.trouble}" if workers.trouble else ""
    return f"{workers.failing} of its {what}{more}"


def stuck(turn: Turn, revision: str) -> str:
    """Return why no worker of a revision will start, or nothing.

    Where another one is ready it is hardly the revision, but the node.
    """
    workers = turn.snapshot.workers_of(revision)
    return f"worker {workers.trouble}" if workers.stuck and not workers.ready else ""


def judge(turn: Turn, analysis: Analysis) -> Judgement:
    """Judge the revision under way, which is active."""
    snapshot, record = turn.snapshot, turn.record
    own = turn.stats_of(record.preview)
    late = _is_over(turn)
    hopeless = _hopeless(turn, analysis, own)
    if hopeless.verdict is Verdict.FAILED:
        return Judgement(hopeless, last=True)
    if own.ended < snapshot.spec.min_tasks:
        text = f"{own.ended} of {snapshot.spec.min_tasks} attempts have ended"
        return Judgement(Finding(Verdict.INCONCLUSIVE, text), last=late)
    conditions = together(_findings(turn, analysis, own.figures()))
    queries = together(_readings(turn, analysis))
    finding = together((conditions, queries))
    spent = own.ended >= snapshot.spec.max_unproven and queries.verdict is Verdict.PASSED
    return Judgement(finding, late or (spent and _compared(turn, analysis)))


def analysis_of(turn: Turn) -> Analysis | None:
    """Return what the revision under way is judged by, if it is to be judged."""
    spec = turn.snapshot.spec
    return None if spec.strategy is RolloutStrategy.IMMEDIATE else spec.analysis


def end_of_analysis(turn: Turn) -> datetime | None:
    """Return when an analysis that is still open is inconclusive."""
    begin, analysis = turn.record.switched_at, analysis_of(turn)
    if begin is None or analysis is None or analysis.max_seconds is None:
        return None
    return begin + timedelta(seconds=analysis.max_seconds)


def next_query(turn: Turn) -> datetime | None:
    """Return when the queries are due: once enough attempts have ended, then at intervals."""
    begin, analysis = turn.record.enough_at, analysis_of(turn)
    if begin is None or analysis is None or analysis.prometheus is None:
        return None
    known = [turn.snapshot.readings.get(query.name) for query in analysis.prometheus.queries]
    times = [reading.at for reading in known if reading is not None and reading.at >= begin]
    if len(times) < len(known):
        return turn.snapshot.now
    return min(times) + timedelta(seconds=analysis.interval_seconds)


def _is_over(turn: Turn) -> bool:
    end = end_of_analysis(turn)
    return end is not None and turn.snapshot.now >= end


def _hopeless(turn: Turn, analysis: Analysis, own: RevisionStats) -> Finding:
    """Return a failure if a condition is false now and however the rest of the attempts ends."""
    rest = max(turn.snapshot.spec.max_unproven - own.ended, 0)
    now = _findings(turn, analysis, own.figures())
    best = _findings(turn, analysis, own.best(rest))
    worst = _findings(turn, analysis, own.worst(rest))
    failed = [
        each[0]
        for each in zip(now, best, worst, strict=True)
        if all(finding.verdict is Verdict.FAILED for finding in each)
    ]
    return together(failed)


def _findings(turn: Turn, analysis: Analysis, own: Figures) -> list[Finding]:
    """Look at each condition; a fix is not measured by the broken revision that it replaces."""
    stable = turn.stats_of(turn.record.stable).figures()
    sources = analysis.conditions
    if _stable_is_broken(turn, analysis):
        sources = [each for each in sources if not is_relative(each)]
    return [look(source, own, stable) for source in sources]


def _stable_is_broken(turn: Turn, analysis: Analysis) -> bool:
    """Whether the stable revision crashes, or breaks a condition that names no other revision."""
    stable = turn.record.stable
    if crashes(turn, stable):
        return True
    figures = turn.stats_of(stable).figures()
    own = [look(each, figures, None) for each in analysis.conditions if not is_relative(each)]
    return any(each.verdict is Verdict.FAILED for each in own)


def _compared(turn: Turn, analysis: Analysis) -> bool:
    """Whether waiting brings no better comparison: the stable revision has ended enough too."""
    if not any(is_relative(each) for each in analysis.conditions):
        return True
    return turn.stats_of(turn.record.stable).ended >= turn.snapshot.spec.min_tasks


def _readings(turn: Turn, analysis: Analysis) -> list[Finding]:
    """Look at each query; a reading from before enough attempts had ended says nothing."""
    if analysis.prometheus is None:
        return []
    begin, found = turn.record.enough_at, []
    for query in analysis.prometheus.queries:
        reading = turn.snapshot.readings.get(query.name)
        if reading is None or begin is None or reading.at < begin:
            found.append(Finding(Verdict.INCONCLUSIVE, f"query {query.name} is due"))
        elif reading.error:
            text = f"query {query.name} could not be answered: {reading.error}"
            found.append(Finding(Verdict.ERROR, text))
        else:
            finding = look_at_value(query.condition, reading.value)
            found.append(Finding(finding.verdict, f"query {query.name}: {finding.text}"))
    return found
