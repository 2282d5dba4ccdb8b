"""Workflow: how work flows, where it waits, and why it ends badly."""

from __future__ import annotations

from monitoring.dashboards.parts import Dashboard, Panel, Row, Unit, View, ask, quantiles

WORKFLOW = Dashboard(
    "spectra-workflow",
    "workflow.json",
    "Workflow",
    "How work flows, where it waits, and why it ends badly. One run: kubectl spectra tree",
    (
        Row(
            "States",
            (
                Panel(
                    "Workflows",
                    "By state, until they end. Pending ones miss an agent or a template.",
                    ask("sum by (state) (spectra_workflows)", "{{state}}"),
                    stacked=True,
                ),
                Panel(
                    "Phases",
                    "Those that have not ended, by state.",
                    ask("sum by (state) (spectra_phases)", "{{state}}"),
                    stacked=True,
                ),
                Panel(
                    "Task items",
                    "Of phases under way. Ready ones wait for a limit or a worker, those in "
                    "Backoff for the next attempt.",
                    ask("sum by (state) (spectra_tasks)", "{{state}}"),
                    stacked=True,
                ),
            ),
        ),
        Row(
            "Time",
            (
                Panel(
                    "Time in the queue",
                    "From ready to started: half of the items, and 99 of 100, waited so long.",
                    quantiles("spectra_task_queue_duration_seconds"),
                    Unit.SECONDS,
                ),
                Panel(
                    "Longest wait now",
                    "How long the task has waited that waits longest. If it grows for good: "
                    "kubectl spectra why.",
                    ask("max(spectra_task_queue_oldest_age_seconds)", "oldest"),
                    Unit.SECONDS,
                    alert="SpectraTasksStuck",
                ),
                Panel(
                    "Start of a pod",
                    "From the creation of a task's pod to its container running.",
                    quantiles("spectra_attempt_startup_duration_seconds"),
                    Unit.SECONDS,
                ),
                Panel(
                    "Duration of an attempt",
                    "How long attempts take, by outcome.",
                    quantiles("spectra_attempt_duration_seconds", "outcome"),
                    Unit.SECONDS,
                    width=12,
                ),
                Panel(
                    "Starts a second",
                    "Attempts that begin.",
                    ask(
                        "sum(rate(spectra_task_queue_duration_seconds_count[$__rate_interval]))",
                        "starts",
                    ),
                    Unit.RATE,
                    width=12,
                ),
            ),
        ),
        Row(
            "Ends",
            (
                Panel(
                    "Workflows that failed or were cancelled, by reason",
                    "Over the last hour.",
                    ask(
                        "sort_desc(sum by (state, reason) (increase(spectra_workflows_ended_total"
                        '{state!="Succeeded"}[1h])) > 0)',
                        "{{state}} {{reason}}",
                    ),
                    view=View.TABLE,
                ),
                Panel(
                    "Phases that ended, by reason",
                    "Over the last hour. No reason is a good one.",
                    ask(
                        "sort_desc(sum by (state, reason)"
                        " (increase(spectra_phases_ended_total[1h])) > 0)",
                        "{{state}} {{reason}}",
                    ),
                    view=View.TABLE,
                ),
                Panel(
                    "Task items that ended, by reason",
                    "Over the last hour.",
                    ask(
                        "sort_desc(sum by (state, reason)"
                        " (increase(spectra_tasks_ended_total[1h])) > 0)",
                        "{{state}} {{reason}}",
                    ),
                    view=View.TABLE,
                ),
                Panel(
                    "Attempts that failed or were lost, a second",
                    "By reason. Other is a word of the task's own; its status has it.",
                    ask(
                        "sum by (outcome, reason) (rate(spectra_attempts_total"
                        '{outcome!="Succeeded"}[$__rate_interval]))',
                        "{{outcome}} {{reason}}",
                    ),
                    Unit.RATE,
                    width=12,
                    alert="SpectraTimeouts",
                ),
                Panel(
                    "Retries a second",
                    "Attempts begun after a bad one, by that one's reason.",
                    ask(
                        "label_replace(sum by (reason)"
                        " (rate(spectra_retries_total[$__rate_interval])),"
                        ' "reason", "no reason", "reason", "")',
                        "{{reason}}",
                    ),
                    Unit.RATE,
                    width=12,
                ),
            ),
        ),
    ),
)
