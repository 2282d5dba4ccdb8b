"""What the status of an agent says of its rollout beside the record: a condition."""

from __future__ import annotations

from ...api.rollout import RolloutState
from ..conditions import Condition
from .records import RolloutRecord


def rollout_progressing(record: RolloutRecord, problem: str = "") -> Condition:
    """Return the condition RolloutProgressing: whether a revision is under way, and what came.

    Args:
        record: The rollout.
        problem: Why the spec's rollout cannot be decided by, if so.
    """
    if problem:
        text = f"all stays as it is until this is mended: {problem}"[:1024]
        return Condition("RolloutProgressing", False, "InvalidRollout", text)
    under_way = record.state in (RolloutState.PENDING, RolloutState.PREVIEW, RolloutState.EXPOSED)
    reason = record.reason or record.state.value
    return Condition("RolloutProgressing", under_way, reason, record.message)
