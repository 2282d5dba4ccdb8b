"""Agents and rollouts: who works, who is full, how new revisions do."""

from __future__ import annotations

from monitoring.dashboards.parts import Dashboard, Panel, Row, Unit, View, ask

_WHICH = 'agent_namespace=~"$namespace",agent=~"$agent"'
_BY = "by (agent_namespace, agent)"
_LEGEND = "{{agent_namespace}}/{{agent}}"
_ENDED = "spectra_agent_attempts_total"


def _each(name: str, view: str = "sum") -> str:
    return f"{view} {_BY} ({name}{{{_WHICH}}})"


AGENTS = Dashboard(
    "spectra-agents",
    "agents.json",
    "Agents and rollouts",
    "Who works, who is full, and how new revisions do",
    (
        Row(
            "Load",
            (
                Panel(
                    "Tasks running",
                    "Attempts under way of each agent.",
                    ask(_each("spectra_agent_tasks_running"), _LEGEND),
                    stacked=True,
                ),
                Panel(
                    "Tasks waiting",
                    "Items that wait for each agent. Those that any of several may do are counted "
                    "at each.",
                    ask(_each("spectra_agent_tasks_queued"), _LEGEND),
                ),
                Panel(
                    "Slots in use",
                    "Share of what each agent may do at once. At 1 its tasks wait.",
                    ask(
                        f"{_each('spectra_agent_tasks_running')}"
                        f" / ({_each('spectra_agent_slots')} > 0)",
                        _LEGEND,
                    ),
                    Unit.SHARE,
                    alert="SpectraAgentSaturated",
                ),
            ),
        ),
        Row(
            "Workers",
            (
                Panel(
                    "Workers wanted",
                    "Of agents in mode Pool.",
                    ask(_each("spectra_agent_replicas_desired"), _LEGEND),
                ),
                Panel(
                    "Workers ready",
                    "Those that call for work. Fewer than wanted for long: look at their pods.",
                    ask(_each("spectra_agent_replicas_ready"), _LEGEND),
                    alert="SpectraAgentNotReady",
                ),
                Panel(
                    "Scaling decisions in an hour",
                    "Changes of the number wanted, over all agents, by direction and why.",
                    ask(
                        "sum by (direction, reason)"
                        " (increase(spectra_scaling_decisions_total[1h]))",
                        "{{direction}} {{reason}}",
                    ),
                ),
                Panel(
                    "Claims, a second",
                    "Claims given to workers, and their ends.",
                    (
                        *ask("sum(rate(spectra_claims_given_total[$__rate_interval]))", "given"),
                        *ask(
                            "sum by (outcome) (rate(spectra_claims_ended_total[$__rate_interval]))",
                            "{{outcome}}",
                        ),
                        *ask(
                            "sum(rate(spectra_claims_refused_total[$__rate_interval]))", "refused"
                        ),
                    ),
                    Unit.RATE,
                    alert="SpectraClaimsRefused",
                ),
                Panel(
                    "Claims held",
                    "Claims that warm workers work on.",
                    ask("sum(spectra_claims)", "claims"),
                ),
                Panel(
                    "Calls of workers, a second",
                    "By call and answer. 401 and 403 are strangers, 409 a claim that is gone.",
                    ask(
                        "sum by (route, code) (rate(spectra_worker_calls_total[$__rate_interval]))",
                        "{{route}} {{code}}",
                    ),
                    Unit.RATE,
                    alert="SpectraStrangersCall",
                ),
            ),
        ),
        Row(
            "Quality and cost",
            (
                Panel(
                    "Success ratio",
                    "Attempts that succeeded of those that ended, since the leader took over.",
                    ask(_each("spectra_agent_success_ratio", "min"), _LEGEND),
                    Unit.SHARE,
                    most=1,
                ),
                Panel(
                    "Failures in 15 minutes",
                    "Failed attempts of each agent.",
                    ask(
                        f'sum {_BY} (increase({_ENDED}{{outcome="Failed",{_WHICH}}}[15m]))',
                        _LEGEND,
                    ),
                    alert="SpectraAgentFails",
                ),
                Panel(
                    "Cost in an hour",
                    "What the attempts of each agent say they cost, in the unit that they use.",
                    ask(f"sum {_BY} (increase(spectra_agent_cost_total{{{_WHICH}}}[1h]))", _LEGEND),
                ),
                Panel(
                    "Tokens in an hour",
                    "What the attempts of each agent say they used.",
                    ask(
                        "sum by (agent_namespace, agent, direction)"
                        f" (increase(spectra_agent_tokens_total{{{_WHICH}}}[1h]))",
                        f"{_LEGEND} {{{{direction}}}}",
                    ),
                    width=12,
                ),
                Panel(
                    "Attempts, a second",
                    "Ends of each agent's attempts.",
                    ask(f"sum {_BY} (rate({_ENDED}{{{_WHICH}}}[$__rate_interval]))", _LEGEND),
                    Unit.RATE,
                    width=12,
                ),
            ),
        ),
        Row(
            "Rollouts",
            (
                Panel(
                    "Rollouts under way",
                    "Agents with a revision that is not promoted yet.",
                    ask(f"sum(spectra_agent_rollout_active{{{_WHICH}}})"),
                    view=View.NUMBER,
                ),
                Panel(
                    "Rollouts that ended in a day",
                    "By outcome, over all agents. RolledBack and Aborted ones: look at the "
                    "agent's Events.",
                    ask(
                        "sum by (outcome) (increase(spectra_rollouts_total[1d]))",
                        "{{outcome}}",
                    ),
                    view=View.BARS,
                    alert="SpectraRolledBack",
                ),
                Panel(
                    "Agents that roll out",
                    "1 while a revision is under way.",
                    ask(_each("spectra_agent_rollout_active"), _LEGEND),
                ),
            ),
        ),
    ),
    by_agent=True,
)
