"""The turns of a rollout: begin, switch, promotion, the ways back.

The switch and the way back are one field, `active`; all else follows from it. So a record that
was written before a crash leads to the same end.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from ...api.rollout import (
    ROLLOUT_HISTORY,
    RolloutEnd,
    RolloutOutcome,
    RolloutState,
    RolloutStrategy,
)
from .records import RolloutRecord, Turn


def first(turn: Turn) -> Turn:
    """Make the first revision active and stable at once: there is nothing to compare with."""
    snapshot = turn.snapshot
    wanted = snapshot.wanted
    if wanted not in snapshot.stored:
        return turn.enter(RolloutState.PENDING, "RevisionNotStored", "the revision is being stored")
    ends = (_end(turn, wanted, RolloutOutcome.PROMOTED, "FirstRevision", ""),)
    now = snapshot.now
    turn = turn.becomes(stable=wanted, active=wanted, history=ends, number=1, alone_since=now)
    text = f"revision {wanted} is the first one"
    return turn.enter(RolloutState.PROMOTED, "FirstRevision", text)


def begin(turn: Turn, revision: str, by: str = "") -> Turn:
    """Put a revision under way. One that was promoted before needs no gate and no analysis."""
    record = turn.record
    proven = record.was_promoted(revision)
    turn = turn.becomes(
        number=record.number + 1,
        active=record.stable,
        preview=revision,
        proven=proven,
        by=by,
        progress=0,
        deadline=None,
        switched_at=None,
        enough_at=None,
        warm="",
        warm_until=None,
        replay="",
    )
    if not proven:
        turn = _with_new_statistics(turn, revision)
    text = f"revision {revision} follows {record.stable}"
    if proven:
        text = f"revision {revision} was promoted before and comes back without gates"
    return turn.enter(RolloutState.PENDING, "RolloutStarted", _by(text, by))


def supersede(turn: Turn, revision: str) -> Turn:
    """End what is under way since a newer revision is wanted; the stable one stays."""
    record = turn.record
    text = f"revision {record.preview} was not promoted; {revision} takes its place"
    turn = _alone_again(_noted(turn, record.preview, RolloutOutcome.SUPERSEDED, "Superseded", ""))
    return turn.tell("Superseded", text)


def switch(turn: Turn) -> Turn:
    """Make the revision under way active; it is bounded until it is promoted."""
    record, spec = turn.record, turn.snapshot.spec
    turn = turn.becomes(active=record.preview, switched_at=turn.snapshot.now, deadline=None)
    text = f"revision {record.preview} is active"
    if spec.analysis and not record.proven:
        text = (
            f"{text}: at most {spec.max_unproven} attempts until its analysis has passed; the "
            f"others go to {record.stable}"
        )
    if record.replay:
        text = f"{text}; {record.replay}"
    return turn.enter(RolloutState.EXPOSED, "Switched", text)


def promote(turn: Turn, reason: str, detail: str, by: str = "") -> Turn:
    """Make the revision under way stable. The former one stays warm, unless it was gone back on."""
    record, spec = turn.record, turn.snapshot.spec
    former, back = record.stable, record.proven
    outcome = RolloutOutcome.PROMOTED
    if back:
        turn = _noted(turn, former, RolloutOutcome.ROLLED_BACK, reason, by)
    turn = _noted(turn, record.preview, outcome, reason, by)
    warm = _stays_warm(turn) and not back
    seconds = timedelta(seconds=spec.warm_seconds)
    turn = turn.becomes(
        stable=record.preview,
        active=record.preview,
        rejected="" if record.rejected == record.preview else record.rejected,
        warm=former if warm else "",
        warm_until=turn.snapshot.now + seconds if warm else None,
        alone_since=turn.snapshot.now,
    )
    text = f"revision {record.preview} is stable: {detail}"
    return _rest(turn).enter(RolloutState.PROMOTED, reason, _by(text, by))


def give_up(turn: Turn, reason: str, detail: str, by: str = "") -> Turn:
    """End the revision under way: back to the stable one if it was switched to, else just so."""
    record, snapshot = turn.record, turn.snapshot
    state, outcome = RolloutState.ABORTED, RolloutOutcome.ABORTED
    text = f"revision {record.preview} was given up before the switch: {detail}"
    if record.exposed:
        state, outcome = RolloutState.ROLLED_BACK, RolloutOutcome.ROLLED_BACK
        text = f"back to revision {record.stable} from {record.preview}: {detail}"
    turn = _noted(turn, record.preview, outcome, reason, by)
    turned_down = record.preview == snapshot.wanted
    turn = _alone_again(turn).becomes(
        active=record.stable, rejected=record.preview if turned_down else record.rejected
    )
    return _rest(turn).enter(state, reason, _by(text, by))


def cool_down(turn: Turn) -> Turn:
    """Let the former revision go when its time is over, or when its workers are not wanted warm."""
    record, now = turn.record, turn.snapshot.now
    if not record.warm:
        return turn
    over = record.warm_until is None or record.warm_until <= now
    return turn.becomes(warm="", warm_until=None) if over or not _stays_warm(turn) else turn


def former(record: RolloutRecord) -> str:
    """Return the revision that was promoted before the stable one and not given up, or nothing."""
    known = [each.revision for each in reversed(record.history)]
    found = (each for each in known if each != record.stable and record.was_promoted(each))
    return next(found, "")


def progressed(turn: Turn, steps: int) -> Turn:
    """Note how many steps towards the switch are done; each new one sets the deadline anew."""
    record, now = turn.record, turn.snapshot.now
    if record.deadline is not None and steps <= record.progress:
        return turn
    return turn.becomes(
        progress=max(steps, record.progress), deadline=deadline_from(turn, record.deadline or now)
    )


def deadline_from(turn: Turn, before: datetime) -> datetime:
    """Return the progress deadline of a step made now, never earlier than the one before."""
    seconds = timedelta(seconds=turn.snapshot.spec.progress_deadline_seconds)
    return max(turn.snapshot.now + seconds, before)


def _stays_warm(turn: Turn) -> bool:
    snapshot = turn.snapshot
    blue_green = snapshot.spec.strategy is RolloutStrategy.BLUE_GREEN
    return snapshot.pooled and blue_green and snapshot.spec.warm_seconds > 0


def _rest(turn: Turn) -> Turn:
    """Return the turn with nothing under way."""
    return turn.becomes(
        preview="",
        proven=False,
        by="",
        progress=0,
        deadline=None,
        switched_at=None,
        enough_at=None,
    )


def _alone_again(turn: Turn) -> Turn:
    """Return the turn with the stable revision alone from now on, if it was not before."""
    return turn.becomes(alone_since=turn.snapshot.now) if turn.record.exposed else turn


def _with_new_statistics(turn: Turn, revision: str) -> Turn:
    return Turn(turn.snapshot, turn.record, turn.told, revision)


def _noted(turn: Turn, revision: str, outcome: RolloutOutcome, reason: str, by: str) -> Turn:
    history = (*turn.record.history, _end(turn, revision, outcome, reason, by))
    return turn.becomes(history=history[-ROLLOUT_HISTORY:])


def _end(turn: Turn, revision: str, outcome: RolloutOutcome, reason: str, by: str) -> RolloutEnd:
    return RolloutEnd(
        revision=revision, outcome=outcome, reason=reason, at=turn.snapshot.now, by=by
    )


def _by(text: str, by: str) -> str:
    return f"{text} ({by})" if by else text
