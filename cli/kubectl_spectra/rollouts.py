"""An agent's rollout as people see it: revisions, figures, progress, history. Pure.

What the objects hold is read by the operator's own records; what it computes, such as a failure
ratio, is what its conditions read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from spectra_operator.api.rollout import Rollout, RolloutState
from spectra_operator.core.insight.estimate import in_words
from spectra_operator.core.language.cel_text import Reference
from spectra_operator.core.language.expressions import ExpressionError
from spectra_operator.core.rollout.conditions import compile_condition
from spectra_operator.core.rollout.records import RolloutRecord, parse_record
from spectra_operator.core.rollout.stats import NO_STATS, Figures, RevisionStats, parse_stats

from .output import plain_table
from .words import one_line

Body = Mapping[str, Any]

WENT_BACK = (RolloutState.ROLLED_BACK, RolloutState.ABORTED)
ENDS = (RolloutState.PROMOTED, *WENT_BACK)
_STYLES = {
    "Promoted": "green",
    "RolledBack": "bold red",
    "Aborted": "bold red",
    "Superseded": "bright_black",
    "Exposed": "cyan",
    "Preview": "cyan",
    "Pending": "yellow",
    "Paused": "yellow",
}
_FIGURES = ("REVISION", "ROLE", "DONE", "FAILED", "LOST", "FAIL%", "P50", "P95", "COST/TASK")
_WHOLE = 10
"""Characters of a revision: it is what `--to-revision` takes, so it is never cut."""
_NOT_SEEN = "the operator has not taken it in yet; does it run?"


@dataclass(frozen=True, slots=True)
class RolloutView:
    """The rollout of an agent.

    Attributes:
        title: The agent, as kubectl writes it.
        spec: How revisions come into use; all defaults where the spec cannot be read.
        seen: Whether the status speaks of the spec as it is now.
    """

    title: str
    spec: Rollout
    record: RolloutRecord
    stats: Mapping[str, RevisionStats]
    seen: bool

    @property
    def state(self) -> RolloutState:
        """How far it has come."""
        return self.record.state if self.seen else RolloutState.PENDING

    @property
    def ended(self) -> bool:
        """Whether nothing is under way."""
        return self.state in ENDS

    @property
    def went_back(self) -> bool:
        """Whether the newest rollout ended with the revision of before."""
        return self.state in WENT_BACK


def rollout_view(agent: Body) -> RolloutView:
    """Return the rollout of an Agent object."""
    meta, status = agent["metadata"], agent.get("status") or {}
    try:
        spec = Rollout.model_validate(agent["spec"].get("rollout") or {})
    except ValidationError:
        spec = Rollout()
    taken_in = status.get("observedGeneration", 0) >= meta.get("generation", 0)
    record = parse_record(status.get("rollout"))
    stats = parse_stats(status.get("revisions") or ())
    known = bool(record.stable or record.reason)
    return RolloutView(f"agent/{meta['name']}", spec, record, stats, known and taken_in)


def lines(view: RolloutView) -> Iterator[tuple[str, str]]:
    """Yield what is told of a rollout, each with a name that stays while it goes on."""
    record = view.record
    if not view.seen:
        yield view.title, f"{view.state}: {_NOT_SEEN}"
        return
    parts = (record.state, record.reason, one_line(record.message, 400))
    yield view.title, ": ".join(part for part in parts if part)
    if record.replay and record.replay not in record.message:
        yield "replay", one_line(record.replay, 400)
    judged = progress(view)
    if judged:
        yield "analysis", judged


def progress(view: RolloutView) -> str:
    """Return how far the analysis is and what its conditions read; nothing if there is none."""
    record, analysis = view.record, view.spec.analysis
    if analysis is None or record.proven or not record.exposed:
        return ""
    own = view.stats.get(record.preview, NO_STATS)
    stable = view.stats.get(record.stable, NO_STATS).figures()
    figures = own.figures()
    read = {str(r): _figure(r, figures, stable) for c in analysis.conditions for r in _reads(c)}
    shown = [f"{name} {'unknown' if v is None else f'{v:.4g}'}" for name, v in read.items()]
    return ", ".join([f"{own.ended} of {view.spec.min_tasks} attempts", *shown])


def render(view: RolloutView, now: datetime) -> RenderableType:
    """Return a rollout as a headline, what it waits for, and a table of its revisions."""
    record = view.record
    head = Text.assemble(f"{view.title}: ", (view.state.value, _STYLES[view.state]))
    if not view.seen:
        return Group(head, Text(f"  {_NOT_SEEN}"))
    if record.since:
        head.append(f" for {_ago(record.since, now)}")
    if record.reason:
        head.append(f" ({record.reason})")
    told = [head, *(Text(f"  {text}") for text in _told(view, now))]
    return Group(*told, Text(), _revisions(view, now))


def history_table(view: RolloutView, now: datetime) -> Table:
    """Return what became of revisions, oldest first, and what they are now."""
    table = plain_table(["REVISION", "OUTCOME", "REASON", "AGE", "NOW", "BY"])
    table.columns[0].min_width = _WHOLE
    newest = {end.revision: end for end in view.record.history}
    roles = dict(_roles(view.record, now))
    for end in view.record.history:
        role = roles.get(end.revision, "") if newest[end.revision] is end else ""
        outcome = Text(end.outcome, _STYLES[end.outcome])
        rest = (end.reason, _ago(end.at, now), role, one_line(end.by))
        table.add_row(Text(end.revision), outcome, *(Text(cell) for cell in rest))
    return table


def _told(view: RolloutView, now: datetime) -> Iterator[str]:
    record, judged = view.record, progress(view)
    if record.message:
        yield record.message
    if record.replay and record.replay not in record.message:
        yield f"replay: {record.replay}"
    if judged:
        yield f"analysis: {judged}"
    if record.preview and record.deadline:
        yield f"given up in {in_words((record.deadline - now).total_seconds())} without progress"
    if record.by:
        yield f"asked for by {record.by}"


def _revisions(view: RolloutView, now: datetime) -> Table:
    table = plain_table(_FIGURES)
    table.columns[0].min_width = _WHOLE
    for revision, role in _roles(view.record, now):
        stats = view.stats.get(revision)
        figures = _cells(stats) if stats else [""] * 7
        table.add_row(*(Text(cell) for cell in (revision, role, *figures)))
    return table


def _roles(record: RolloutRecord, now: datetime) -> Iterator[tuple[str, str]]:
    """Yield the revisions that count, each once, with what they are."""
    roles: dict[str, list[str]] = {}
    named = {"stable": record.stable, "preview": record.preview, "active": record.active}
    left = (
        f" for {in_words((record.warm_until - now).total_seconds())}" if record.warm_until else ""
    )
    named |= {f"warm{left}": record.warm, "rejected": record.rejected}
    for role, revision in named.items():
        if revision:
            roles.setdefault(revision, []).append(role)
    yield from ((revision, ", ".join(found)) for revision, found in roles.items())


def _cells(stats: RevisionStats) -> list[str]:
    figures = stats.figures()
    ratio, cost = figures["failureRatio"], figures["costPerTask"]
    return [
        str(stats.succeeded),
        str(stats.failed),
        str(stats.lost),
        "" if ratio is None else f"{100 * ratio:.1f}",
        *(_seconds(figures[name]) for name in ("p50Seconds", "p95Seconds")),
        f"{cost:.4g}" if cost else "",
    ]


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}s"


def _reads(source: str) -> tuple[Reference, ...]:
    try:
        return tuple(compile_condition(source).references)
    except ExpressionError:
        return ()


def _figure(read: Reference, own: Figures, stable: Figures) -> float | None:
    return stable.get(str(read.steps[-1])) if read.root == "stable" else own.get(read.root)


def _ago(moment: datetime, now: datetime) -> str:
    return in_words((now - moment).total_seconds())
