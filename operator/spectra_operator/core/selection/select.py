"""Chooses agents for the attempts of a task that requires capabilities.

Only agents with room are looked at: nothing waits for a better one while another is free.

- `Balance`: the lowest load, which is attempts live of those that may run at once; equals take
  turns.
- `Performance`: the highest reliability, (succeeded + 20) / (ended + 20) of the newest attempts of
  the agent's revision. Agents within 0.05 of the best are equally reliable, and of these the
  shortest median duration comes first. Durations that differ by a tenth at most are equal; equals
  share the attempts as by `Balance`.
- `Cost`: the lowest cost for each success; costs that differ by a tenth at most are equal.

An agent of which fewer than three attempts are known, live ones included, is tried first, until
it has three: without that nobody would ever learn how good it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from ...api.task import SelectionPolicy
from .figures import Contender
from .spread import spread

TRIES = 3
"""Attempts, live ones included, before an agent is compared with others."""
_SAME_RELIABILITY = 0.05
_SAME_AMOUNT = 1.1


@dataclass(frozen=True, slots=True)
class Share:
    """How many attempts an agent is given, and why it, as `worker-b: Balance, 0 of 4 busy`."""

    agent: str
    count: int
    why: str


Amount = float | Decimal
Tiers = list[list[Contender]]


def select(policy: SelectionPolicy, count: int, agents: Sequence[Contender]) -> tuple[Share, ...]:
    """Return who does `count` attempts; fewer if there is not room enough for all."""
    trials, ranked = _tiers(policy, agents)
    shares: list[Share] = []
    full = ""
    for tier in (trials, *ranked):
        given = spread(count, tier)
        count -= sum(given.values())
        shares += [
            Share(agent.name, given[agent.name], _why(policy, agent, full))
            for agent in tier
            if agent.name in given
        ]
        if count <= 0:
            break
        if tier is not trials and tier and not full:
            full = tier[0].name
    return _joined(shares)


def _tiers(policy: SelectionPolicy, agents: Sequence[Contender]) -> tuple[list[Contender], Tiers]:
    """Return who is on trial, and all others in their order, equals together."""
    if policy is SelectionPolicy.BALANCE:
        return [], [list(agents)]
    new = [agent for agent in agents if agent.figures.ended < TRIES]
    proven = [agent for agent in agents if agent.figures.ended >= TRIES]
    ranked = _by_cost(proven) if policy is SelectionPolicy.COST else _by_performance(proven)
    trials = [_on_trial(agent) for agent in new]
    rest = [_after_trial(agent) for agent in new]
    return trials, [*ranked, rest]


def _on_trial(agent: Contender) -> Contender:
    left = max(TRIES - agent.figures.ended - agent.busy, 0)
    return replace(agent, room=min(agent.room, left))


def _after_trial(agent: Contender) -> Contender:
    given = _on_trial(agent).room
    return replace(agent, room=agent.room - given, busy=agent.busy + given)


def _by_performance(agents: list[Contender]) -> Tiers:
    left = sorted(agents, key=lambda a: -a.figures.reliability)
    found: Tiers = []
    while left:
        least = left[0].figures.reliability - _SAME_RELIABILITY
        alike = [agent for agent in left if agent.figures.reliability >= least]
        left = left[len(alike) :]
        found += _grouped(alike, lambda a: a.figures.seconds)
    return found


def _by_cost(agents: list[Contender]) -> Tiers:
    return _grouped(agents, lambda a: a.figures.cost)


def _grouped(agents: list[Contender], amount: Callable[[Contender], Amount | None]) -> Tiers:
    """Return agents by an amount, the least first; those without one come last."""
    known = [(float(value), agent) for agent in agents if (value := amount(agent)) is not None]
    found: Tiers = []
    least = 0.0
    for value, agent in sorted(known, key=lambda pair: (pair[0], pair[1].name)):
        if found and value <= least * _SAME_AMOUNT:
            found[-1].append(agent)
            continue
        least = value
        found.append([agent])
    return [*found, [agent for agent in agents if amount(agent) is None]]


def _why(policy: SelectionPolicy, agent: Contender, full: str) -> str:
    text = f"{agent.name}: {policy}, {_facts(policy, agent)}"
    return f"{text}; {full} has no free slot" if full else text


def _facts(policy: SelectionPolicy, agent: Contender) -> str:
    seen = agent.figures
    if policy is SelectionPolicy.BALANCE:
        return f"{agent.busy} of {agent.width} busy" if agent.width else f"{agent.busy} busy"
    if seen.ended < TRIES:
        return f"to be tried, {seen.ended} of {TRIES} attempts seen"
    if policy is SelectionPolicy.COST:
        cost = "no success" if seen.cost is None else f"{float(seen.cost):.4g} a success"
        return f"{cost} over {seen.ended} attempts"
    took = "" if seen.seconds is None else f", p50 {seen.seconds:.3g} s"
    return f"{seen.succeeded} of {seen.ended} succeeded{took}"


def _joined(shares: list[Share]) -> tuple[Share, ...]:
    """Return the shares with one for each agent; one on trial may have got more at the end."""
    found: dict[str, Share] = {}
    for share in shares:
        known = found.get(share.agent)
        found[share.agent] = replace(known, count=known.count + share.count) if known else share
    return tuple(found.values())
