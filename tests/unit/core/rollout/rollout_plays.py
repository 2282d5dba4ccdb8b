"""A simulated pool whose revisions are rolled out by decide_rollout alone.

What is durable is what is in the cluster: status (record and statistics, written together), and
the pages that hold claims until their ends stand in status. A crash loses all else: a decision
that was not written yet, and the ends that were counted but not written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

from spectra_operator.api.rollout import Rollout, RolloutState
from spectra_operator.core.attempts.evidence import Kind
from spectra_operator.core.rollout.decide import decide_rollout
from spectra_operator.core.rollout.records import (
    RolloutDecision,
    RolloutOrder,
    RolloutRecord,
    RolloutSnapshot,
    WorkerCounts,
)
from spectra_operator.core.rollout.stats import NO_STATS, AttemptEnd, RevisionStats
from unit.core.rollout.rollout_cases import at, stored_status

STEPS = 5_000
CAPACITY = 8
"""Claims that all workers of a revision hold at once."""


@dataclass(slots=True)
class Deck:
    """Ends of a revision's attempts: of each ten as many fail, at places left to chance."""

    failing: int
    chance: Random
    cards: list[bool] = field(default_factory=list)

    def fails(self) -> bool:
        """Draw whether the next attempt fails."""
        if not self.cards:
            self.cards = [place < self.failing for place in range(10)]
            self.chance.shuffle(self.cards)
        return self.cards.pop()


@dataclass(slots=True)
class Claim:
    """An attempt on a page: under way, or ended; `counted` by the process that lives now."""

    revision: str
    end: AttemptEnd | None = None
    counted: bool = False


@dataclass(slots=True)
class Play:
    """A pool with tasks to do; each failed or lost one is done again until it succeeds.

    Attributes:
        failing: Of ten attempts of each revision, how many fail; others are good.
        losses: Of a hundred attempts, how many the infrastructure loses.
        crashes: Of a hundred decisions, after how many the operator is killed before it writes.
        unready: Revisions that never have a ready worker.
    """

    spec: Rollout
    seed: int
    failing: Mapping[str, int] = field(default_factory=dict)
    losses: int = 0
    crashes: int = 0
    unready: frozenset[str] = frozenset()
    wanted: str = "v1"
    second: int = 0
    tasks: int = 0
    done: int = 0
    pages: list[Claim] = field(default_factory=list)
    held: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    orders: list[RolloutOrder] = field(default_factory=list)
    record: RolloutRecord = field(default_factory=RolloutRecord)
    stats: dict[str, RevisionStats] = field(default_factory=dict)
    status: tuple[RolloutRecord, dict[str, RevisionStats]] = field(
        default_factory=lambda: (RolloutRecord(), {})
    )
    story: list[RolloutRecord] = field(default_factory=list)
    chance: Random = field(init=False)
    kills: Random = field(init=False)
    decks: dict[str, Deck] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Begin with the first revision. Crashes must not change which attempts fail."""
        self.chance = Random(self.seed)
        self.kills = Random(self.seed + 1)
        self._turn()

    def arrive(self, tasks: int) -> None:
        """Let tasks become ready and do them, as long as anything happens."""
        self.tasks += tasks
        for _ in range(STEPS):
            before = (self.status, self.tasks, len(self.pages))
            self._turn()
            self._finish_one()
            if (self.status, self.tasks, len(self.pages)) == before and not self.pages:
                return
        raise AssertionError("the play does not come to rest")

    def want(self, revision: str) -> None:
        """Change the template."""
        self.wanted = revision
        self._turn()

    def order(self, order: RolloutOrder) -> None:
        """Let a person ask for something."""
        self.orders.append(order)
        self._turn()

    def wait(self, seconds: int) -> None:
        """Let time pass."""
        self.second += seconds
        self._turn()

    def end(self) -> tuple[object, ...]:
        """Return how it stands, without its times."""
        record = self.record
        history = tuple((each.revision, each.outcome, each.reason) for each in record.history)
        revisions = (record.stable, record.active, record.preview, record.rejected, record.warm)
        return (*revisions, record.state, record.reason, history, self.done)

    def _turn(self) -> None:
        decision = self._decide()
        while self.kills.randrange(100) < self.crashes:
            self._restart()
            decision = self._decide()
        self._write(decision)
        self._give(decision)

    def _decide(self) -> RolloutDecision:
        for claim in self.pages:
            if claim.end is not None and not claim.counted:
                known = self.stats.get(claim.revision, NO_STATS)
                self.stats = {**self.stats, claim.revision: known.add(claim.end)}
                claim.counted = True
        running = Counter(claim.revision for claim in self.pages if not claim.counted)
        decision = decide_rollout(
            RolloutSnapshot(
                spec=self.spec,
                wanted=self.wanted,
                now=at(self.second),
                stored=frozenset({"v1", "v2", "v3", "v4"}),
                record=self.record,
                stats=self.stats,
                running=running,
                workers={
                    revision: WorkerCounts(ready=revision not in self.unready)
                    for revision in ("v1", "v2", "v3", "v4")
                },
                orders=tuple(self.orders),
            )
        )
        self.record, self.stats = decision.record, dict(decision.stats)
        self._holds(decision)
        return decision

    def _restart(self) -> None:
        self.record, self.stats = self.status
        for claim in self.pages:
            claim.counted = False

    def _write(self, decision: RolloutDecision) -> None:
        self.status = stored_status(decision.record, decision.stats)
        assert self.status == (decision.record, dict(decision.stats))
        self.pages = [claim for claim in self.pages if not claim.counted]
        self.story.append(decision.record)

    def _give(self, decision: RolloutDecision) -> None:
        running = Counter(claim.revision for claim in self.pages)
        for revision, most in decision.allowed.items():
            if revision in self.unready:
                continue
            room = CAPACITY - running[revision]
            many = min(self.tasks, room, room if most is None else most)
            self.pages += [Claim(revision) for _ in range(many)]
            self.tasks -= many
            self.held[revision] += many

    def _finish_one(self) -> None:
        live = [claim for claim in self.pages if claim.end is None]
        if not live:
            return
        claim = self.chance.choice(live)
        if self.chance.randrange(100) < self.losses:
            claim.end = AttemptEnd(Kind.LOST, reason="NodeLost")
            self.lost[claim.revision] += 1
            self.tasks += 1
            return
        revision = claim.revision
        deck = self.decks.setdefault(revision, Deck(self.failing.get(revision, 0), self.chance))
        failed = deck.fails()
        claim.end = AttemptEnd(Kind.FAILED if failed else Kind.SUCCEEDED, 1)
        self.tasks += failed
        self.done += not failed

    def _holds(self, decision: RolloutDecision) -> None:
        """Assert what must hold after every decision."""
        record = decision.record
        assert record.stable
        assert record.active
        assert record.active in decision.allowed
        assert record.active in decision.keep
        assert decision.allowed[record.stable] is None
        assert record.stable in decision.keep
        assert len(record.history) <= 10
        assert len(decision.stats) <= 3
        assert record.active in (record.stable, record.preview)
        if record.state in (RolloutState.PROMOTED, RolloutState.ROLLED_BACK, RolloutState.ABORTED):
            assert record.preview == ""
            assert record.active == record.stable
