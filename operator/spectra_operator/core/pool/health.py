"""How well the workers of an agent do: who is kept from work, and what is said of them all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ...api.agent import Health
from ..conditions import Condition
from .fleet import WorkerState, WorkerView
from .startup import Trouble

QUARANTINE_AFTER = 5
"""Bad ends in a row after which a worker gets no more work, if others do well."""
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Conduct:
    """How the attempts of a worker ended: how many badly since the last good one, how many well."""

    bad: int = 0
    good: int = 0

    def after(self, *, good: bool) -> Conduct:
        """Return it after one more end."""
        return Conduct(0, self.good + 1) if good else Conduct(self.bad + 1, self.good)


def to_quarantine(conducts: Mapping[str, Conduct]) -> frozenset[str]:
    """Return the workers, of those of one revision by name, that fail where others do well.

    Where all fail it is not the worker, but the revision or the tasks; nobody is singled out then.
    """
    well = any(conduct.good and not conduct.bad for conduct in conducts.values())
    if not well:
        return frozenset()
    return frozenset(name for name, each in conducts.items() if each.bad >= QUARANTINE_AFTER)


def health_of(
    workers: Iterable[WorkerView], desired: int, active: str, why_none: str = ""
) -> tuple[Health, Condition]:
    """Return the health of an agent and the condition that says why.

    Args:
        workers: Those that the agent has.
        desired: How many of the active revision there should be.
        active: That revision. Who drains, or is deleted, is on its way out and counts for nothing.
        why_none: What makes none wanted, where `desired` is 0.
    """
    views = [each for each in workers if each.state is not WorkerState.DELETING]
    views = [each for each in views if not each.draining]
    ready = [each for each in views if each.state is WorkerState.READY]
    own = min(sum(each.revision == active for each in ready), desired)
    odd, troubled = _odd(views), _troubled(views)
    wrong = _list([*odd, *(f"{each.name} {found.text}" for each, found in troubled)])
    if desired and not ready:
        starting = any(worker.state is WorkerState.STARTING for worker in views)
        text = "no worker is ready" + ("; some are starting" if starting and not troubled else "")
        reason = "WorkersStarting" if starting and not odd else "NoWorkerReady"
        reason = troubled[0][1].reason if troubled else reason
        return Health.OFFLINE, _condition(False, reason, f"{text}{wrong}")
    if wrong or own < desired:
        text = f"{own} of {desired} workers are ready"
        other = sum(each.revision != active for each in ready)
        text += f", and {other} of other revisions" if other else ""
        reason = troubled[0][1].reason if troubled else "WorkersStarting"
        reason = "WorkersFailing" if odd else reason
        return Health.DEGRADED, _condition(False, reason, f"{text}{wrong}")
    if not desired and not ready:
        text = "there are no workers, since none are wanted"
        return Health.HEALTHY, _condition(True, "NoWorkers", f"{text}: {why_none}")
    return Health.HEALTHY, _condition(True, "AsExpected", "all workers do well")


def _odd(workers: Iterable[WorkerView]) -> list[str]:
    """Return what is wrong with which worker."""
    words = {
        WorkerState.SILENT: "is silent",
        WorkerState.FAILED: "has failed",
        WorkerState.QUARANTINED: f"is in quarantine after {QUARANTINE_AFTER} bad ends in a row",
    }
    return [f"{each.name} {words[each.state]}" for each in workers if each.state in words]


def _troubled(workers: Iterable[WorkerView]) -> list[tuple[WorkerView, Trouble]]:
    """Return the workers that something keeps from starting."""
    return [
        (each, each.trouble)
        for each in workers
        if each.trouble is not None and each.state is WorkerState.STARTING
    ]


def _list(odd: list[str]) -> str:
    more = f", and {len(odd) - _NAMED} more" if len(odd) > _NAMED else ""
    return f": {', '.join(odd[:_NAMED])}{more}" if odd else ""


def _condition(status: bool, reason: str, message: str) -> Condition:
    return Condition("Healthy", status, reason, message[:1024])
