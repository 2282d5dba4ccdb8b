"""Scaling of an agent's workers: fields, names, bounds and defaults as a HorizontalPodAutoscaler's.

See "HorizontalPodAutoscaler v2 autoscaling" in the Kubernetes API reference for their meaning.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from .common import ApiModel
from .constants import MAX_WORKERS
from .rules import checked


class SelectPolicy(StrEnum):
    """Which of several policies holds. Max: the one that lets most change; Disabled: none."""

    MAX = "Max"
    MIN = "Min"
    DISABLED = "Disabled"


class PolicyType(StrEnum):
    """What a policy's value counts: workers, or per cent of those at the start of its period."""

    PODS = "Pods"
    PERCENT = "Percent"


class ScalingPolicy(ApiModel):
    """How much the number of workers may change within a period."""

    type: PolicyType
    """Pods: value is a number of workers. Percent: of the workers at the start of the period."""
    value: Annotated[int, Field(ge=1, le=2_147_483_647)]
    """How many workers, or per cent, may come or go within the period."""
    period_seconds: Annotated[int, Field(ge=1, le=1800)]
    """Length of the period in seconds."""


class ScalingRules(ApiModel):
    """How fast the number of workers may change in one direction."""

    stabilization_window_seconds: Annotated[int, Field(ge=0, le=3600)] | None = None
    """Seconds of past recommendations that are looked at: the number grows to the smallest of
    them and shrinks to the largest. Defaults to 0 for scaleUp and to 300 for scaleDown."""
    select_policy: SelectPolicy = SelectPolicy.MAX
    """Max (default): the policy that lets most change holds. Min: the one that lets least.
    Disabled: no change in this direction."""
    policies: Annotated[list[ScalingPolicy], Field(min_length=1, max_length=8)] | None = None
    """How much may change within a period. Left out: scaleUp 4 workers or 100 per cent in 15
    seconds, scaleDown 100 per cent in 15 seconds."""


class ScalingBehavior(ApiModel):
    """How fast the number of workers may change."""

    scale_up: ScalingRules = ScalingRules()
    """How fast workers may come."""
    scale_down: ScalingRules = ScalingRules()
    """How fast workers may go. One with a task is never ended, whatever stands here."""


class Scaling(ApiModel):
    """How the number of workers follows the tasks: (waiting + running) / tasksPerReplica."""

    model_config = checked(
        (
            "!has(self.minReplicas) || self.minReplicas <= self.maxReplicas",
            "minReplicas: is larger than maxReplicas; lower it or raise maxReplicas",
        ),
    )

    min_replicas: Annotated[int, Field(ge=0, le=MAX_WORKERS)] = 0
    """Workers that there are without any task. Defaults to 0."""
    max_replicas: Annotated[int, Field(ge=1, le=MAX_WORKERS)]
    """Workers at most."""
    tasks_per_replica: Annotated[int, Field(ge=1, le=64)] | None = None
    """Tasks, waiting or running, that make one worker wanted. Defaults to slots."""
    cooldown_seconds: Annotated[int, Field(ge=0, le=86_400)] = 300
    """Seconds without any task before the last worker goes. Defaults to 300."""
    behavior: ScalingBehavior = ScalingBehavior()
    """How fast the number may change."""
