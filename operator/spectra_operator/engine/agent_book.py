"""What is known of agents: their specs, stored revisions, limits, and how their attempts go."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from ..api.agent import AgentSpec, AgentTemplate, Mode
from ..core.attempts.evidence import Attempt, Kind, Outcome
from ..core.attempts.results import Usage
from ..core.names import revision_hash
from ..core.phase.records import PhaseRecord, TaskRecord
from ..core.pool.fleet import Keep
from ..core.pool.past import Past
from ..core.pool.tugs import NO_TUGS, Tugs
from ..core.rollout.gate_phase import GateTry
from ..core.rollout.queries import Question
from ..core.rollout.records import GateResult, Reading, RolloutRecord, parse_record
from ..core.rollout.revision import ContentRef, references, revision_of
from ..core.rollout.stats import RevisionStats, counted_of, parse_stats
from ..core.rollout.validate import agent_problems
from ..core.snapshot import AgentFacts, PhaseShape
from ..kube.resources import Body, uid_of
from .content_book import ContentBook, Contents
from .keys import Key
from .runs import StatusState, shown_time

NOT_STORED = ("AgentNotReady", "the agent's revision is being stored")
CONTENT_UNKNOWN = (
    "ContentUnknown",
    "the ConfigMaps and Secrets of this namespace, which are part of the agent's revision, cannot"
    " be read; see the operator's log and the chart's contentNamespaces",
)

Places = dict[str, int | None]
"""How many more attempts each revision may be given, the first one first; None for no limit."""


@dataclass(frozen=True, slots=True)
class Trial:
    """The last try of a gate, and how it stands."""

    attempt: GateTry
    result: GateResult


@dataclass(slots=True)
class AgentRun:
    """An agent: its spec, its revisions, and counts since the operator started.

    `hash` names the revision of the spec as it is now, and of `contents`, what `refs` hold; it is
    empty while either is not known. `number` is the spec's generation. `templates` has the
    revisions that are stored and known, `asked` those that are being stored or read, `lost` those
    that are gone.

    `rollout` is what stands in status of the revisions, `keep` who of them has workers, `places`
    what attempts they may be given. `stats` tells how their attempts ended, `recorded` has the ids
    of those that status has counted; phases that `holding` names keep the proof of others.
    `readings` are the newest answers to queries, `inquiring` says whether some are being asked,
    `unjudgeable` why the spec's rollout cannot be decided by;
    `trials` has what gates are tried, by what they try.

    `refusals` counts in a row the pods of a revision that were refused, `shunned` says until when
    (monotonic seconds) it is not tried again. `past` is what scaling remembers (None: not read
    yet), `refused` why a worker could not be made last, `tugs` how the number was set of late,
    `troubles` what keeps the first worker of a revision from starting.
    """

    uid: str
    generation: int
    spec: AgentSpec | None
    hash: str
    problem: tuple[str, str] | None
    status: StatusState = field(default_factory=StatusState)
    templates: dict[str, AgentTemplate] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)
    rollout: RolloutRecord = field(default_factory=RolloutRecord)
    keep: Mapping[str, Keep] = field(default_factory=dict)
    places: Places = field(default_factory=dict)
    stats: dict[str, RevisionStats] = field(default_factory=dict)
    recorded: frozenset[str] = frozenset()
    holding: set[Key] = field(default_factory=set)
    readings: dict[Question, Reading] = field(default_factory=dict)
    inquiring: bool = False
    trials: dict[str, Trial] = field(default_factory=dict)
    unjudgeable: str = ""
    succeeded: int = 0
    failed: int = 0
    usage: Usage = field(default_factory=Usage)
    last_seen: datetime | None = None
    refusals: dict[str, int] = field(default_factory=dict)
    shunned: dict[str, float] = field(default_factory=dict)
    past: Past | None = None
    refused: str = ""
    tugs: Tugs = NO_TUGS
    troubles: dict[str, str] = field(default_factory=dict)
    refs: tuple[ContentRef, ...] = ()
    contents: Contents | None = None

    @property
    def number(self) -> int:
        """ControllerRevisions are ordered by number; the generation grows with each change."""
        return max(self.generation, 1)

    @property
    def active(self) -> str:
        """The revision that new attempts use, or nothing while none can be used."""
        return next(iter(self.places), "")

    def take_place(self, revision: str) -> None:
        """Count an attempt that a revision is given."""
        left = self.places.get(revision)
        if left is not None:
            self.places[revision] = left - 1

    def shun(self, revision: str, until: float, *, its_own_fault: bool) -> None:
        """Give a revision nothing until a time, since its pod was refused."""
        self.places.pop(revision, None)
        self.shunned[revision] = until
        if its_own_fault:
            self.refusals[revision] = self.refusals.get(revision, 0) + 1

    def open_places(self) -> list[tuple[str, int | None]]:
        """Return the revisions that may be given attempts, and how many."""
        return [(revision, left) for revision, left in self.places.items() if left != 0]

    def spec_of(self, revision: str) -> AgentSpec | None:
        """Return the spec as it is for a revision: with that one's template."""
        template = self.templates.get(revision)
        if self.spec is None or template is None:
            return None
        return self.spec.model_copy(update={"template": template})


