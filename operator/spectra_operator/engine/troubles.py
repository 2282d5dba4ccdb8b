"""What keeps the workers of an agent from work: noted once a pass, and told to who waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.pool.scale_story import SILENT
from ..core.pool.startup import Trouble, known_trouble, next_look, trouble_of
from .agent_book import AgentRun
from .keys import Key
from .story import Note
from .worker_book import SILENT_SECONDS, WorkerRun

if TYPE_CHECKING:
    from .parts import Parts


def note_troubles(parts: Parts, key: Key, run: AgentRun) -> None:
    """Note what keeps each worker of an agent from starting; wake what waits when that changes."""
    pending = run.spec.defaults.pending_timeout_seconds if run.spec else None
    now = parts.clock.monotonic()
    found: list[tuple[Key, WorkerRun, Trouble]] = []
    for worker_key, worker in parts.workers.of(key):
        worker.trouble = None
        if worker.startup is None or not _is_starting(worker):
            continue
        stands = now - worker.stands_since
        known = known_trouble(worker.startup, worker_key.name, run.status.stored)
        worker.trouble = trouble_of(worker.startup, stands, pending) or known
        if worker.trouble is not None:
            found.append((worker_key, worker, worker.trouble))
        limit = next_look(worker.startup, pending)
        if limit is not None and stands < limit:
            parts.queue.add_at(key, worker.stands_since + limit)
    words = _words(found)
    if words != run.troubles:
        run.troubles = words
        parts.wake_dependents(key)


def tell_silence(parts: Parts, agent: Key, worker: Key, run: WorkerRun) -> None:
    """Tell once, before they are taken from it, that a silent worker loses its claims and goes."""
    known = parts.agents.get(agent)
    if known is None or run.silence_told:
        return
    run.silence_told = True
    many = len(run.wanted.claims)
    claims = "1 claim was" if many == 1 else f"{many} claims were"
    text = f"worker {worker.name} was silent for {SILENT_SECONDS:g} s: "
    text += f"{claims} taken from it, it is replaced" if many else "it is replaced"
    parts.stories.tell(agent, known.uid, Note(SILENT, text))


def _words(found: list[tuple[Key, WorkerRun, Trouble]]) -> dict[str, str]:
    """Return what is said of each revision: of its first worker, of one that is stuck first."""
    words: dict[str, str] = {}
    for key, worker, trouble in sorted(found, key=lambda each: not each[2].lasting):
        words.setdefault(worker.revision, f"{key.name} {trouble.text}")
    return words


def _is_starting(worker: WorkerRun) -> bool:
    return worker.heard_at is None and worker.alive and not (worker.draining or worker.deleting)
