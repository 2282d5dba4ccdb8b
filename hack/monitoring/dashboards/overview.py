"""Overview: is all well? What runs, what is promised, what is under fire."""

from __future__ import annotations

from monitoring import objectives as slo
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

_ANY_IS_BAD = Steps(GREEN, ((1, RED),))

OVERVIEW = Dashboard(
    "spectra-overview",
    "overview.json",
    "Overview",
    "Is all well? What runs, what is promised, and what is wrong",
    (
        Row(
            "Now",
            (
                Panel(
                    "Workflows under way",
                    "Workflows that have not ended, in any state.",
                    ask("sum(spectra_workflows)"),
                    view=View.NUMBER,
                    width=4,
                ),
                Panel(
                    "Tasks running",
                    "Task items with an attempt under way.",
                    ask('sum(spectra_tasks{state="Running"})'),
                    view=View.NUMBER,
                    width=4,
                ),
                Panel(
                    "Tasks waiting for a slot",
                    "Task items that may start, and wait for a limit or a worker.",
                    ask('sum(spectra_tasks{state="Ready"})'),
                    view=View.NUMBER,
                    width=4,
                ),
                Panel(
                    "Utilisation",
                    "Share of what agents with a limit may do at once that is in use. Less than "
                    "80 % is promised.",
                    ask(slo.UTILISATION),
                    Unit.SHARE,
                    View.GAUGE,
                    4,
                    Steps(GREEN, ((0.7, AMBER), (slo.MOST_UTILISATION, RED))),
                    most=1,
                    alert="SpectraUtilisationHigh",
                ),
                Panel(
                    "Shards without a replica",
                    "Shards that nobody runs. In their namespaces nothing starts.",
                    ask("max(spectra_shards) - sum(spectra_shards_held)"),
                    view=View.NUMBER,
                    width=4,
                    steps=_ANY_IS_BAD,
                    alert="SpectraShardNotRun",
                ),
                Panel(
                    "Workflows failed in an hour",
                    "Workflows that ended as Failed. The dashboard Workflow has the reasons.",
                    ask('sum(increase(spectra_workflows_ended_total{state="Failed"}[1h]))'),
                    view=View.NUMBER,
                    width=4,
                    steps=Steps(GREEN, ((0.5, AMBER),)),
                    alert="SpectraWorkflowFailed",
                ),
            ),
        ),
        Row(
            "Alerts",
            (
                Panel(
                    "Alerts that fire",
                    "Each has a runbook of its name. None is a good answer.",
                    ask(
                        "count by (alertname, severity)"
                        ' (ALERTS{alertname=~"Spectra.*",alertstate="firing"})'
                    ),
                    view=View.TABLE,
                    width=24,
                ),
            ),
        ),
        Row(
            "Promises",
            (
                Panel(
                    "Error budget left of 30 days",
                    "1 is all of it. Below 0 an objective was missed more than it may be.",
                    ask(slo.BUDGET_LEFT, "{{slo}}"),
                    Unit.SHARE,
                    View.BARS,
                    12,
                    Steps(RED, ((0, AMBER), (0.25, GREEN))),
                    most=1,
                    alert="SpectraErrorBudgetBurns",
                ),
                Panel(
                    "Errors of each objective, over an hour",
                    "Share that was bad. Alerts ask how much faster than allowed the budget is "
                    "used.",
                    ask(slo.recorded("1h"), "{{slo}}"),
                    Unit.SHARE,
                    width=12,
                    alert="SpectraErrorBudgetBurnsFast",
                ),
            ),
        ),
        Row(
            "Flow",
            (
                Panel(
                    "Workflows that ended",
                    "By state, in each interval.",
                    ask(
                        "sum by (state)"
                        " (increase(spectra_workflows_ended_total[$__rate_interval]))",
                        "{{state}}",
                    ),
                    stacked=True,
                ),
                Panel(
                    "Attempts that ended, a second",
                    "By outcome. Lost ones were taken away: a node, a pod or a worker is gone.",
                    ask(
                        "sum by (outcome) (rate(spectra_attempts_total[$__rate_interval]))",
                        "{{outcome}}",
                    ),
                    Unit.RATE,
                    stacked=True,
                ),
                Panel(
                    "From a task's end to its successor",
                    "Half of them, and 99 of 100, took at most so long. 0.5 s is promised.",
                    quantiles("spectra_hop_latency_seconds"),
                    Unit.SECONDS,
                ),
                Panel(
                    "Tokens a second",
                    "What attempts say they used.",
                    ask(
                        "sum by (direction) (rate(spectra_usage_tokens_total[$__rate_interval]))",
                        "{{direction}}",
                    ),
                    width=12,
                ),
                Panel(
                    "Cost in an hour",
                    "What attempts say they cost, in the unit that they use.",
                    ask("sum(increase(spectra_usage_cost_total[1h]))", "cost"),
                    width=12,
                ),
            ),
        ),
    ),
)
