"""What a scrape reads from the engine as it is at that moment; nothing of it is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol

from ..api.agent import Mode
from ..api.phase import PhaseState, TaskState
from ..api.workflow import WorkflowState
from ..core.phase.records import PHASE_ENDED, PhaseRecord, TaskRecord
from ..core.workflow.records import WORKFLOW_ENDED
from ..observability.metrics import Reading
from .agent_book import AgentRun
from .claiming import slots
from .keys import OURS, Key
from .parts import Parts

_WORKFLOWS = tuple(state for state in WorkflowState if state not in WORKFLOW_ENDED)
_PHASES = tuple(state for state in PhaseState if state not in PHASE_ENDED)
_TASKS = (TaskState.WAITING, TaskState.READY, TaskState.RUNNING, TaskState.BACKOFF)


class Watched(Protocol):
    """A cache that follows the API server."""

    def __len__(self) -> int:
        """Return how many objects it has."""
        ...

    def seconds_since_activity(self) -> float:
        """Return how long nothing was heard."""
        ...


class EngineGauges:
    """Reads the engine for a scrape.

    A phase is counted through again only when its record is another one than at the last scrape.
    """

    def __init__(self, parts: Parts, watches: Callable[[], Iterable[tuple[str, Watched]]]) -> None:
        """Prepare; `watches` tells the caches by the kind of their objects."""
        self._parts = parts
        self._watches = watches
        self._counted: dict[Key, tuple[PhaseRecord, Counter[TaskState]]] = {}

    def read(self) -> Iterator[Reading]:
        """Yield all readings."""
        yield from self._work()
        yield from self._engine()
        for key, run in self._parts.agents.all():
            yield from _agent(self._parts, key, run)

    def _work(self) -> Iterator[Reading]:
        parts = self._parts
        workflows = ((run.record or run.persisted).state for run in parts.workflows.values())
        records = {key: run.known or run.persisted for key, run in parts.phases.items()}
        states = Counter(state or WorkflowState.PENDING for state in workflows)
        phases = Counter(record.state or PhaseState.READY for record in records.values())
        for workflow in _WORKFLOWS:
            yield "spectra_workflows", (workflow.value,), states[workflow]
        for phase in _PHASES:
            yield "spectra_phases", (phase.value,), phases[phase]
        tasks = self._tasks(records)
        for task in _TASKS:
            yield "spectra_tasks", (task.value,), tasks[task]
        since = (at for run in parts.phases.values() for at in run.ready_since.values())
        oldest, now = min(since, default=None), parts.clock.monotonic()
        age = 0.0 if oldest is None else now - oldest
        yield "spectra_task_queue_oldest_age_seconds", (), age

    def _tasks(self, records: Mapping[Key, PhaseRecord]) -> Counter[TaskState]:
        known = self._counted
        self._counted = {
            key: counted
            if (counted := known.get(key)) and counted[0] is record
            else (record, _items(record.tasks.values()))
            for key, record in records.items()
            if not record.ended
        }
        return sum((found for _, found in self._counted.values()), Counter())

    def _engine(self) -> Iterator[Reading]:
        parts = self._parts
        yield "spectra_shards", (), parts.shards
        yield "spectra_queue_depth", (), len(parts.queue)
        yield "spectra_queue_oldest_age_seconds", (), parts.queue.oldest_age()
        yield "spectra_effects_pending", (), len(parts.executor)
        yield "spectra_claims", (), sum(len(run.page.claims) for run in parts.workers.runs())
        kept = parts.store.count()
        ages: dict[str, float] = {}
        for kind, cache in self._watches():
            kept[kind] += len(cache)
            ages[kind] = max(ages.get(kind, 0.0), cache.seconds_since_activity())
        for kind in (*(resource.kind for resource in OURS), *ages):
            yield "spectra_cached_objects", (kind,), kept[kind]
        for kind, age in ages.items():
            yield "spectra_watch_age_seconds", (kind,), age


def _items(tasks: Iterable[TaskRecord]) -> Counter[TaskState]:
    found: Counter[TaskState] = Counter()
    for task in tasks:
        if task.ended:
            continue
        running = task.running_mask.bit_count() if task.open else 0
        found[TaskState.RUNNING] += running
        found[TaskState.BACKOFF] += len(task.open) - running
        waits = TaskState.WAITING if task.state is TaskState.WAITING else TaskState.READY
        found[waits] += task.untried_mask.bit_count() if task.total else 1
    return found


def _agent(parts: Parts, key: Key, run: AgentRun) -> Iterator[Reading]:
    labels, status = (key.namespace, key.name), run.status.stored
    if run.spec is not None and run.spec.mode is Mode.POOL:
        yield "spectra_agent_replicas_desired", labels, _number(status, "desiredReplicas")
        yield "spectra_agent_replicas_ready", labels, _number(status, "readyReplicas")
        yield "spectra_agent_slots", labels, slots(parts, key)
    elif run.spec is not None and run.spec.concurrency is not None:
        yield "spectra_agent_slots", labels, run.spec.concurrency
    yield "spectra_agent_tasks_running", labels, parts.attempts.by_agent.get(labels, 0)
    yield "spectra_agent_tasks_queued", labels, _number(status, "queued")
    ended = run.succeeded + run.failed
    if ended:
        yield "spectra_agent_success_ratio", labels, run.succeeded / ended
    yield "spectra_agent_attempts_total", (*labels, "Succeeded"), run.succeeded
    yield "spectra_agent_attempts_total", (*labels, "Failed"), run.failed
    yield "spectra_agent_tokens_total", (*labels, "input"), run.usage.input_tokens
    yield "spectra_agent_tokens_total", (*labels, "output"), run.usage.output_tokens
    yield "spectra_agent_cost_total", labels, float(run.usage.cost)
    yield "spectra_agent_rollout_active", labels, float(bool(run.rollout.preview))


def _number(status: Mapping[str, Any], field: str) -> float:
    """Return a number of a status; 0 where it has none, or somebody made no number of it."""
    found = status.get(field)
    return float(found) if isinstance(found, int) else 0.0
