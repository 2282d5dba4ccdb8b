"""How long attempts took: samples by task for each template or workflow, and by agent.

Samples of a template are kept in its status and read from there at the start; those of other
workflows and of agents live in memory alone.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ..core.attempts.evidence import Attempt, Kind
from ..core.insight import durations
from ..core.insight.durations import Durations, Observed
from .keys import Key

_MOST_WORKFLOWS = 256
"""Workflows without a template whose samples are remembered; the longest unused go first."""


@dataclass(slots=True)
class _Source:
    """Samples of one template or workflow.

    `tasks` has all of them; `stored` those in the template's status, `sent` those that are being
    written to it, `noted` those since.
    """

    tasks: dict[str, Durations] = field(default_factory=dict)
    stored: Mapping[str, list[int]] = field(default_factory=dict)
    sent: Mapping[str, Durations] = field(default_factory=dict)
    noted: dict[str, Durations] = field(default_factory=dict)

    def merged(self) -> dict[str, list[int]]:
        """Return what the template's status should hold."""
        return durations.merge(self.stored, durations.joined(self.sent, self.noted))


class DurationBook:
    """Samples by the key of a WorkflowTemplate, a Workflow or a Phase that stands alone."""

    def __init__(self) -> None:
        self._sources: OrderedDict[Key, _Source] = OrderedDict()
        self._agents: dict[str, dict[str, Durations]] = {}

    def note(self, source: Key, path: str, attempt: Attempt) -> None:
        """Take in how long an attempt took that succeeded; others say nothing about the next."""
        milliseconds = _milliseconds(attempt)
        if milliseconds is None:
            return
        known = self._source(source)
        known.tasks[path] = durations.add(known.tasks.get(path), milliseconds)
        known.noted[path] = durations.add(known.noted.get(path), milliseconds)
        agents = self._agents.setdefault(source.namespace, {})
        agents[attempt.agent] = durations.add(agents.get(attempt.agent), milliseconds)

    def observed(self, source: Key) -> Observed:
        """Return what was seen that concerns the tasks of a source."""
        known = self._sources.get(source)
        agents = self._agents.get(source.namespace) or {}
        return Observed(known.tasks if known else {}, agents)

    def read(self, template: Key, stored: Mapping[str, list[int]] | None) -> None:
        """Take in the samples that a template's status holds; those noted since stay newest."""
        known = self._source(template)
        known.stored = stored or {}
        known.tasks = durations.parse(known.merged())

    def to_show(self, template: Key) -> dict[str, list[int]]:
        """Return `observed` as the template's status should hold it."""
        known = self._sources.get(template)
        return known.merged() if known else {}

    def sending(self, template: Key) -> None:
        """Take in that what `to_show` returned is being written; a failed write is repeated."""
        known = self._source(template)
        known.sent = durations.joined(known.sent, known.noted)
        known.noted = {}

    def written(self, template: Key, stored: Mapping[str, list[int]] | None) -> None:
        """Take in that a template's status was written."""
        self._source(template).sent = {}
        self.read(template, stored)

    def drop(self, source: Key) -> None:
        """Forget a template that is gone."""
        self._sources.pop(source, None)

    def drop_all(self, concerns: Callable[[str], bool]) -> None:
        """Forget what is known of the namespaces that a test chooses."""
        kept = {k: s for k, s in self._sources.items() if not concerns(k.namespace)}
        self._sources = OrderedDict(kept)
        self._agents = {n: a for n, a in self._agents.items() if not concerns(n)}

    def _source(self, key: Key) -> _Source:
        known = self._sources.get(key)
        if known is None:
            known = self._sources[key] = _Source()
            self._forget_oldest()
        self._sources.move_to_end(key)
        return known

    def _forget_oldest(self) -> None:
        passing = [key for key in self._sources if key.kind != "WorkflowTemplate"]
        for key in passing[: max(len(passing) - _MOST_WORKFLOWS, 0)]:
            del self._sources[key]


def _milliseconds(attempt: Attempt) -> int | None:
    outcome = attempt.outcome
    if outcome is None or outcome.kind is not Kind.SUCCEEDED:
        return None
    begin = attempt.created_at or attempt.started_at
    if begin is None or attempt.finished_at is None:
        return None
    return round((attempt.finished_at - begin).total_seconds() * 1000)