class AgentBook:
    """Agents by key, and by namespace: every claim asks for those of one."""

    def __init__(self, contents: ContentBook | None = None) -> None:
        self.contents = contents or ContentBook()
        self._runs: dict[Key, AgentRun] = {}
        self._of: dict[str, dict[Key, None]] = {}

    def take(self, key: Key, body: Body) -> AgentRun:
        """Take in an Agent object as it is now."""
        run = self._runs.get(key)
        meta = body["metadata"]
        if run is None or run.uid != uid_of(body):
            run = AgentRun(uid_of(body), -1, None, "", NOT_STORED)
            status = body.get("status") or {}
            run.stats = parse_stats(status.get("revisions") or ())
            run.last_seen = shown_time(status.get("lastSeen"))
            run.recorded = counted_of(run.stats)
            self._runs[key] = run
            self._of.setdefault(key.namespace, {})[key] = None
        if run.status.take(body):
            run.rollout = parse_record(run.status.stored.get("rollout"))
        if run.generation != meta.get("generation", 0):
            run.generation = meta.get("generation", 0)
            _parse(run, body.get("spec"))
            followed = run.spec is not None and self.contents.follows(key.namespace)
            run.refs = references(body["spec"]["template"]) if followed else ()
        if run.spec is not None:
            _name(run, body["spec"]["template"], self.contents.of(key.namespace, run.refs))
        return run

    def drop(self, key: Key) -> None:
        """Forget an agent that is gone."""
        if self._runs.pop(key, None) is None:
            return
        del self._of[key.namespace][key]
        if not self._of[key.namespace]:
            del self._of[key.namespace]

    def drop_all(self, concerns: Callable[[str], bool]) -> None:
        """Forget the agents of the namespaces that a test chooses."""
        for key in [key for key in self._runs if concerns(key.namespace)]:
            self.drop(key)

    def get(self, key: Key) -> AgentRun | None:
        """Return what is known of an agent."""
        return self._runs.get(key)

    def facts(self, namespace: str, name: str) -> AgentFacts | None:
        """Return an agent as scheduling sees it, or None if it does not exist or is invalid."""
        run = self._runs.get(Key("Agent", namespace, name))
        return AgentFacts(name, run.spec) if run and run.spec else None

    def limits(self, namespace: str) -> dict[str, int | None]:
        """Return the concurrency of every agent of a namespace."""
        return {k.name: r.spec.concurrency if r.spec else None for k, r in self._in(namespace)}

    def plain_limits(self, namespace: str, names: Iterable[str]) -> dict[str, int | None]:
        """Return the concurrency of those named that can be used and have no other limit."""
        named = ((name, self._runs.get(Key("Agent", namespace, name))) for name in names)
        return {
            name: spec.concurrency
            for name, run in named
            if run and run.places and (spec := run.spec) and spec.mode is not Mode.POOL
        }

    def usable(self, namespace: str) -> Iterator[tuple[str, AgentSpec, str]]:
        """Yield the valid agents of a namespace: name, spec, the revision of new attempts."""
        return ((k.name, r.spec, r.active) for k, r in self._in(namespace) if r.spec)

    def all(self) -> Iterator[tuple[Key, AgentRun]]:
        """Yield all agents."""
        yield from self._runs.items()

    def pools(self, namespace: str) -> list[Key]:
        """Return the agents of a namespace in mode Pool."""
        return [k for k, r in self._in(namespace) if r.spec and r.spec.mode is Mode.POOL]

    def referring(self, namespace: str, kind: str = "", name: str = "") -> list[Key]:
        """Return the agents of a namespace whose revision has content: of one object, or of any."""
        wanted = (kind, name)
        return [
            key
            for key, run in self._in(namespace)
            if any(not kind or (ref.kind, ref.name) == wanted for ref in run.refs)
        ]

    def not_ready(self, namespace: str) -> dict[str, tuple[str, str]]:
        """Return the agents that cannot be used now, with reason and message."""
        unusable = ((k, r) for k, r in self._in(namespace) if r.spec is None or not r.places)
        return {k.name: r.problem or NOT_STORED for k, r in unusable}

    def seen(self, namespace: str, attempt: Attempt, now: datetime) -> None:
        """Note that a pod of an agent reported."""
        run = self._runs.get(Key("Agent", namespace, attempt.agent))
        if run is None:
            return
        run.last_seen = now

    def count(
        self, namespace: str, shape: PhaseShape, before: PhaseRecord, after: PhaseRecord
    ) -> set[Key]:
        """Count what a status write recorded; return the agents whose counts changed.

        Items of a task that requires capabilities may be done by different agents, and are counted
        one by one as they end: see `ended`.
        """
        touched: set[Key] = set()
        if shape.spec.gate is not None:
            return touched  # made-up tasks are no work of the agent
        for name, record in after.tasks.items():
            known = before.tasks.get(name) or TaskRecord()
            task = shape.tasks.get(name)
            if record is known or task is None or task.agent is None:
                continue
            key = Key("Agent", namespace, record.agent or task.agent)
            run = self._runs.get(key)
            if run is not None:
                _count(run, known, record)
                touched.add(key)
        return touched

    def ended(self, namespace: str, attempt: Attempt, outcome: Outcome | None) -> None:
        """Count the end of an attempt whose agent was chosen; a loss counts for nothing."""
        run = self._runs.get(Key("Agent", namespace, attempt.agent))
        if run is None or outcome is None or outcome.kind is Kind.LOST:
            return
        run.succeeded += outcome.kind is Kind.SUCCEEDED
        run.failed += outcome.kind is Kind.FAILED
        run.usage += outcome.result.usage

    def _in(self, namespace: str) -> Iterator[tuple[Key, AgentRun]]:
        return ((key, self._runs[key]) for key in self._of.get(namespace, ()))


