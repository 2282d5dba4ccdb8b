"""Agent: who can work."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from .common import (
    ApiModel,
    Condition,
    LongText,
    NodeLostPolicy,
    ObjectName,
    Quantity,
    RetryPolicy,
    Seconds,
    ShortText,
    Timestamp,
    Usage,
)
from .constants import MAX_WORKERS
from .rollout import RevisionFigures, Rollout, RolloutStatus
from .scaling import Scaling

EnvName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=128)]
Argument = Annotated[str, StringConstraints(max_length=16_384)]
LabelValue = Annotated[str, StringConstraints(max_length=63)]
LabelKey = Annotated[str, StringConstraints(max_length=317)]


class Mode(StrEnum):
    """How tasks reach the agent. Pod: a pod for each attempt. Pool: warm workers claim tasks."""

    POD = "Pod"
    POOL = "Pool"


class Health(StrEnum):
    """How well an agent's workers do. Degraded: fewer than wanted do well. Offline: none does."""

    HEALTHY = "Healthy"
    DEGRADED = "Degraded"
    OFFLINE = "Offline"


class KeyRef(ApiModel):
    """A key of a Secret or ConfigMap in the same namespace."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=253)]
    """Name of the object."""
    key: Annotated[str, StringConstraints(min_length=1, max_length=253)]
    """Key inside the object."""
    optional: bool | None = None
    """Start the pod even if the object or key is missing."""


class EnvSource(ApiModel):
    """Where a variable's value comes from: exactly one of the fields."""

    secret_key_ref: KeyRef | None = None
    """A key of a Secret."""
    config_map_key_ref: KeyRef | None = None
    """A key of a ConfigMap."""


class EnvVar(ApiModel):
    """An environment variable. Names that begin with SPECTRA_ belong to the operator."""

    name: EnvName
    """Name of the variable."""
    value: Annotated[str, StringConstraints(max_length=32_768)] | None = None
    """Literal value."""
    value_from: EnvSource | None = None
    """A reference to the value; exclusive with value."""


class Resources(ApiModel):
    """Compute resources of the container, as in a pod."""

    requests: Annotated[dict[LabelKey, Quantity], Field(max_length=16)] | None = None
    """What the scheduler reserves, such as {cpu: 50m, memory: 64Mi}."""
    limits: Annotated[dict[LabelKey, Quantity], Field(max_length=16)] | None = None
    """What the container may use at most."""


class Toleration(ApiModel):
    """A toleration, as in a pod."""

    key: LabelKey | None = None
    """Taint key; empty matches all."""
    operator: Literal["Exists", "Equal"] | None = None
    """How the value is compared."""
    value: LabelValue | None = None
    """Taint value."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    """Effect that is tolerated; empty means all."""
    toleration_seconds: int | None = None
    """How long NoExecute is tolerated."""


class PullSecret(ApiModel):
    """A Secret with registry credentials in the same namespace."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=253)]
    """Name of the Secret."""


class AgentTemplate(ApiModel):
    """What runs for each attempt: a narrow, safe part of a pod with one container."""

    image: Annotated[str, StringConstraints(min_length=1, max_length=1024)]
    """Container image."""
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] | None = None
    """As in a pod."""
    image_pull_secrets: Annotated[list[PullSecret], Field(max_length=8)] | None = None
    """Secrets of this namespace with registry credentials."""
    command: Annotated[list[Argument], Field(max_length=64)] | None = None
    """Entry point; the image's own if left out."""
    args: Annotated[list[Argument], Field(max_length=256)] | None = None
    """Arguments of the entry point."""
    env: (
        Annotated[
            list[EnvVar],
            Field(
                max_length=128,
                json_schema_extra={
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["name"],
                },
            ),
        ]
        | None
    ) = None
    """Environment variables; a task cannot change them."""
    resources: Resources | None = None
    """Compute resources. Without requests the operator's default requests apply."""
    node_selector: Annotated[dict[LabelKey, LabelValue], Field(max_length=32)] | None = None
    """Labels a node must have."""
    tolerations: Annotated[list[Toleration], Field(max_length=32)] | None = None
    """Taints that the pod tolerates."""
    runtime_class_name: ObjectName | None = None
    """RuntimeClass, such as a sandboxed one."""
    termination_grace_period_seconds: Annotated[int, Field(ge=0, le=86_400)] | None = None
    """Seconds between SIGTERM and SIGKILL when an attempt is stopped. Kubernetes' default is 30."""


