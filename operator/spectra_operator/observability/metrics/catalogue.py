"""All metrics, by what they are about. The reference page is generated from this.

No label has the name of a workflow, phase, task or pod, so no metric grows with what was ever run.
Agents are named only while they exist; their namespace is called `agent_namespace`, since a scrape
that finds its targets in a cluster sets `namespace` to that of the operator.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from .definitions import (
    LONG,
    PASS,
    QUICK,
    RECOVERY,
    Definition,
    counter,
    gauge,
    histogram,
    shown,
    told,
)

_AGENT = ("agent_namespace", "agent")

_WORK = (
    shown("spectra_workflows", "Workflows that have not ended, by state", "state"),
    shown("spectra_phases", "Phases that have not ended, by state", "state"),
    shown(
        "spectra_tasks", "Task items that have not ended, of phases under way, by state", "state"
    ),
    counter("spectra_workflows_ended_total", "Workflows that ended", "state", "reason"),
    counter("spectra_phases_ended_total", "Phases that ended", "state", "reason"),
    counter("spectra_tasks_ended_total", "Task items that ended", "state", "reason"),
    histogram(
        "spectra_hop_latency_seconds",
        "From the event that a task has ended to its successor's pod accepted, or its claim handed "
        "out",
        QUICK,
    ),
    histogram(
        "spectra_task_queue_duration_seconds",
        "From the moment that a task item may start, but for limits, to its start",
        LONG,
    ),
    shown(
        "spectra_task_queue_oldest_age_seconds",
        "How long the task has waited that waits longest for a limit or a worker",
    ),
)

_ATTEMPTS = (
    counter("spectra_attempts_total", "Attempts that ended, recorded once", "outcome", "reason"),
    histogram(
        "spectra_attempt_duration_seconds",
        "From the start of an attempt's container, or of its claim, to its end",
        LONG,
        "outcome",
    ),
    histogram(
        "spectra_attempt_startup_duration_seconds",
        "From the creation of a task's pod to the start of its container",
        LONG,
    ),
    counter("spectra_retries_total", "Attempts begun after a bad one, by that one's end", "reason"),
    counter("spectra_usage_tokens_total", "Tokens that attempts say they used", "direction"),
    counter("spectra_usage_cost_total", "Cost that attempts say they had, in the unit they use"),
)

_AGENTS = (
    shown("spectra_agent_replicas_desired", "Warm workers that there should be", *_AGENT),
    shown("spectra_agent_replicas_ready", "Warm workers that call for work", *_AGENT),
    shown(
        "spectra_agent_slots",
        "Tasks that an agent may do at once: slots of ready workers, or its concurrency",
        *_AGENT,
    ),
    shown("spectra_agent_tasks_running", "Attempts of an agent that are under way", *_AGENT),
    shown("spectra_agent_tasks_queued", "Task items that wait for an agent", *_AGENT),
    shown(
        "spectra_agent_success_ratio",
        "Attempts that succeeded of those that ended since this replica leads, 0 to 1",
        *_AGENT,
    ),
    told(
        "spectra_agent_attempts_total",
        "Attempts of an agent that ended since this replica leads",
        *_AGENT,
        "outcome",
    ),
    told("spectra_agent_tokens_total", "Tokens that an agent used", *_AGENT, "direction"),
    told("spectra_agent_cost_total", "Cost that an agent had", *_AGENT),
    shown("spectra_agent_rollout_active", "1 while a revision of an agent is under way", *_AGENT),
    counter("spectra_rollouts_total", "Revisions whose rollout ended", "outcome"),
    counter(
        "spectra_scaling_decisions_total",
        "Changes of the number of workers wanted, by direction and why",
        "direction",
        "reason",
    ),
)

_WORKERS = (
    shown("spectra_claims", "Claims that warm workers hold"),
    counter("spectra_claims_given_total", "Claims given to warm workers"),
    counter("spectra_claims_ended_total", "Claims that ended, recorded once", "outcome"),
    counter(
        "spectra_claims_refused_total", "Calls answered with 409: the claim is not open any more"
    ),
    counter("spectra_worker_calls_total", "Calls of workers, by call and answer", "route", "code"),
    histogram(
        "spectra_worker_call_duration_seconds",
        "Duration of a call of a worker; the wait for work is none",
        QUICK,
        "route",
    ),
)

_ENGINE = (
    counter("spectra_reconciles_total", "Passes, by kind of object", "kind"),
    counter("spectra_reconcile_errors_total", "Passes that failed, by kind of object", "kind"),
    histogram("spectra_reconcile_duration_seconds", "Duration of a pass", PASS, "kind"),
    shown("spectra_queue_depth", "Objects that want a pass now"),
    shown("spectra_queue_oldest_age_seconds", "How long the object at the head has waited"),
    shown("spectra_effects_pending", "Writes and look-ups that wait or are under way"),
    shown("spectra_cached_objects", "Objects in memory, by kind", "kind"),
    shown(
        "spectra_watch_age_seconds",
        "Since the last list, event or bookmark of a watch; a live one is heard every minute",
        "kind",
    ),
    counter(
        "spectra_trace_spans_total",
        "Spans of traces that a collector took, or that are lost to it: sent, lost",
        "outcome",
    ),
    histogram(
        "spectra_event_loop_lag_seconds",
        "How late the event loop was, probed four times a second",
        QUICK,
    ),
)

_API = (
    counter(
        "spectra_api_requests_total",
        "Requests to the API server; code 0 is no answer",
        "verb",
        "resource",
        "code",
    ),
    counter("spectra_api_request_bytes_total", "Bytes sent in request bodies", "verb", "resource"),
    histogram(
        "spectra_api_request_duration_seconds",
        "Duration of a request to the API server, without watches",
        QUICK,
        "verb",
        "resource",
    ),
)

_LEADERSHIP = (
    gauge("spectra_shards_held", "Shards that this replica runs"),
    shown("spectra_shards", "Shards that there are; a setting"),
    counter(
        "spectra_leadership_transitions_total",
        "Shards that this replica took over or gave up",
        "direction",
    ),
    histogram(
        "spectra_recovery_duration_seconds",
        "From the last sign of who held a shard before to the moment that this replica runs it",
        RECOVERY,
    ),
    gauge("spectra_build_info", "1, with the version of the operator", "version"),
)

GROUPS: Mapping[str, tuple[Definition, ...]] = MappingProxyType(
    {
        "Work": _WORK,
        "Attempts": _ATTEMPTS,
        "Agents": _AGENTS,
        "Warm workers": _WORKERS,
        "Engine": _ENGINE,
        "API server": _API,
        "Leadership": _LEADERSHIP,
    }
)
CATALOGUE: Mapping[str, Definition] = MappingProxyType(
    {each.name: each for group in GROUPS.values() for each in group}
)
"""All metrics by name."""
PROCESS = (
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
    "process_virtual_memory_bytes",
    "process_start_time_seconds",
    "process_open_fds",
    "process_max_fds",
)
"""What the client library says of the process itself, on Linux."""
