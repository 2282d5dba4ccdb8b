"""Decides about the rollout of an agent's revisions: a snapshot in, a decision out.

| under way   | what happens                                   | then                            |
|-------------|------------------------------------------------|---------------------------------|
| nothing     | another revision is wanted than the stable one | begin: Pending                  |
| not active  | stored, a worker ready, gates passed           | switch: Exposed                 |
| not active  | no progress within the deadline, a gate failed | Aborted                         |
| active      | analysis passed, or there is none              | Promoted                        |
| active      | analysis failed, workers crash or never come   | RolledBack                      |
| active      | nothing more can come of the analysis          | as `onInconclusive` says        |
| any         | the stable template is wanted again            | Aborted or RolledBack, at once  |
| any         | yet another revision is wanted                 | begin with that one             |
"""

from __future__ import annotations

from dataclasses import replace

from ...api.rollout import Analysis, OnInconclusive, RolloutState, RolloutStrategy
from ..pool.fleet import Keep, Why
from .analysis import (
    Judgement,
    analysis_of,
    crashes,
    end_of_analysis,
    judge,
    next_query,
    places,
    stuck,
)
from .conditions import Verdict
from .gates import gate_progress
from .obstacle import needed_of, obstacle
from .orders import take_orders
from .records import RolloutDecision, RolloutSnapshot, Turn
from .stats import RevisionStats
from .steps import (
    begin,
    cool_down,
    deadline_from,
    first,
    give_up,
    progressed,
    promote,
    supersede,
    switch,
)

_INCONCLUSIVE = "Inconclusive"


def decide_rollout(snapshot: RolloutSnapshot) -> RolloutDecision:
    """Return what to do about the revisions of an agent."""
    turn = Turn(snapshot, snapshot.record)
    if not turn.record.stable and snapshot.wanted:
        turn = first(turn)
    turn = _follow(turn)
    turn = take_orders(turn)
    turn = cool_down(turn)
    if turn.record.preview and not turn.record.exposed:
        turn = _prepare(turn)
    if turn.record.exposed:
        turn = _prove(turn)
    return _decision(turn)


def hold_rollout(snapshot: RolloutSnapshot) -> RolloutDecision:
    """Return a decision that leaves all as it is, where the spec gives nothing to decide by.

    An agent without any revision in use gets its first one, and people's orders are carried out.
    """
    turn = Turn(snapshot, snapshot.record)
    if not turn.record.stable and snapshot.wanted:
        turn = first(turn)
    decision = _decision(cool_down(take_orders(turn)))
    return replace(decision, run_gate=(), query_at=None)


def _follow(turn: Turn) -> Turn:
    """Take in which revision the spec wants."""
    record, wanted = turn.record, turn.snapshot.wanted
    if not record.stable or not wanted or wanted == record.rejected:
        return turn
    turn = turn.becomes(rejected="")
    if wanted == record.preview:
        return turn
    if wanted == record.stable:
        back = "the stable template is wanted again"
        return give_up(turn, "TemplateRestored", back) if record.preview else turn
    if record.preview:
        turn = supersede(turn, wanted)
    return begin(turn, wanted)


def _prepare(turn: Turn) -> Turn:
    """Bring the revision under way to the switch, or give it up."""
    snapshot, record = turn.snapshot, turn.record
    stored = record.preview in snapshot.stored
    if stored and snapshot.spec.strategy is RolloutStrategy.IMMEDIATE:
        return promote(turn, "Immediate", "the strategy is Immediate", record.by)
    needed_workers = needed_of(turn)
    staff = min(snapshot.workers_of(record.preview).ready, needed_workers)
    ready = stored and staff == needed_workers
    gates = gate_progress(snapshot, record.number)
    needed = Verdict.PASSED if record.proven else gates.finding.verdict
    turn = turn.becomes(replay=gates.replay or record.replay)
    if needed is Verdict.FAILED:
        return give_up(turn, "GateFailed", gates.finding.text)
    why = stuck(turn, record.preview)
    if why:
        return give_up(turn, "WorkersCrashing", why)
    turn = progressed(turn, stored + stored * staff + gates.steps)
    if ready and needed is Verdict.PASSED:
        return _ready(turn)
    deadline = turn.record.deadline
    if deadline is not None and deadline <= snapshot.now:
        return give_up(turn, "ProgressDeadlineExceeded", obstacle(turn, gates, ready=ready))
    state = RolloutState.PREVIEW if stored else RolloutState.PENDING
    reason = "GateError" if ready and needed is Verdict.ERROR else "Progressing"
    return turn.enter(state, reason, obstacle(turn, gates, ready=ready))


def _ready(turn: Turn) -> Turn:
    """Switch, unless a person wants it held. What comes back is not held."""
    record = turn.record
    if record.proven:
        reason = "UndoRequested" if record.by else "TemplateRestored"
        return promote(switch(turn), reason, "it was promoted before", record.by)
    if turn.snapshot.spec.pause:
        text = f"revision {record.preview} is ready; rollout.pause holds the switch"
        return turn.becomes(deadline=None).enter(RolloutState.PAUSED, "PausedBySpec", text)
    return switch(turn)


def _prove(turn: Turn) -> Turn:
    """Judge the active revision: promote it, go back, or wait."""
    snapshot = turn.snapshot
    why = crashes(turn, turn.record.preview)
    if why:
        return give_up(turn, "WorkersCrashing", why)
    turn = _watched(turn)
    deadline = turn.record.deadline
    if deadline is not None and deadline <= snapshot.now:
        text = f"for {snapshot.spec.progress_deadline_seconds} s it had no ready worker"
        return give_up(turn, "ProgressDeadlineExceeded", text)
    analysis = analysis_of(turn)
    if analysis is None:
        return _passed(turn, "NoAnalysis", "a worker is ready, and there is no analysis")
    return _analysed(_counted(turn), analysis)


