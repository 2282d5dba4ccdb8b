"""All alerts, in four severities.

Critical: the system fails, or somebody tries to get in. High: it has become slow, or an agent
fails. Medium: something runs short or runs out of time. Low: something to know of.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from monitoring.objectives import MOST_UTILISATION, OBJECTIVES, UTILISATION, recorded

RUNBOOKS = "docs/runbooks"


class Severity(StrEnum):
    """How urgent an alert is."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True)
class Alert:
    """One alert.

    Attributes:
        name: Also that of its runbook.
        severity: How urgent it is.
        query: Gives a series for each thing that is wrong.
        lasts: How long it has to be so.
        summary: What is wrong, in one sentence; may name labels.
        dashboard: The uid of the dashboard that shows it.
    """

    name: str
    severity: Severity
    query: str
    lasts: str
    summary: str
    dashboard: str = "spectra-internals"

    @property
    def runbook(self) -> str:
        """Where its runbook lies in the repository."""
        return f"{RUNBOOKS}/{self.name}.md"


def _burns(long: str, short: str, times: float) -> str:
    """Return a query for the objectives whose budget is used so many times too fast."""
    return " or ".join(
        f'({recorded(long)}{{slo="{each.name}"}} > {each.budget * times:.6g}'
        f' and {recorded(short)}{{slo="{each.name}"}} > {each.budget * times:.6g})'
        for each in OBJECTIVES
    )


_OF_AGENT = "by (agent_namespace, agent)"
_AGENT = "agent {{ $labels.agent_namespace }}/{{ $labels.agent }}"
_REFUSED = " or ".join(
    f"rate(spectra_api_requests_total{{{which}}}[5m])"
    for which in ('code="401"', 'code="403",verb!="create"', 'code="403",resource="tokenreviews"')
)
"""Rights that are missing. A ResourceQuota, an admission policy and a namespace that is being
deleted refuse creates with 403 as well, and are nothing that the operator lacks."""
_ENDED = "spectra_agent_attempts_total"
_ON_AGENT = "on (agent_namespace, agent)"

