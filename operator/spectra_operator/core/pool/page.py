"""A worker's page: what must not be forgotten of it, as it stands on its Lease.

Claims (what it was given) and endings (what became of claims, until the Phase's status holds it)
stand on one object, so that one write makes a result and the next claim durable together.
Changes are operations on a page: when a write meets a page that is not as expected, they are laid
over what is there instead of being lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import TypeVar

from ..attempts.evidence import Attempt, Kind, Outcome
from ..attempts.results import Result, ResultError, parse_result

MAX_CLAIMS = 32
"""Open claims of one page."""
MAX_ENTRIES = 128
"""Open and ended claims of one page."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One attempt that a worker was given.

    `id` is the attempt's name, `phase` that of the Phase object. `epoch` fences: a call with
    another one is refused. `instance` names the process it was given to. `checkpoint` is JSON
    from which a later attempt may go on, or empty. `selection` says why the agent was chosen.
    """

    id: str
    phase: str
    phase_uid: str
    task: str
    index: int
    number: int
    epoch: int
    instance: str
    at: datetime
    workflow_uid: str = ""
    checkpoint: str = ""
    selection: str = ""


@dataclass(frozen=True, slots=True)
class End:
    """End an open claim; nothing happens if it is not open any more.

    `document` is the result as JSON text, or empty. `stopped_at` is when the engine asked for the
    end, if it did.
    """

    id: str
    at: datetime
    kind: Kind
    reason: str = ""
    message: str = ""
    document: str = ""
    digest: str = ""
    stopped_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """What became of a claim."""

    claim: Claim
    end: End


@dataclass(frozen=True, slots=True)
class Page:
    """What is durable of a worker, by the ids of claims."""

    epoch: int = 1
    claims: Mapping[str, Claim] = field(default_factory=lambda: MappingProxyType({}))
    endings: Mapping[str, Ending] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def is_clear(self) -> bool:
        """Whether nothing on it would be missed."""
        return not self.claims and not self.endings


@dataclass(frozen=True, slots=True)
class Give:
    """Give the worker a claim; nothing happens if the page has its attempt already.

    One that follows from results on the same page names their claims in `after`: it is given only
    where all of these have ended well.
    """

    claim: Claim
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Note:
    """Keep a checkpoint with an open claim; nothing happens if it is not open any more."""

    id: str
    checkpoint: str


@dataclass(frozen=True, slots=True)
class Forget:
    """Take a claim off, open or ended: its end stands in status, or nobody waits for it."""

    id: str


@dataclass(frozen=True, slots=True)
class Fence:
    """End every open claim as lost, and refuse what may still come from its holder."""

    at: datetime
    reason: str
    message: str


V = TypeVar("V")
Op = Give | Note | End | Forget | Fence


def apply(page: Page, ops: Iterable[Op]) -> Page:
    """Return a page after operations, in their order."""
    for op in ops:
        match op:
            case Give():
                page = _given(page, op)
            case Note():
                page = _noted(page, op)
            case End():
                page = _ended(page, op)
            case Forget():
                page = _forgotten(page, op.id)
            case Fence():
                page = _fenced(page, op)
    return page


def _given(page: Page, op: Give) -> Page:
    if op.claim.id in page.claims or op.claim.id in page.endings:
        return page
    if not all(_ended_well(page, claim) for claim in op.after):
        return page
    claim = replace(op.claim, epoch=page.epoch)
    return replace(page, claims=MappingProxyType({**page.claims, claim.id: claim}))


def _ended_well(page: Page, claim: str) -> bool:
    ending = page.endings.get(claim)
    return ending is not None and ending.end.kind is Kind.SUCCEEDED


def _noted(page: Page, op: Note) -> Page:
    claim = page.claims.get(op.id)
    if claim is None:
        return page
    claim = replace(claim, checkpoint=op.checkpoint)
    return replace(page, claims=MappingProxyType({**page.claims, op.id: claim}))


def _ended(page: Page, op: End) -> Page:
    claim = page.claims.get(op.id)
    if claim is None:
        return page
    if op.kind is Kind.SUCCEEDED:
        claim = replace(claim, checkpoint="")  # no attempt comes that could go on from it
    return replace(
        page,
        claims=_without(page.claims, op.id),
        endings=MappingProxyType({**page.endings, op.id: _over_with(claim, op)}),
    )


def _over_with(claim: Claim, end: End) -> Ending:
    """Return an ending; whose process it was matters to open claims alone."""
    return Ending(replace(claim, instance=""), end)


def _forgotten(page: Page, claim: str) -> Page:
    if claim not in page.claims and claim not in page.endings:
        return page
    return replace(page, claims=_without(page.claims, claim), endings=_without(page.endings, claim))


def _fenced(page: Page, op: Fence) -> Page:
    lost = {
        id_: _over_with(claim, End(id_, op.at, Kind.LOST, op.reason, op.message))
        for id_, claim in page.claims.items()
    }
    return replace(
        page,
        epoch=page.epoch + 1,
        claims=MappingProxyType({}),
        endings=MappingProxyType({**page.endings, **lost}),
    )


def _without(entries: Mapping[str, V], key: str) -> Mapping[str, V]:
    return MappingProxyType({k: v for k, v in entries.items() if k != key})


def attempts_of(page: Page, worker: str, agent: str, revision: str) -> dict[str, Attempt]:
    """Return the attempts that a page proves, by claim."""
    who = (worker, agent, revision)
    open_ = {id_: _attempt(claim, who) for id_, claim in page.claims.items()}
    over = {id_: _attempt(e.claim, who, e.end) for id_, e in page.endings.items()}
    return open_ | over


def _attempt(claim: Claim, who: tuple[str, str, str], end: End | None = None) -> Attempt:
    """Return a claim as an attempt, made at one go: that is done for each and every one."""
    worker, agent, revision = who
    return Attempt(
        pod=claim.id,
        phase_uid=claim.phase_uid,
        task=claim.task,
        index=claim.index,
        number=claim.number,
        agent=agent,
        revision=revision,
        workflow_uid=claim.workflow_uid,
        uid=f"{claim.id}.{claim.epoch}",
        created_at=claim.at,
        started_at=claim.at,
        held=True,
        worker=worker,
        selection=claim.selection,
        finished_at=end.at if end else None,
        checkpoint=claim.checkpoint if end else "",
        deleted_at=end.stopped_at if end else None,
        outcome=outcome_of(end.kind, end.reason, end.message, end.document) if end else None,
    )


def outcome_of(kind: Kind, reason: str, message: str, document: str) -> Outcome:
    """Return how a claim ended, from what its worker said or what was seen of it.

    A result that breaks the contract is a failure that would only come again.
    """
    try:
        result = parse_result(document)
    except ResultError as error:
        return Outcome(Kind.FAILED, error.reason, str(error), final=True)
    if kind is Kind.SUCCEEDED:
        return Outcome(kind, result=result, message=result.message)
    said = message or result.message
    kept = Result(outputs=result.outputs, usage=result.usage)
    return Outcome(kind, reason or "Error", said[:1024], result=kept)