def _count(run: AgentRun, before: TaskRecord, after: TaskRecord) -> None:
    run.succeeded += max(after.succeeded.bit_count() - before.succeeded.bit_count(), 0)
    run.failed += max(after.failures - before.failures, int(after.way > before.way))
    spent, known = after.usage, before.usage
    run.usage += Usage(
        spent.input_tokens - known.input_tokens,
        spent.output_tokens - known.output_tokens,
        spent.cost - known.cost,
    )


def _parse(run: AgentRun, spec: Any) -> None:
    run.hash, run.unjudgeable = "", ""
    try:
        run.spec = AgentSpec.model_validate(spec)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(["spec", *(str(part) for part in first["loc"])])
        run.spec = None
        run.problem = ("InvalidAgent", f"{where}: {first['msg']}")
        return
    found = agent_problems(run.spec)
    run.unjudgeable = "; ".join(f"{each.field}: {each.message}" for each in found)


def _name(run: AgentRun, template: Any, contents: Contents | None) -> None:
    """Name the revision anew after a change of the spec or of what its template refers to."""
    if run.hash and contents == run.contents:
        return
    run.contents = contents
    if contents is None:
        run.hash, run.problem = "", CONTENT_UNKNOWN
        return
    run.hash = revision_of(template, contents) if run.refs else revision_hash(template)
    run.problem = None if run.hash in run.templates else NOT_STORED