def _analysed(turn: Turn, analysis: Analysis) -> Turn:
    judgement = judge(turn, analysis)
    finding = judgement.finding
    if finding.verdict is Verdict.FAILED:
        return give_up(turn, "AnalysisFailed", finding.text)
    if _waits_for_a_person(turn):
        return turn
    if finding.verdict is Verdict.PASSED:
        return _passed(turn, "AnalysisPassed", "the analysis has passed")
    if judgement.last:
        return _inconclusive(turn, analysis.on_inconclusive, judgement)
    if turn.record.enough_at is None and turn.record.state is RolloutState.EXPOSED:
        return turn  # its message says what it waits for; counts stand beside it
    reason = "QueryError" if finding.verdict is Verdict.ERROR else "Analysing"
    return turn.enter(RolloutState.EXPOSED, reason, finding.text)


def _counted(turn: Turn) -> Turn:
    """Note when enough attempts have ended to be judged."""
    enough = turn.stats_of(turn.record.preview).ended >= turn.snapshot.spec.min_tasks
    first_time = enough and turn.record.enough_at is None
    return turn.becomes(enough_at=turn.snapshot.now) if first_time else turn


def _watched(turn: Turn) -> Turn:
    """Set a deadline while there are workers, and none of them is ready."""
    snapshot, record = turn.snapshot, turn.record
    workers = snapshot.workers_of(record.preview)
    missing = not snapshot.has_worker(record.preview) and workers.starting + workers.failing > 0
    if not missing:
        return turn.becomes(deadline=None)
    if record.deadline is not None:
        return turn
    return turn.becomes(deadline=deadline_from(turn, snapshot.now))


def _waits_for_a_person(turn: Turn) -> bool:
    """Whether an inconclusive analysis waits for a person."""
    return turn.record.state is RolloutState.PAUSED and turn.record.reason == _INCONCLUSIVE


def _passed(turn: Turn, reason: str, detail: str) -> Turn:
    if not turn.snapshot.spec.pause:
        return promote(turn, reason, detail, turn.record.by)
    text = f"revision {turn.record.preview}: {detail}; rollout.pause holds the promotion"
    return turn.enter(RolloutState.PAUSED, "PausedBySpec", text)


def _inconclusive(turn: Turn, then: OnInconclusive, judgement: Judgement) -> Turn:
    text = f"the analysis is inconclusive: {judgement.finding.text}"
    if then is OnInconclusive.PROMOTE:
        return _passed(turn, _INCONCLUSIVE, text)
    if then is OnInconclusive.ROLLBACK:
        return give_up(turn, _INCONCLUSIVE, text)
    text = f"{text}; promote or abort revision {turn.record.preview}"
    return turn.enter(RolloutState.PAUSED, _INCONCLUSIVE, text)


def _decision(turn: Turn) -> RolloutDecision:
    record, snapshot = turn.record, turn.snapshot
    gates = gate_progress(snapshot, record.number)
    trying = _tries_gates(turn)
    query_at = None if _waits_for_a_person(turn) else next_query(turn)
    wakes = [record.deadline, record.warm_until, query_at, end_of_analysis(turn)]
    if trying:
        wakes.append(gates.wake_at)
    return RolloutDecision(
        record=record,
        stats=_kept_stats(turn),
        allowed=_allowed(turn),
        keep=_keep(turn),
        run_gate=gates.run if trying else (),
        query_at=query_at,
        told=turn.told,
        wake_at=min((at for at in wakes if at is not None and at > snapshot.now), default=None),
    )


def _tries_gates(turn: Turn) -> bool:
    record, snapshot = turn.record, turn.snapshot
    waits = bool(record.preview) and not record.exposed and not record.proven
    return waits and record.preview in snapshot.stored and snapshot.has_worker(record.preview)


def _kept_stats(turn: Turn) -> dict[str, RevisionStats]:
    """Return the statistics to go on with.

    As long as status calls a revision exposed, what is counted of it stays, whatever is decided:
    an operator that dies before it has written that goes on from there.
    """
    record, before = turn.record, turn.snapshot.record
    exposed = before.preview if before.exposed else ""
    known = dict(turn.snapshot.stats)
    if turn.anew:
        known[turn.anew] = RevisionStats(counted=known.get(turn.anew, RevisionStats()).counted)
    used = dict.fromkeys((record.stable, record.preview, record.warm, record.rejected, exposed))
    return {
        revision: stats
        if revision in (record.preview, exposed)
        else replace(stats, counted=frozenset())
        for revision, stats in ((each, known[each]) for each in used if each in known)
    }


def _allowed(turn: Turn) -> dict[str, int | None]:
    record = turn.record
    if not record.stable:
        return {}
    if not record.exposed:
        return {record.active: None}
    room = turn.snapshot.spec.max_unproven - places(turn, record.preview)
    return {record.preview: max(room, 0), record.stable: None}


def _keep(turn: Turn) -> dict[str, Keep]:
    """Return who keeps workers. Before the switch there are as many as it needs."""
    record = turn.record
    if not turn.snapshot.pooled or not record.stable:
        return {}
    keep = {record.warm: Keep(Why.WARM)} if record.warm else {}
    if record.exposed:
        return keep | {record.preview: Keep(Why.ACTIVE), record.stable: Keep(Why.STABLE)}
    if record.preview:
        most = None if record.proven or analysis_of(turn) is None else 1
        keep |= {record.preview: Keep(Why.PREVIEW, least=1, most=most)}
    return keep | {record.stable: Keep(Why.ACTIVE)}
