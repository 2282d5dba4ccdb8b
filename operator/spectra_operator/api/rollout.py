"""Rollout of an agent's new revisions: fields under `rollout`, and what its status says of one."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from .action import Uid
from .common import (
    AnyValue,
    ApiModel,
    Expression,
    LongText,
    ObjectName,
    Seconds,
    ShortText,
    StepName,
    Timestamp,
)
from .rules import checked
from .values import InputName

MAX_UNPROVEN = 1000
DEFAULT_TASKS = 20
"""What maxUnproven and minTasks are if nobody says otherwise."""
ROLLOUT_HISTORY = 10
"""Ends of rollouts that a status remembers; the oldest go first."""
ROLLOUT_ORDERS = 50
"""Orders about rollouts that a status remembers."""

Conditions = Annotated[list[Expression], Field(max_length=16)]


class RolloutStrategy(StrEnum):
    """How a new revision comes into use.

    BlueGreen: it gets ready beside the stable one, is then switched to, and back if it is bad.
    Immediate: new attempts use it as soon as it is stored.
    """

    BLUE_GREEN = "BlueGreen"
    IMMEDIATE = "Immediate"


class OnInconclusive(StrEnum):
    """What follows when an analysis can neither pass nor fail."""

    ROLLBACK = "Rollback"
    PAUSE = "Pause"
    PROMOTE = "Promote"


class GateTaskSpec(ApiModel):
    """A made-up task that a new revision must do well before it is switched to."""

    task: StepName
    """Name of the task, as the agent knows it."""
    input: Annotated[dict[InputName, AnyValue], Field(max_length=64)] = {}
    """What the task is given."""
    expect: Expression | None = None
    """A CEL condition over outputs, seconds and cost of the task. Left out: it must succeed."""


class Replay(ApiModel):
    """Recorded tasks of the stable revision that the new one does again, before the switch.

    The agent must be replayable.
    """

    last: Annotated[int, Field(ge=1, le=100)]
    """How many of the newest recorded tasks; fewer if fewer are recorded."""
    conditions: Conditions = []
    """CEL conditions over outputs, seconds and cost of each task, and recorded with the same of
    the recorded one. Each task must also succeed."""


class PreGate(ApiModel):
    """What a new revision must pass before it is switched to."""

    tasks: Annotated[list[GateTaskSpec], Field(max_length=16)] = []
    """Made-up tasks."""
    replay: Replay | None = None
    """Recorded tasks to do again."""


class PrometheusQuery(ApiModel):
    """A query whose value must fulfil a condition."""

    name: ObjectName
    """Name of the query, for messages."""
    query: Annotated[str, StringConstraints(min_length=1, max_length=2048)]
    """PromQL that gives one number. {{revision}} and {{stable}} stand for the revisions."""
    condition: Expression
    """A CEL condition over value, such as value < 0.5."""


class Prometheus(ApiModel):
    """Queries to a Prometheus server, once minTasks attempts have ended."""

    address: Annotated[
        str, StringConstraints(pattern=r"^https?://[^\s]+$", min_length=8, max_length=512)
    ]
    """URL of the server, such as http://prometheus.monitoring:9090."""
    queries: Annotated[list[PrometheusQuery], Field(min_length=1, max_length=8)]
    """The queries; all must hold."""


class Analysis(ApiModel):
    """What a switched revision must show before it is promoted."""

    model_config = checked(
        (
            "(has(self.conditions) && size(self.conditions) > 0) || has(self.prometheus)",
            "conditions: give at least one, or prometheus, or leave analysis out",
        ),
    )

    min_tasks: Annotated[int, Field(ge=1, le=MAX_UNPROVEN)] | None = None
    """Attempts that must have ended before the conditions are judged. Defaults to 20, or to
    maxUnproven where that is less."""
    max_seconds: Seconds | None = None
    """Seconds after the switch when an analysis that is still open is inconclusive. Left out: it
    waits for tasks as long as it takes."""
    interval_seconds: Annotated[int, Field(ge=1, le=3600)] = 30
    """Seconds between queries. Defaults to 30."""
    on_inconclusive: OnInconclusive = OnInconclusive.ROLLBACK
    """What follows when the analysis can neither pass nor fail. Defaults to Rollback."""
    conditions: Conditions = []
    """CEL conditions over failureRatio, p50Seconds, p95Seconds, costPerTask, attempts and losses
    of the revision, and stable with the same of the stable one. All must hold."""
    prometheus: Prometheus | None = None
    """Queries that must hold too."""


class Rollout(ApiModel):
    """How a new revision of the agent comes into use."""

    model_config = checked(
        (
            "!has(self.analysis) || !has(self.analysis.minTasks) || self.analysis.minTasks <= "
            f"(has(self.maxUnproven) ? self.maxUnproven : {DEFAULT_TASKS})",
            "analysis.minTasks: is larger than maxUnproven, so that it could never be reached; "
            "lower it or raise maxUnproven",
        ),
    )

    strategy: RolloutStrategy = RolloutStrategy.BLUE_GREEN
    """BlueGreen (default): a new revision gets ready beside the stable one before it is used, and
    is judged by analysis. Immediate: new attempts use it at once."""
    max_unproven: Annotated[int, Field(ge=1, le=MAX_UNPROVEN)] = DEFAULT_TASKS
    """Attempts that a revision may have at most before its analysis has passed. Defaults to 20."""
    progress_deadline_seconds: Seconds = 300
    """Seconds without progress after which a rollout is given up. Defaults to 300."""
    warm_seconds: Annotated[int, Field(ge=0, le=86_400)] = 600
    """Seconds that workers of the former revision stay after a promotion. Defaults to 600."""
    pause: bool = False
    """Hold the next step, switch or promotion. What fails is rolled back all the same."""
    pre_gate: PreGate | None = None
    """What is tried before the switch."""
    analysis: Analysis | None = None
    """What is judged after the switch. Without it a ready revision is promoted at once."""

    @property
    def min_tasks(self) -> int:
        """Attempts that must have ended before the conditions are judged."""
        given = self.analysis and self.analysis.min_tasks
        return given or min(DEFAULT_TASKS, self.max_unproven)


