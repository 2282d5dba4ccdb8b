"""What a take-over looks at, and in which order: at everything, and again once work may start.

Between the two, what is woken gets no turn: it is looked at again in any case, and what one look
wakes would else be looked at a third and a fourth time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from .keys import Key
from .parts import Parts
from .worker_book import KIND as WORKER

_FIRST = ("Agent", "WorkflowTemplate", "Action", "Phase", "Workflow", "Schedule", WORKER)
"""Actions come before phases: those of a workflow that is being brought back are no orphans."""
_AGAIN = ("Action", "Workflow", "Phase", "WorkflowTemplate", "Schedule", "Agent", WORKER)
"""Agents come after phases, which tell them what waits, and workers last: they are to call."""

Concerns = Callable[[str], bool]
"""Whether a namespace is of the shard that is taken over."""


def first_looks(keys: Iterable[Key]) -> list[Key]:
    """Return keys in the order in which a take-over looks at them."""
    return sorted(keys, key=lambda key: _FIRST.index(key.kind))


def look_again(parts: Parts, keys: Collection[Key], mine: Concerns) -> None:
    """Ask for a second look at what was looked at, now that work may start.

    What waits to begin comes first, beside what is new; neither waits for all that stands.
    """
    waiting = _waiting(parts, mine)
    new = dict.fromkeys(parts.queue.let_in(mine)).keys() - set(keys)
    for key in (*waiting, *sorted(new)):
        parts.queue.add(key)
    for key in sorted(keys, key=lambda key: _AGAIN.index(key.kind)):
        parts.queue.add_behind(key)


def look_no_more(parts: Parts, mine: Concerns) -> None:
    """Forget what waits for a second look: another replica looks at it."""
    _waiting(parts, mine)
    parts.queue.let_in(mine)


def _waiting(parts: Parts, mine: Concerns) -> list[Key]:
    """Return what would have begun something, and forget that it would."""
    found = [key for key in parts.held_back if mine(key.namespace)]
    for key in found:
        del parts.held_back[key]
    return found
