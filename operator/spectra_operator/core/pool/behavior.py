"""How fast the number of workers may change: stabilization windows and policies.

The rules are a HorizontalPodAutoscaler's. What differs is said in docs/scaling.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from ...api.scaling import PolicyType, Scaling, ScalingPolicy, ScalingRules, SelectPolicy
from .past import Past, ScaleChange, Windows

FROM_ZERO = 16
"""Workers that the default policies let start at once where there was none."""

UP_POLICIES = (
    ScalingPolicy(type=PolicyType.PODS, value=4, period_seconds=15),
    ScalingPolicy(type=PolicyType.PERCENT, value=100, period_seconds=15),
)
DOWN_POLICIES = (ScalingPolicy(type=PolicyType.PERCENT, value=100, period_seconds=15),)
UP_WINDOW = 0
DOWN_WINDOW = 300


def windows_of(scaling: Scaling) -> Windows:
    """Return how far back recommendations count."""
    up = scaling.behavior.scale_up.stabilization_window_seconds
    down = scaling.behavior.scale_down.stabilization_window_seconds
    return Windows(
        up=timedelta(seconds=UP_WINDOW if up is None else up),
        down=timedelta(seconds=DOWN_WINDOW if down is None else down),
        cooldown=timedelta(seconds=scaling.cooldown_seconds),
    )


def longest_period(scaling: Scaling) -> timedelta:
    """Return how far back changes count."""
    behavior = scaling.behavior
    policies = [*_up(behavior.scale_up), *_down(behavior.scale_down)]
    return timedelta(seconds=max(policy.period_seconds for policy in policies))


def stabilised(past: Past, wanted: int, target: int, windows: Windows, now: datetime) -> int:
    """Return the number that the windows allow: between the target and what is wanted.

    Growth goes to the smallest recommendation of its window, shrinking to the largest; the last
    worker goes only when none was wanted for the whole cooldown.
    """
    if wanted > target:
        recent = [each.replicas for each in past.history if each.at > now - windows.up]
        return max(target, min([wanted, *recent]))
    recent = [each.replicas for each in past.history if each.at > now - windows.down]
    lowest = max([wanted, *recent])
    used = any(each.replicas > 0 and each.at > now - windows.cooldown for each in past.history)
    return min(target, max(lowest, 1 if used else 0))


def expiries(past: Past, windows: Windows) -> Iterator[datetime]:
    """Yield when recommendations of the past cease to count."""
    for each in past.history:
        yield each.at + windows.up
        yield each.at + windows.down
        if each.replicas > 0:
            yield each.at + windows.cooldown


def most(rules: ScalingRules, target: int, changes: tuple[ScaleChange, ...], now: datetime) -> int:
    """Return the largest number of workers that the policies allow now."""
    if rules.select_policy is SelectPolicy.DISABLED:
        return target
    proposed = []
    for policy in _up(rules):
        came = sum(each.by for each in changes if each.by > 0 and _within(each, policy, now))
        start = max(0, target - came)
        proposed.append(_grown(start, policy))
        if start == 0 and rules.policies is None:
            proposed.append(FROM_ZERO)
    choose: Callable[[list[int]], int] = min if rules.select_policy is SelectPolicy.MIN else max
    return max(target, choose(proposed))


def least(rules: ScalingRules, target: int, changes: tuple[ScaleChange, ...], now: datetime) -> int:
    """Return the smallest number of workers that the policies allow now."""
    if rules.select_policy is SelectPolicy.DISABLED:
        return target
    proposed = []
    for policy in _down(rules):
        went = -sum(each.by for each in changes if each.by < 0 and _within(each, policy, now))
        proposed.append(_shrunk(target + went, policy))
    choose: Callable[[list[int]], int] = max if rules.select_policy is SelectPolicy.MIN else min
    return max(0, min(target, choose(proposed)))


def periods_end(
    rules: ScalingRules, changes: tuple[ScaleChange, ...], sign: int
) -> Iterator[datetime]:
    """Yield when changes of a direction (1 up, -1 down) leave the periods of its policies."""
    policies = _up(rules) if sign > 0 else _down(rules)
    for change in changes:
        if change.by * sign > 0:
            yield from (change.at + timedelta(seconds=p.period_seconds) for p in policies)


def _up(rules: ScalingRules) -> tuple[ScalingPolicy, ...]:
    return UP_POLICIES if rules.policies is None else tuple(rules.policies)


def _down(rules: ScalingRules) -> tuple[ScalingPolicy, ...]:
    return DOWN_POLICIES if rules.policies is None else tuple(rules.policies)


def _within(change: ScaleChange, policy: ScalingPolicy, now: datetime) -> bool:
    return change.at > now - timedelta(seconds=policy.period_seconds)


def _grown(start: int, policy: ScalingPolicy) -> int:
    """Return the most workers after a period; a percentage lets at least one come."""
    if policy.type is PolicyType.PODS:
        return start + policy.value
    return max(start + 1, -(-start * (100 + policy.value) // 100))


def _shrunk(start: int, policy: ScalingPolicy) -> int:
    """Return the fewest workers after a period; a percentage lets at least one go."""
    if policy.type is PolicyType.PODS:
        return start - policy.value
    return start * (100 - policy.value) // 100