_CRITICAL = (
    Alert(
        "SpectraOperatorDown",
        Severity.CRITICAL,
        "absent(spectra_build_info)",
        "5m",
        "No replica of the operator is scraped",
        "spectra-overview",
    ),
    Alert(
        "SpectraShardNotRun",
        Severity.CRITICAL,
        "sum(spectra_shards_held) < max(spectra_shards)",
        "2m",
        "No replica runs a shard, so nothing starts in its namespaces",
    ),
    Alert(
        "SpectraWatchSilent",
        Severity.CRITICAL,
        "max by (kind, instance) (spectra_watch_age_seconds) > 180",
        "2m",
        "A replica has not heard of {{ $labels.kind }} objects for minutes",
    ),
    Alert(
        "SpectraStrangersCall",
        Severity.CRITICAL,
        'sum(rate(spectra_worker_calls_total{code=~"401|403"}[5m])) > 0.1',
        "10m",
        "Somebody who is no worker keeps calling the worker API",
        "spectra-agents",
    ),
)
_HIGH = (
    Alert(
        "SpectraErrorBudgetBurnsFast",
        Severity.HIGH,
        _burns("1h", "5m", 14.4),
        "2m",
        "The error budget of {{ $labels.slo }} for a month would be spent in two days",
        "spectra-overview",
    ),
    Alert(
        "SpectraPassesFail",
        Severity.HIGH,
        "sum by (kind) (rate(spectra_reconcile_errors_total[5m])) > 0",
        "10m",
        "Passes over {{ $labels.kind }} objects keep failing",
    ),
    Alert(
        "SpectraApiServerFails",
        Severity.HIGH,
        'sum(rate(spectra_api_requests_total{code=~"0|429|5.."}[5m]))'
        " / (sum(rate(spectra_api_requests_total[5m])) > 0) > 0.05",
        "5m",
        "More than 5 % of the requests to the API server fail",
    ),
    Alert(
        "SpectraApiServerRefuses",
        Severity.HIGH,
        f"sum by (verb, resource, code) ({_REFUSED}) > 0",
        "5m",
        "The API server keeps refusing calls of the operator: 401 or 403",
    ),
    Alert(
        "SpectraEventLoopLags",
        Severity.HIGH,
        "histogram_quantile(0.99, sum by (le, instance)"
        " (rate(spectra_event_loop_lag_seconds_bucket[5m]))) > 0.5",
        "10m",
        "The event loop of a replica is more than 0.5 s late",
    ),
    Alert(
        "SpectraTasksStuck",
        Severity.HIGH,
        "max(spectra_task_queue_oldest_age_seconds) > 900"
        " and on () sum(rate(spectra_task_queue_duration_seconds_count[10m])) == 0",
        "5m",
        "Tasks that may start have waited for 15 min, and none starts",
        "spectra-workflow",
    ),
    Alert(
        "SpectraAgentFails",
        Severity.HIGH,
        f'sum {_OF_AGENT} (increase({_ENDED}{{outcome="Failed"}}[15m]))'
        f" / (sum {_OF_AGENT} (increase({_ENDED}[15m])) > 5) > 0.5",
        "5m",
        f"More than half of the attempts of {_AGENT} fail",
        "spectra-agents",
    ),
    Alert(
        "SpectraAgentNotReady",
        Severity.HIGH,
        "spectra_agent_replicas_ready < spectra_agent_replicas_desired",
        "10m",
        f"Workers of {_AGENT} are missing",
        "spectra-agents",
    ),
)
_MEDIUM = (
    Alert(
        "SpectraErrorBudgetBurnsSlowly",
        Severity.MEDIUM,
        _burns("6h", "30m", 6),
        "15m",
        "The error budget of {{ $labels.slo }} for a month would be spent in five days",
        "spectra-overview",
    ),
    Alert(
        "SpectraUtilisationHigh",
        Severity.MEDIUM,
        f"{UTILISATION} > {MOST_UTILISATION}",
        "30m",
        "Agents do more than 80 % of what they may do at once",
        "spectra-agents",
    ),
    Alert(
        "SpectraAgentSaturated",
        Severity.MEDIUM,
        "spectra_agent_tasks_queued > 0 and "
        f"{_ON_AGENT} (spectra_agent_tasks_running >= {_ON_AGENT} spectra_agent_slots)",
        "30m",
        f"Tasks wait for {_AGENT}, and all its slots are in use",
        "spectra-agents",
    ),
    Alert(
        "SpectraTimeouts",
        Severity.MEDIUM,
        'sum(rate(spectra_attempts_total{reason=~"Timeout|PendingTimeout"}[15m]))'
        " / (sum(rate(spectra_attempts_total[15m])) > 0) > 0.05",
        "10m",
        "More than 5 % of attempts run out of time",
        "spectra-workflow",
    ),
    Alert(
        "SpectraQueueOld",
        Severity.MEDIUM,
        "max by (instance) (spectra_queue_oldest_age_seconds) > 5",
        "5m",
        "Objects wait for more than 5 s for a pass",
    ),
    Alert(
        "SpectraClaimsRefused",
        Severity.MEDIUM,
        "sum(rate(spectra_claims_refused_total[10m]))"
        " / (sum(rate(spectra_claims_given_total[10m])) > 0) > 0.05",
        "10m",
        "Workers call about claims that are not theirs any more",
        "spectra-agents",
    ),
    Alert(
        "SpectraSpansLost",
        Severity.MEDIUM,
        'sum(rate(spectra_trace_spans_total{outcome="lost"}[5m])) > 0',
        "10m",
        "Spans of traces keep being lost on their way to the collector",
    ),
    Alert(
        "SpectraRolledBack",
        Severity.MEDIUM,
        'sum by (outcome) (increase(spectra_rollouts_total{outcome=~"RolledBack|Aborted"}[15m]))'
        " > 0",
        "0m",
        "A revision of an agent was given up",
        "spectra-agents",
    ),
)
_LOW = (
    Alert(
        "SpectraErrorBudgetBurns",
        Severity.LOW,
        _burns("3d", "6h", 1),
        "1h",
        "The error budget of {{ $labels.slo }} for a month will not last for it",
        "spectra-overview",
    ),
    Alert(
        "SpectraLeaderChanged",
        Severity.LOW,
        'sum(increase(spectra_leadership_transitions_total{direction="acquired"}[10m])) > 0',
        "0m",
        "A replica has taken over a shard",
    ),
    Alert(
        "SpectraRolloutPromoted",
        Severity.LOW,
        'sum(increase(spectra_rollouts_total{outcome="Promoted"}[15m])) > 0',
        "0m",
        "A revision of an agent has become the stable one",
        "spectra-agents",
    ),
    Alert(
        "SpectraWorkflowFailed",
        Severity.LOW,
        'sum(increase(spectra_workflows_ended_total{state="Failed"}[15m])) > 0',
        "0m",
        "A workflow has failed",
        "spectra-workflow",
    ),
)
ALERTS = _CRITICAL + _HIGH + _MEDIUM + _LOW