class TaskDefaults(ApiModel):
    """What holds for every task of this agent that does not say otherwise."""

    timeout_seconds: Seconds | None = None
    """Seconds an attempt may run."""
    pending_timeout_seconds: Seconds | None = None
    """Seconds an attempt may wait for its container to start (image pull, scheduling)."""
    retry: RetryPolicy | None = None
    """Retry policy."""
    on_node_lost: NodeLostPolicy | None = None
    """What happens to an attempt on an unreachable node."""


class AgentSpec(ApiModel):
    """Who can work: what runs, how many at once, and what holds for its tasks."""

    description: LongText = ""
    """What this agent is for."""
    capabilities: Annotated[
        list[ObjectName], Field(max_length=32, json_schema_extra={"x-kubernetes-list-type": "set"})
    ] = []
    """What the agent can do, in words of your own."""
    mode: Mode = Mode.POD
    """Pod (default): a pod for each attempt: cold, isolated, any image. Pool: warm workers claim
    tasks."""
    checkpoints: bool = False
    """Mode Pod: give each attempt's pod a token with which it can tell its progress and leave
    checkpoints. Defaults to false. The workers of mode Pool always can."""
    concurrency: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """Attempts at once over all workflows of the namespace. Unlimited if left out."""
    template: AgentTemplate
    """What runs. A change makes a new revision, used by attempts that start after it."""
    defaults: TaskDefaults = TaskDefaults()
    """Defaults for the tasks of this agent."""
    replayable: bool = False
    """Say true if doing a task once more, with the same input, harms nobody. Only then may
    rollout.preGate.replay do recorded tasks again. Defaults to false."""
    slots: Annotated[int, Field(ge=1, le=32)] = 1
    """Tasks that one worker does at once, in mode Pool. Defaults to 1."""
    replicas: Annotated[int, Field(ge=0, le=MAX_WORKERS)] | None = None
    """Workers of an agent in mode Pool without scaling; 1 if left out. This is what kubectl scale
    and a HorizontalPodAutoscaler set; beside scaling it wins, and scaling stands still."""
    scaling: Scaling | None = None
    """How the number of workers follows the tasks, in mode Pool."""
    rollout: Rollout | None = None
    """How a new revision comes into use, and what takes it back."""


class AgentStatus(ApiModel):
    """What the agent is doing and how well. Counts are since the operator's last start."""

    observed_generation: int | None = None
    """The generation of the spec that this status speaks of."""
    mode: Mode | None = None
    """The mode of the agent, also where its spec leaves it out."""
    ready: ShortText | None = None
    """Mode Pool: ready workers of those that there should be, such as 3/3. Mode Pod: True or
    False, as the condition Ready."""
    replicas: Annotated[int, Field(ge=0)] | None = None
    """Workers that there are; those that drain are not among them."""
    ready_replicas: Annotated[int, Field(ge=0)] | None = None
    """Workers that can take tasks."""
    desired_replicas: Annotated[int, Field(ge=0)] | None = None
    """Workers that there should be."""
    selector: ShortText | None = None
    """Labels of the agent's workers, as text, for who scales them by /scale."""
    scaling_past: Annotated[str, StringConstraints(max_length=8192)] | None = None
    """What scaling remembers over a restart of the operator, as JSON; not for people."""
    health: Health | None = None
    """Mode Pool: how well the workers do; the condition Healthy says why."""
    last_heartbeat: Timestamp | None = None
    """When a worker of this agent last called."""
    active_revision: ShortText | None = None
    """Revision that new attempts use."""
    rollout: RolloutStatus | None = None
    """Which revisions there are, and how far the newest has come."""
    revisions: Annotated[list[RevisionFigures], Field(max_length=5)] = []
    """How the attempts of the revisions in use ended."""
    busy: Annotated[int, Field(ge=0)] = 0
    """Attempts live now."""
    queued: Annotated[int, Field(ge=0)] = 0
    """Task items ready and waiting for this agent."""
    succeeded: Annotated[int, Field(ge=0)] = 0
    """Attempts that succeeded."""
    failed: Annotated[int, Field(ge=0)] = 0
    """Attempts that failed; losses to the infrastructure not among them."""
    success_ratio: Annotated[str, StringConstraints(max_length=8)] | None = None
    """Succeeded of ended attempts, in per cent."""
    last_seen: Timestamp | None = None
    """When a pod of this agent last reported."""
    usage: Usage | None = None
    """What its attempts used."""
    conditions: Annotated[
        list[Condition],
        Field(
            max_length=16,
            json_schema_extra={
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["type"],
            },
        ),
    ] = []
    """Ready: the agent's revision is stored and tasks may start. RolloutProgressing: a revision is
    under way. In mode Pool also Healthy, AbleToScale, ScalingActive and ScalingLimited."""
