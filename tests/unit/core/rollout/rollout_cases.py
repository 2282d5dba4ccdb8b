"""Agents with revisions v1, v2, ... for tests of rollouts: seconds count from START.

Every decision goes through status and back, as over a restart of the operator.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from builders.clock import START
from spectra_operator.api.rollout import Rollout, RolloutVerb
from spectra_operator.core.attempts.evidence import Kind
from spectra_operator.core.rollout.decide import decide_rollout
from spectra_operator.core.rollout.records import (
    GateResult,
    GateState,
    Reading,
    RolloutDecision,
    RolloutOrder,
    RolloutRecord,
    RolloutSnapshot,
    WorkerCounts,
    parse_record,
    render_record,
)
from spectra_operator.core.rollout.stats import (
    NO_STATS,
    AttemptEnd,
    RevisionStats,
    parse_stats,
    render_stats,
)

REVISIONS = ("v1", "v2", "v3", "v4")
NONE_READY = {"v1": WorkerCounts(ready=3), "v2": WorkerCounts(starting=1)}


def at(seconds: float) -> datetime:
    """Return a moment."""
    return START + timedelta(seconds=seconds)


def a_rollout(**fields: Any) -> Rollout:
    """Return a rollout from fields as in YAML."""
    return Rollout.model_validate(fields)


def analysed(*conditions: str, **analysis: Any) -> Rollout:
    """Return a rollout that allows 10 unproven attempts and judges when 10 have ended.

    Without a condition one of ten may fail.
    """
    chosen = list(conditions) or ["failureRatio <= 0.1"]
    given = {"minTasks": 10, "conditions": chosen} | analysis
    return a_rollout(maxUnproven=10, analysis=given)


def stored_status(
    record: RolloutRecord, stats: Mapping[str, RevisionStats]
) -> tuple[RolloutRecord, dict[str, RevisionStats]]:
    """Return what a restart finds in status."""
    text = json.dumps([render_record(record), [render_stats(*each) for each in stats.items()]])
    document, figures = json.loads(text)
    return parse_record(document), parse_stats(figures)


def an_order(verb: str, uid: str = "o1", **fields: Any) -> RolloutOrder:
    """Return what alice asked for at START, and why."""
    known: dict[str, Any] = {
        "name": f"order-{uid}",
        "actor": "alice",
        "reason": "the customer waits",
        "at": START,
    }
    return RolloutOrder(uid=uid, verb=RolloutVerb(verb), **(known | fields))


@dataclass(slots=True)
class Scene:
    """An agent as its evidence stands. All revisions are stored and have a ready worker."""

    spec: Rollout
    wanted: str = "v1"
    pooled: bool = True
    second: float = 0
    stored: frozenset[str] = frozenset(REVISIONS)
    record: RolloutRecord = field(default_factory=RolloutRecord)
    stats: dict[str, RevisionStats] = field(default_factory=dict)
    running: dict[str, int] = field(default_factory=dict)
    workers: dict[str, WorkerCounts] = field(
        default_factory=lambda: dict.fromkeys(REVISIONS, WorkerCounts(ready=1))
    )
    desired: int = 1
    orders: list[RolloutOrder] = field(default_factory=list)
    gates: dict[str, GateResult] = field(default_factory=dict)
    readings: dict[str, Reading] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Own what is changed."""
        self.workers = dict(self.workers)

    def decide(self) -> RolloutDecision:
        """Decide, and keep what status would hold."""
        decision = decide_rollout(
            RolloutSnapshot(
                spec=self.spec,
                wanted=self.wanted,
                now=at(self.second),
                pooled=self.pooled,
                stored=self.stored,
                record=self.record,
                stats=self.stats,
                running=self.running,
                workers=self.workers if self.pooled else {},
                desired=self.desired,
                orders=tuple(self.orders),
                gates=self.gates,
                readings=self.readings,
            )
        )
        kept = stored_status(decision.record, decision.stats)
        assert kept == (decision.record, dict(decision.stats))
        self.record, self.stats = kept
        self.told += [each.reason for each in decision.told]
        return decision

    def at_rest(self) -> RolloutDecision:
        """Decide until the same evidence changes nothing any more, which is the second time."""
        self.decide()
        before = self.record
        decision = self.decide()
        assert self.record == before
        return decision

    def after(self, seconds: float) -> RolloutDecision:
        """Decide so many seconds later."""
        self.second += seconds
        return self.decide()

    def want(self, revision: str) -> RolloutDecision:
        """Change the template and decide."""
        self.wanted = revision
        return self.decide()

    def order(self, verb: str, uid: str = "o1", **fields: Any) -> RolloutDecision:
        """Ask for something and decide."""
        self.orders.append(an_order(verb, uid, **fields))
        return self.decide()

    def end(
        self,
        revision: str,
        *,
        succeeded: int = 0,
        failed: int = 0,
        lost: int = 0,
        crashed: int = 0,
        seconds: float = 1,
        cost: str = "0",
    ) -> RolloutDecision:
        """End attempts of a revision and decide."""
        ends = [AttemptEnd(Kind.SUCCEEDED, seconds, Decimal(cost))] * succeeded
        ends += [AttemptEnd(Kind.FAILED, seconds, Decimal(cost))] * failed
        ends += [AttemptEnd(Kind.LOST, seconds, reason="NodeLost")] * lost
        ends += [AttemptEnd(Kind.LOST, seconds, reason="WorkerRestarted")] * crashed
        known = self.stats.get(revision, NO_STATS)
        for each in ends:
            known = known.add(each)
        self.stats = {**self.stats, revision: known}
        return self.decide()

    def gate(self, key: str, state: str, message: str = "") -> RolloutDecision:
        """Let a gate come to a state and decide."""
        self.gates[key] = GateResult(GateState(state), at(self.second), message)
        return self.decide()

    def reading(self, name: str, value: float | None = None, *, error: str = "") -> RolloutDecision:
        """Let a query be answered and decide."""
        self.readings[name] = Reading(at(self.second), value, error)
        return self.decide()

    def standing(self) -> tuple[str, str, str, str]:
        """Return state, reason, stable and active revision."""
        return self.record.state, self.record.reason, self.record.stable, self.record.active


def settled(spec: Rollout | None = None, **fields: Any) -> Scene:
    """Return an agent whose first revision is v1."""
    scene = Scene(spec or analysed(), **fields)
    scene.decide()
    scene.told.clear()
    return scene


def exposed(spec: Rollout | None = None, **fields: Any) -> Scene:
    """Return an agent that was switched from v1 to v2."""
    scene = settled(spec, **fields)
    scene.want("v2")
    assert scene.record.exposed
    return scene
