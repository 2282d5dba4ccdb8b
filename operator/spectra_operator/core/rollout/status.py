"""What the status of an agent says of its rollout beside the record: a condition."""

from __future__ import annotations

from ...api.rollout import RolloutState
from ..pool.scale_status import ScaleCondition
from .records import RolloutRecord


def rollout_progressing(record: RolloutRecord) -> ScaleCondition:
    """Return the condition RolloutProgressing: whether a revision is under way, and what came."""
    under_way = record.state in (RolloutState.PENDING, RolloutState.PREVIEW, RolloutState.EXPOSED)
    reason = record.reason or record.state.value
    return ScaleCondition("RolloutProgressing", under_way, reason, record.message)
