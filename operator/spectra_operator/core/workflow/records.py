"""What is known of a workflow: immutable records, the meaning of a Workflow's status."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ...api.constants import RESERVED_PHASES
from ...api.phase import PhaseState
from ...api.workflow import PhaseRole, StepState, WorkflowState
from ..attempts.results import Usage
from ..conditions import RunRecord
from ..insight.expectations import NO_INSIGHT, Insight, Outlook
from ..orders import OrderRecord
from ..phase.records import PHASE_ENDED, Tally

WORKFLOW_ENDED = frozenset(
    {
        WorkflowState.SUCCEEDED,
        WorkflowState.FAILED,
        WorkflowState.CANCELLED,
        WorkflowState.REJECTED,
    }
)
STEP_ENDED = frozenset(
    {StepState.SUCCEEDED, StepState.FAILED, StepState.SKIPPED, StepState.CANCELLED}
)


@dataclass(frozen=True, slots=True)
class PhaseView:
    """A Phase object as its workflow sees it, and what is expected of it.

    `applied` has the actions that stand in the phase's stored status, by UID, and why one was
    refused.
    """

    object_name: str
    uid: str
    state: PhaseState | None = None
    reason: str = ""
    message: str = ""
    tally: Tally = Tally()
    usage: Usage = Usage()
    started_at: datetime | None = None
    finished_at: datetime | None = None
    outlook: Outlook | None = None
    applied: Mapping[str, str] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        """Whether the phase has ended."""
        return self.state in PHASE_ENDED


@dataclass(frozen=True, slots=True)
class StepRecord:
    """A phase in the status of its workflow, whether its object exists or not.

    `run` counts the objects that it had, one after the other; `fallback` tells that the object
    does what the phase's fallback says.
    """

    state: StepState = StepState.WAITING
    object_name: str = ""
    tally: Tally = Tally()
    started_at: datetime | None = None
    finished_at: datetime | None = None
    message: str = ""
    reason: str = ""
    run: int = 1
    fallback: bool = False
    role: PhaseRole = PhaseRole.MAIN

    @property
    def ended(self) -> bool:
        """Whether the phase has ended or never will begin."""
        return self.state in STEP_ENDED


@dataclass(frozen=True, slots=True)
class WorkflowRecord(RunRecord):
    """A workflow's state and its phases; what status holds, or will.

    `run` is 1, and one more for each time that an action began the ended workflow anew;
    `outcome` is how the phases of the spec ended, set while what follows their end goes on, with
    its reason and message in those of the workflow. `orders` are the actions that were taken in,
    oldest first; `template` is the workflow's template as name@revision.
    """

    state: WorkflowState | None = None
    insight: Insight = NO_INSIGHT
    usage: Usage = Usage()
    steps: Mapping[str, StepRecord] = field(default_factory=dict)
    run: int = 1
    outcome: WorkflowState | None = None
    orders: tuple[OrderRecord, ...] = ()
    template: str = ""

    @property
    def ended(self) -> bool:
        """Whether the workflow has ended."""
        return self.state in WORKFLOW_ENDED

    @property
    def main(self) -> dict[str, StepRecord]:
        """The phases of the spec, without those that follow their end."""
        return {n: step for n, step in self.steps.items() if n not in RESERVED_PHASES}

    def tally(self) -> Tally:
        """Count the items of the spec's phases by state."""
        return sum((step.tally for step in self.main.values()), Tally())
