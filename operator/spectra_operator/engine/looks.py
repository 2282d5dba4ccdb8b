"""What a take-over looks at, in order: at everything once, and at some again when work may start.

Phases come before workflows, which so know what pods prove. A pass that leaves something undone
because nothing may be started yet says so (`Parts.may_start`), and whatever else changes what an
object is to do wakes it, so of phases and workflows, of which there are many, only those that said
so or were woken are looked at again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from .keys import PHASES, WORKFLOWS, Key
from .parts import Parts
from .worker_book import KIND as WORKER

_ORDER = (
    "Agent",
    "WorkflowTemplate",
    "Action",
    "Phase",
    "Workflow",
    "Schedule",
    WORKER,
)
"""Actions come before phases: those of a workflow that is being brought back are no orphans."""
_WAKE_EACH_OTHER = (PHASES.kind, WORKFLOWS.kind)


def first_looks(keys: Iterable[Key]) -> list[Key]:
    """Return keys in the order in which a take-over looks at them."""
    return sorted(keys, key=lambda key: _ORDER.index(key.kind))


def second_looks(
    parts: Parts, looked_at: Iterable[Key], concerns: Callable[[str], bool]
) -> list[Key]:
    """Return what is to be looked at again now that work may start, and forget that it is.

    Workflows come before phases: those that wait to begin must not wait for all that stands.
    """
    held = [key for key in parts.held_back if concerns(key.namespace)]
    for key in held:
        del parts.held_back[key]
    others = [key for key in looked_at if key.kind not in _WAKE_EACH_OTHER]
    found = dict.fromkeys((*others, *held, *parts.queue.let_in(concerns)))
    return sorted(found, key=lambda key: key.kind == PHASES.kind)