class RolloutState(StrEnum):
    """How far a rollout has come; docs/adr/0012-rollouts.md has the states as a picture."""

    PENDING = "Pending"
    PREVIEW = "Preview"
    EXPOSED = "Exposed"
    PROMOTED = "Promoted"
    ROLLED_BACK = "RolledBack"
    ABORTED = "Aborted"
    PAUSED = "Paused"


class RolloutOutcome(StrEnum):
    """What became of a revision."""

    PROMOTED = "Promoted"
    ROLLED_BACK = "RolledBack"
    ABORTED = "Aborted"
    SUPERSEDED = "Superseded"


class RolloutVerb(StrEnum):
    """What a person may ask for.

    Promote: make the revision under way stable now. Abort: give it up. Undo: go back to a
    revision that was promoted before. Retry: try again what was rolled back or aborted.
    """

    PROMOTE = "Promote"
    ABORT = "Abort"
    UNDO = "Undo"
    RETRY = "Retry"


class RolloutEnd(ApiModel):
    """What became of a revision, in the history of a status."""

    revision: ShortText
    """The revision."""
    outcome: RolloutOutcome
    """Promoted, RolledBack, Aborted or Superseded."""
    reason: ShortText
    """One word in CamelCase for machines."""
    at: Timestamp
    """When."""
    by: LongText = ""
    """Who asked for it and why; left out if it came about by itself."""


class RolloutOrderRecord(ApiModel):
    """A person's order about a rollout, in the status of the agent."""

    uid: Uid
    """UID of the Action object."""
    name: Annotated[str, StringConstraints(max_length=253)]
    """Name of the Action object."""
    verb: RolloutVerb
    """What was asked for."""
    actor: ShortText
    """Who asked."""
    reason: LongText
    """Why."""
    at: Timestamp
    """When the Action object was created."""
    refused: LongText = ""
    """Why it was not applied; left out if it was."""


class RevisionFigures(ApiModel):
    """How the attempts of a revision ended."""

    revision: ShortText
    """The revision."""
    succeeded: Annotated[int, Field(ge=0)] = 0
    """Attempts that succeeded."""
    failed: Annotated[int, Field(ge=0)] = 0
    """Attempts that failed."""
    lost: Annotated[int, Field(ge=0)] = 0
    """Attempts lost to the infrastructure or to a worker that crashed."""
    crashed: Annotated[int, Field(ge=0)] = 0
    """Those of the lost ones whose worker restarted by itself."""
    cost: Annotated[
        str, StringConstraints(pattern=r"^[0-9]{1,12}(\.[0-9]{1,12})?$", max_length=25)
    ] = "0"
    """What its attempts cost."""
    p50_seconds: ShortText = ""
    """Seconds that half of the successful attempts took at most."""
    p95_seconds: ShortText = ""
    """Seconds that 95 of 100 successful attempts took at most."""
    sample: Annotated[str, StringConstraints(pattern=r"^[0-9 ]*$", max_length=2048)] = ""
    """Milliseconds of the newest successful attempts; not for people."""
    counted: Annotated[str, StringConstraints(pattern=r"^[0-9a-z ]*$", max_length=16_384)] = ""
    """Ids of the attempts that are counted, while the revision is under way; not for people."""


class RolloutStatus(ApiModel):
    """What the status of an agent says of its revisions."""

    number: Annotated[int, Field(ge=0)] = 0
    """Counts the rollouts of the agent."""
    stable: ShortText = ""
    """The revision that was promoted last."""
    active: ShortText = ""
    """The revision that new attempts use."""
    preview: ShortText = ""
    """The revision under way; it is active too once it was switched to."""
    rejected: ShortText = ""
    """The spec's revision, if it was rolled back or aborted: it is not tried again by itself."""
    warm: ShortText = ""
    """The former revision whose workers stay for a while."""
    warm_until: Timestamp | None = None
    """Until when they stay."""
    state: RolloutState = RolloutState.PENDING
    """How far the rollout has come."""
    reason: ShortText = ""
    """One word in CamelCase for machines."""
    message: LongText = ""
    """A sentence for people."""
    since: Timestamp | None = None
    """When the state began."""
    deadline: Timestamp | None = None
    """When the rollout is given up unless it gets on before."""
    progress: Annotated[int, Field(ge=0)] = 0
    """Steps made before the switch: stored, a worker ready, each gate passed."""
    switched_at: Timestamp | None = None
    """When the revision under way became active."""
    enough_at: Timestamp | None = None
    """When enough of its attempts had ended to be judged."""
    alone_since: Timestamp | None = None
    """Since when the stable revision got all new attempts; it stays over a rollout that ended
    before its switch."""
    replay: LongText = ""
    """What came of the recorded tasks that the newest revision did again."""
    proven: bool = False
    """The revision under way was promoted before, so it needs no gate and no analysis."""
    by: LongText = ""
    """Who asked for the revision under way and why; left out for a change of the template."""
    history: Annotated[list[RolloutEnd], Field(max_length=ROLLOUT_HISTORY)] = []
    """What became of revisions, oldest first."""
    applied: Annotated[list[RolloutOrderRecord], Field(max_length=ROLLOUT_ORDERS)] = []
    """Orders of people, oldest first."""
