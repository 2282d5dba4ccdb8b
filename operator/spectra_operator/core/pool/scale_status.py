"""What the status of an agent says of its scaling: conditions and counts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from ...api.agent import AgentSpec
from ...api.constants import LABEL_AGENT, LABEL_WORKER
from ...api.scaling import Scaling, SelectPolicy
from ..conditions import Condition, timestamp
from .fleet import WorkerState, WorkerView

NO_REPLICAS = "NoReplicas"
"""Why no task is begun where the number of workers is given as 0."""
_STANDING = (WorkerState.STARTING, WorkerState.READY, WorkerState.SILENT)


def able_to_scale(
    *,
    stored: bool,
    refused: str,
    paused_until: datetime | None,
    rounds: int,
    revision: str,
    held: int,
) -> Condition:
    """Return whether workers can be made and ended.

    Args:
        stored: Whether the agent's revision is stored.
        refused: What the API server said when it refused to create a worker, or empty.
        paused_until: When workers are made again after failures, if there is a pause.
        rounds: How often in a row new workers failed.
        revision: The active revision.
        held: How many workers more (or, negative, fewer) than wanted the windows leave.
    """
    if not stored:
        text = "the agent's revision is not stored yet; workers are made when it is"
        return Condition("AbleToScale", False, "RevisionNotStored", text)
    if paused_until is not None:
        times = "once" if rounds == 1 else f"{rounds} times in a row"
        text = (
            f"new workers of revision {revision} failed {times}; the next are made at "
            f"{timestamp(paused_until)}: look at their pods' logs and Events"
        )
        return Condition("AbleToScale", False, "WorkersFailing", text)
    if refused:
        text = f"a worker could not be created: {refused}"[:1024]
        return Condition("AbleToScale", False, "CreationRefused", text)
    if held > 0:
        text = "more workers were wanted a short while ago; they stay for scaleDown's window"
        return Condition("AbleToScale", True, "ScaleDownStabilized", text)
    if held < 0:
        text = "fewer workers were wanted a short while ago; more come after scaleUp's window"
        return Condition("AbleToScale", True, "ScaleUpStabilized", text)
    text = "workers can be made and ended"
    return Condition("AbleToScale", True, "ReadyForNewScale", text)


def scaling_active(spec: AgentSpec, pulled: tuple[int, int] | None) -> Condition:
    """Return whether the number of workers follows the tasks.

    `pulled` has the two numbers that others set in turn, if they do.
    """
    if spec.scaling is None and pulled is not None:
        text = (
            f"spec.replicas goes to and fro between {pulled[0]} and {pulled[1]}: two set it in "
            "turn, such as two HorizontalPodAutoscalers, or one and what applies a manifest; find "
            "them (kubectl get hpa) and leave one"
        )
        return Condition("ScalingActive", False, "ScalingConflict", text)
    if spec.scaling is None and spec.replicas == 0:
        text = "spec.replicas is 0, so no task of this agent is begun: scale it up, or set spec."
        return Condition("ScalingActive", False, NO_REPLICAS, f"{text}scaling in its place")
    if spec.scaling is None:
        text = "spec.scaling is not set; the number of workers is spec.replicas, or 1"
        return Condition("ScalingActive", False, "FixedReplicas", text)
    if spec.replicas is not None:
        text = (
            f"spec.replicas is {spec.replicas}: kubectl scale, a HorizontalPodAutoscaler, KEDA or "
            "a person set it, and it is obeyed, so spec.scaling stands still; remove spec.replicas "
            "and what sets it, or remove spec.scaling"
        )
        return Condition("ScalingActive", False, "ScalingConflict", text)
    each = spec.scaling.tasks_per_replica or spec.slots
    tasks = "each task that waits or runs" if each == 1 else f"every {each} tasks that wait or run"
    text = f"one worker for {tasks}"
    return Condition("ScalingActive", True, "FollowsTasks", text)


def scaling_limited(
    scaling: Scaling | None, *, stable: int, bounded: int, desired: int
) -> Condition:
    """Return whether something keeps the number of workers from what is wanted.

    Args:
        scaling: None where the number is fixed.
        stable: What is wanted, as the windows leave it.
        bounded: The same within minReplicas and maxReplicas.
        desired: The same as the policies leave it.
    """
    if scaling is None:
        text = "the number of workers is given"
        return Condition("ScalingLimited", False, "DesiredWithinRange", text)
    if desired != bounded:
        up = desired < bounded
        rules = scaling.behavior.scale_up if up else scaling.behavior.scale_down
        field = "scaleUp" if up else "scaleDown"
        what = "lets no worker" if rules.select_policy is SelectPolicy.DISABLED else "lets not all"
        text = f"behavior.{field} {what} {'come' if up else 'go'} now"
        reason = "ScaleUpLimit" if up else "ScaleDownLimit"
        return Condition("ScalingLimited", True, reason, text)
    if stable > bounded:
        text = f"more workers are wanted than maxReplicas ({scaling.max_replicas}); raise it"
        return Condition("ScalingLimited", True, "TooManyReplicas", text)
    if stable < bounded:
        text = f"fewer workers are wanted than minReplicas ({scaling.min_replicas})"
        return Condition("ScalingLimited", True, "TooFewReplicas", text)
    text = "what is wanted lies within minReplicas and maxReplicas"
    return Condition("ScalingLimited", False, "DesiredWithinRange", text)


def scale_counts(
    agent: str, workers: Iterable[WorkerView], revision: str, desired: int
) -> dict[str, Any]:
    """Return the counts of a status: those of the active revision that do not drain."""
    standing = [
        worker
        for worker in workers
        if worker.state in _STANDING and not worker.draining and worker.revision == revision
    ]
    ready = sum(worker.state is WorkerState.READY for worker in standing)
    return {
        "ready": f"{ready}/{desired}",
        "replicas": len(standing),
        "readyReplicas": ready,
        "desiredReplicas": desired,
        "selector": f"{LABEL_WORKER}=true,{LABEL_AGENT}={agent}",
    }
