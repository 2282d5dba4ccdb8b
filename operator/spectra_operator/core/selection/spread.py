"""Hands out attempts so that the load of agents becomes equal, however many there are."""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping, Sequence

from .figures import Contender

_HALVINGS = 60
"""Halvings of an interval after which two floating-point numbers have nothing between them."""


def spread(count: int, agents: Sequence[Contender]) -> dict[str, int]:
    """Return how many attempts each agent is given, by name; only those that get some.

    Each goes to the agent with the lowest load (busy of its width), then to the one that was given
    fewest so far, then by name. An agent without a limit weighs as much as the widest of the
    others. The cost grows with the agents, not with `count`.
    """
    count = min(count, sum(agent.room for agent in agents))
    widths = _widths(agents)
    given = _up_to(_level(count, agents, widths), agents, widths)
    queue = [_place(agent, given[agent.name], widths) for agent in agents]
    heapq.heapify(queue)
    rooms = {agent.name: agent for agent in agents}
    for _ in range(count - sum(given.values())):
        while given[queue[0][-1]] >= rooms[queue[0][-1]].room:
            heapq.heappop(queue)
        name = queue[0][-1]
        given[name] += 1
        heapq.heapreplace(queue, _place(rooms[name], given[name], widths))
    return {name: number for name, number in given.items() if number}


def _widths(agents: Sequence[Contender]) -> dict[str, int]:
    widest = max((agent.width for agent in agents if agent.width), default=1)
    return {agent.name: agent.width or widest for agent in agents}


def _place(agent: Contender, given: int, widths: Mapping[str, int]) -> tuple[float, int, str]:
    load = (agent.busy + given) / widths[agent.name]
    return load, agent.begun + given, agent.name


def _level(count: int, agents: Sequence[Contender], widths: Mapping[str, int]) -> float:
    """Return a load to which all agents can be filled with at most `count` attempts.

    What is left to hand out then is at most one for each agent, or little more.
    """
    low = 0.0
    high = max(((a.busy + count) / widths[a.name] for a in agents), default=0.0)
    for _ in range(_HALVINGS):
        if count - sum(_up_to(low, agents, widths).values()) <= len(agents):
            break
        middle = (low + high) / 2
        if sum(_up_to(middle, agents, widths).values()) <= count:
            low = middle
        else:
            high = middle
    return low


def _up_to(level: float, agents: Sequence[Contender], widths: Mapping[str, int]) -> dict[str, int]:
    """Return what each agent is given until none with room has a load below the level."""
    return {
        agent.name: min(max(math.ceil(level * widths[agent.name] - agent.busy), 0), agent.room)
        for agent in agents
    }
