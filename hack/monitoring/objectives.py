"""The service-level objectives, and the share of what goes against each, over any window."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

UTILISATION = "spectra:agent_utilisation:ratio"
MOST_UTILISATION = 0.8
OVER = "spectra:agent_utilisation_over:bool"
"""1 while utilisation is over that; recorded, since to look through a month of it costs less so."""
LATENCY_SECONDS = "0.5"
RECOVERY_SECONDS = "30.0"
ASKED_FOR = "Stopped|Released|PodDeleted"
"""Losses that somebody asked for: a cancel, a worker that drains, a pod deleted by hand."""

BUDGET_WINDOW = "30d"
WINDOWS = ("5m", "30m", "1h", "6h", "3d")


@dataclass(frozen=True)
class Objective:
    """One objective.

    Attributes:
        name: Value of the label `slo`.
        title: For people.
        target: The share that has to be good.
        promise: What is promised, in one sentence.
        errors: Returns the query for the share that is bad, over a window such as `5m`. It gives
            nothing where nothing happened.
    """

    name: str
    title: str
    target: float
    promise: str
    errors: Callable[[str], str]

    @property
    def budget(self) -> float:
        """The share that may be bad."""
        return round(1 - self.target, 6)


def _slow(metric: str, seconds: str) -> Callable[[str], str]:
    """Return the share of a histogram that took longer than one of its bounds."""

    def errors(window: str) -> str:
        good = f'sum(rate({metric}_bucket{{le="{seconds}"}}[{window}]))'
        return f"1 - {good} / (sum(rate({metric}_count[{window}])) > 0)"

    return errors


def _share(metric: str, bad: str, all_: str) -> Callable[[str], str]:
    """Return the share of a counter that has some labels."""

    def errors(window: str) -> str:
        part, whole = (f"sum(rate({metric}{{{each}}}[{window}]))" for each in (bad, all_))
        return f"{part} / ({whole} > 0)"

    return errors


def _over(window: str) -> str:
    return f"avg_over_time({OVER}[{window}])"


OBJECTIVES = (
    Objective(
        "latency",
        "Task latency",
        0.99,
        "99 % of tasks that follow from another begin within 0.5 s of its end",
        _slow("spectra_hop_latency_seconds", LATENCY_SECONDS),
    ),
    Objective(
        "success",
        "Workflows that succeed",
        0.95,
        "95 % of the workflows that succeed or fail succeed",
        _share("spectra_workflows_ended_total", 'state="Failed"', 'state=~"Succeeded|Failed"'),
    ),
    Objective(
        "utilisation",
        "Utilisation",
        0.95,
        "95 % of the time less than 80 % of what agents may do at once is in use",
        _over,
    ),
    Objective(
        "delivery",
        "Results that arrive",
        0.99,
        "99 % of attempts end with a result of theirs, and are not lost",
        _share("spectra_attempts_total", f'outcome="Lost",reason!~"{ASKED_FOR}"', ""),
    ),
    Objective(
        "recovery",
        "Recovery",
        0.99,
        "99 % of take-overs are done within 30 s of the last sign of the leader before",
        _slow("spectra_recovery_duration_seconds", RECOVERY_SECONDS),
    ),
)


def recorded(window: str) -> str:
    """Return what the share of errors over a window is recorded as."""
    return f"spectra:slo_errors:ratio_rate{window}"


BUDGET_LEFT = "spectra:slo_budget_left:ratio"
TARGET = "spectra:slo_target:ratio"
