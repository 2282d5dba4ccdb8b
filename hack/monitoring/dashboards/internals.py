"""Operator internals: queues, passes, the API server, watches, leadership, the process."""

from __future__ import annotations

from monitoring.dashboards.parts import (
    AMBER,
    GREEN,
    RED,
    Dashboard,
    Panel,
    Row,
    Steps,
    Unit,
    View,
    ask,
    quantiles,
)

INTERNALS = Dashboard(
    "spectra-internals",
    "internals.json",
    "Operator internals",
    "For who runs the operator: its queue, passes, requests, watches and Leases",
    (
        Row(
            "Leadership",
            (
                Panel(
                    "Shards run",
                    "By replica. Together they are all shards.",
                    ask("sum by (instance) (spectra_shards_held)", "{{instance}}"),
                    stacked=True,
                    alert="SpectraOperatorDown",
                ),
                Panel(
                    "Take-overs and losses in an hour",
                    "A take-over without an upgrade or a drained node wants a look at the logs.",
                    ask(
                        "sum by (direction) (increase(spectra_leadership_transitions_total[1h]))",
                        "{{direction}}",
                    ),
                    alert="SpectraLeaderChanged",
                ),
                Panel(
                    "Take-overs within 30 s",
                    "Share of the last day's take-overs that were done in the promised time.",
                    ask(
                        'sum(increase(spectra_recovery_duration_seconds_bucket{le="30.0"}[1d]))'
                        " / (sum(increase(spectra_recovery_duration_seconds_count[1d])) > 0)"
                    ),
                    Unit.SHARE,
                    View.NUMBER,
                    4,
                    Steps(RED, ((0.9, AMBER), (0.99, GREEN))),
                    most=1,
                ),
                Panel(
                    "Version",
                    "Of each replica.",
                    ask("sum by (version) (spectra_build_info)", "{{version}}"),
                    view=View.NUMBER,
                    width=4,
                ),
            ),
        ),
        Row(
            "Passes",
            (
                Panel(
                    "Passes a second",
                    "By kind of object.",
                    ask(
                        "sum by (kind) (rate(spectra_reconciles_total[$__rate_interval]))",
                        "{{kind}}",
                    ),
                    Unit.RATE,
                    stacked=True,
                ),
                Panel(
                    "Duration of a pass",
                    "99 of 100 passes over each kind took at most so long.",
                    ask(
                        "histogram_quantile(0.99, sum by (le, kind)"
                        " (rate(spectra_reconcile_duration_seconds_bucket[$__rate_interval])))",
                        "{{kind}}",
                    ),
                    Unit.SECONDS,
                ),
                Panel(
                    "Passes that failed in an hour",
                    "Any is a fault of the operator; its log has the object and a traceback.",
                    ask("sum(increase(spectra_reconcile_errors_total[1h])) or vector(0)"),
                    view=View.NUMBER,
                    steps=Steps(GREEN, ((0.5, RED),)),
                    alert="SpectraPassesFail",
                ),
                Panel(
                    "Objects in the queue",
                    "Objects that want a pass now.",
                    ask("sum by (instance) (spectra_queue_depth)", "{{instance}}"),
                ),
                Panel(
                    "Oldest in the queue",
                    "How long the object at the head has waited.",
                    ask("max by (instance) (spectra_queue_oldest_age_seconds)", "{{instance}}"),
                    Unit.SECONDS,
                    alert="SpectraQueueOld",
                ),
                Panel(
                    "Lag of the event loop",
                    "How late everything in the process is.",
                    quantiles("spectra_event_loop_lag_seconds"),
                    Unit.SECONDS,
                    alert="SpectraEventLoopLags",
                ),
            ),
        ),
        Row(
            "API server",
            (
                Panel(
                    "Requests a second",
                    "By verb, watches included.",
                    ask(
                        "sum by (verb) (rate(spectra_api_requests_total[$__rate_interval]))",
                        "{{verb}}",
                    ),
                    Unit.RATE,
                    stacked=True,
                ),
                Panel(
                    "Requests by answer, a second",
                    "0 is no answer, 409 a write that was too late, 429 throttling.",
                    ask(
                        "sum by (code) (rate(spectra_api_requests_total[$__rate_interval]))",
                        "{{code}}",
                    ),
                    Unit.RATE,
                    alert="SpectraApiServerFails",
                ),
                Panel(
                    "Duration of a request",
                    "99 of 100 of each verb took at most so long.",
                    ask(
                        "histogram_quantile(0.99, sum by (le, verb)"
                        " (rate(spectra_api_request_duration_seconds_bucket[$__rate_interval])))",
                        "{{verb}}",
                    ),
                    Unit.SECONDS,
                ),
                Panel(
                    "Bytes sent a second",
                    "In request bodies, by resource.",
                    ask(
                        "sum by (resource)"
                        " (rate(spectra_api_request_bytes_total[$__rate_interval]))",
                        "{{resource}}",
                    ),
                    Unit.BYTES_RATE,
                ),
                Panel(
                    "Writes and look-ups pending",
                    "What waits for the API server or is under way.",
                    ask("sum by (instance) (spectra_effects_pending)", "{{instance}}"),
                ),
                Panel(
                    "Age of watches",
                    "Since anything was heard. A live watch is heard every minute.",
                    ask("max by (kind) (spectra_watch_age_seconds)", "{{kind}}"),
                    Unit.SECONDS,
                    alert="SpectraWatchSilent",
                ),
            ),
        ),
        Row(
            "Process",
            (
                Panel(
                    "Objects in memory",
                    "By kind, of the replica that has most. They follow the live work.",
                    ask("max by (kind) (spectra_cached_objects)", "{{kind}}"),
                ),
                Panel(
                    "Processor cores used",
                    "A replica uses at most one.",
                    ask(
                        "sum by (instance) (rate(process_cpu_seconds_total[$__rate_interval])"
                        " and on (instance) spectra_build_info)",
                        "{{instance}}",
                    ),
                    Unit.PLAIN,
                ),
                Panel(
                    "Memory",
                    "Resident memory of each replica.",
                    ask(
                        "sum by (instance) (process_resident_memory_bytes"
                        " and on (instance) spectra_build_info)",
                        "{{instance}}",
                    ),
                    Unit.BYTES,
                ),
                Panel(
                    "Duration of a worker's call",
                    "99 of 100 calls of each kind took at most so long.",
                    ask(
                        "histogram_quantile(0.99, sum by (le, route)"
                        " (rate(spectra_worker_call_duration_seconds_bucket[$__rate_interval])))",
                        "{{route}}",
                    ),
                    Unit.SECONDS,
                ),
                Panel(
                    "Spans of traces a second",
                    "Sent to the collector, or lost on the way. None where nothing is traced.",
                    ask(
                        "sum by (outcome) (rate(spectra_trace_spans_total[$__rate_interval]))",
                        "{{outcome}}",
                    ),
                    Unit.RATE,
                    alert="SpectraSpansLost",
                ),
                Panel(
                    "Open files",
                    "Sockets included.",
                    ask(
                        "sum by (instance) (process_open_fds and on (instance) spectra_build_info)",
                        "{{instance}}",
                    ),
                ),
            ),
        ),
    ),
)
