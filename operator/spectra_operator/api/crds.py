"""The CustomResourceDefinitions: names, printer columns and rules around the models' schemas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from .action import ACTION_RULES, ActionSpec, ActionStatus
from .agent import AgentSpec, AgentStatus
from .constants import GROUP, MAX_SCHEDULE_NAME, MAX_WORKFLOW_NAME, VERSION
from .phase import PhaseSpec, PhaseStatus
from .rules import label_name, only_in_pool, written
from .schedule import ScheduleSpec, ScheduleStatus
from .schema import Schema, structural_schema
from .template import WorkflowTemplateSpec, WorkflowTemplateStatus
from .workflow import WorkflowSpec, WorkflowStatus


@dataclass(frozen=True, slots=True)
class Column:
    """A column of `kubectl get`. Priority 1 shows it only with `-o wide`."""

    name: str
    path: str
    type: str = "string"
    priority: int = 0
    description: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the column as the CRD wants it."""
        column: dict[str, Any] = {"name": self.name, "type": self.type, "jsonPath": self.path}
        if self.description:
            column["description"] = self.description
        if self.priority:
            column["priority"] = self.priority
        return column


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of the API, with all that its CRD says."""

    kind: str
    plural: str
    short: str
    description: str
    spec: type[BaseModel]
    status: type[BaseModel]
    columns: tuple[Column, ...]
    rules: tuple[tuple[str, str], ...] = ()
    spec_rules: tuple[tuple[str, str], ...] = ()
    subresources: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: {"status": {}})

    @property
    def name(self) -> str:
        """Name of the CRD object."""
        return f"{self.plural}.{GROUP}"


_AGE = Column("Age", ".metadata.creationTimestamp", "date")

AGENT = Kind(
    kind="Agent",
    plural="agents",
    short="sag",
    description="An agent: who can work, what runs for its tasks, and how many at once.",
    spec=AgentSpec,
    status=AgentStatus,
    rules=(label_name("tasks"),),
    subresources={
        "status": {},
        "scale": {
            "specReplicasPath": ".spec.replicas",
            "statusReplicasPath": ".status.replicas",
            "labelSelectorPath": ".status.selector",
        },
    },
    columns=(
        Column("Mode", ".status.mode"),
        Column("Ready", ".status.ready", description="Workers ready of those wanted, or True"),
        Column("Busy", ".status.busy", "integer", description="Attempts live now"),
        Column("Queued", ".status.queued", "integer", description="Ready items that wait for it"),
        Column("Success", ".status.successRatio"),
        Column("Revision", ".status.activeRevision", description="What new attempts use"),
        Column("Rollout", ".status.rollout.state", description="How far the newest revision is"),
        Column("Last Seen", ".status.lastSeen", "date"),
        Column("Preview", ".status.rollout.preview", priority=1, description="Under way"),
        Column("Rollout Reason", ".status.rollout.reason", priority=1),
        Column("Health", ".status.health", priority=1),
        Column("Concurrency", ".spec.concurrency", "integer", 1),
        Column("Image", ".spec.template.image", priority=1),
        Column("Cost", ".status.usage.cost", priority=1),
        Column("Description", ".spec.description", priority=1),
        _AGE,
    ),
    spec_rules=(
        *(only_in_pool(name) for name in ("slots", "replicas", "scaling")),
        (
            "(has(self.mode) ? self.mode : 'Pod') == (has(oldSelf.mode) ? oldSelf.mode : 'Pod')",
            "mode: cannot be changed once applied; delete the agent and apply it anew",
        ),
        (
            "!has(self.template.env) || self.template.env.all(e, !e.name.startsWith('SPECTRA_'))",
            "template.env: names that begin with SPECTRA_ belong to the operator",
        ),
        (
            "!has(self.template.env) || "
            "self.template.env.all(e, !(has(e.value) && has(e.valueFrom)))",
            "template.env: give value or valueFrom, not both",
        ),
        (
            "!has(self.template.env) || self.template.env.all(e, !has(e.valueFrom) || "
            "(has(e.valueFrom.secretKeyRef) != has(e.valueFrom.configMapKeyRef)))",
            "template.env: valueFrom takes exactly one of secretKeyRef and configMapKeyRef",
        ),
    ),
)

FIXED_BY_POLICY = {
    "workflows": (
        "phases",
        "finally",
        "onFailure",
        "parameters",
        "templateRef",
        "failurePolicy",
        "onFailureRunning",
        "selectionPolicy",
        "workspace",
    ),
    "phases": (
        "tasks",
        "context",
        "parameters",
        "workflowRef",
        "phase",
        "role",
        "parent",
        "gate",
        "failurePolicy",
        "onFailureRunning",
        "selectionPolicy",
        "workspace",
        "pattern",
    ),
}
"""Fields of a spec that the chart's admission policies keep as they were applied. Rules of a CRD
that compare with what was before are evaluated at every write of a status too."""


WORKFLOW = Kind(
    kind="Workflow",
    plural="workflows",
    short="swf",
    description="A workflow: a graph of phases, each a graph of tasks done by agents. Runs once.",
    spec=WorkflowSpec,
    status=WorkflowStatus,
    columns=(
        Column("State", ".status.state"),
        Column("Progress", ".status.progress", description="Task items done of those to do"),
        Column("Critical Path", ".status.criticalPath", description="The task that decides"),
        Column("ETA", ".status.eta", description="About how long the rest takes"),
        Column("Duration", ".status.duration"),
        Column("Samples", ".status.samples", "integer", 1, "Durations that the ETA rests on"),
        Column("Reason", ".status.reason", priority=1),
        Column("Running", ".status.counts.running", "integer", 1),
        Column("Failed", ".status.counts.failed", "integer", 1),
        Column("Priority", ".spec.priority", "integer", 1),
        Column("Cost", ".status.usage.cost", priority=1),
        Column("Message", ".status.message", priority=1),
        _AGE,
    ),
    rules=(
        (
            f"size(self.metadata.name) <= {MAX_WORKFLOW_NAME}",
            f"metadata.name: at most {MAX_WORKFLOW_NAME} characters",
        ),
    ),
    spec_rules=(
        (
            "has(self.phases) != has(self.templateRef)",
            "phases: give phases or templateRef, and not both",
        ),
    ),
)

PHASE = Kind(
    kind="Phase",
    plural="phases",
    short="sph",
    description="A phase: a graph of tasks that is being carried out. Its status holds its tasks.",
    spec=PhaseSpec,
    status=PhaseStatus,
    columns=(
        Column("Workflow", ".spec.workflowRef.name"),
        Column("Phase", ".spec.phase"),
        Column("State", ".status.state"),
        Column("Progress", ".status.progress", description="Task items done of those to do"),
        Column("Milestone", ".spec.plan.milestone"),
        Column("Duration", ".status.duration", priority=1),
        Column("Reason", ".status.reason", priority=1),
        Column("Running", ".status.counts.running", "integer", 1),
        Column("Message", ".status.message", priority=1),
        _AGE,
    ),
)

TEMPLATE = Kind(
    kind="WorkflowTemplate",
    plural="workflowtemplates",
    short="swt",
    description="A workflow to be made from: Workflows and Schedules refer to it.",
    spec=WorkflowTemplateSpec,
    status=WorkflowTemplateStatus,
    rules=(label_name("workflows"),),
    columns=(
        Column("Valid", ".status.valid", "boolean"),
        Column("Revision", ".status.revision"),
        Column("Description", ".spec.description", priority=1),
        Column("Message", ".status.message", priority=1),
        _AGE,
    ),
)

ACTION = Kind(
    kind="Action",
    plural="actions",
    short="sac",
    description="A request by a person or an agent: cancel, retry, promote. Carried out once.",
    spec=ActionSpec,
    status=ActionStatus,
    columns=(
        Column("Type", ".spec.type"),
        Column("Target", ".spec.target.name"),
        Column("Task", ".spec.task"),
        Column("Actor", ".spec.actor"),
        Column("State", ".status.state"),
        Column("Reason", ".spec.reason", priority=1),
        Column("Message", ".status.message", priority=1),
        _AGE,
    ),
    spec_rules=ACTION_RULES,
)

SCHEDULE = Kind(
    kind="Schedule",
    plural="schedules",
    short="ssc",
    description="When a workflow is made, again and again: a cron schedule and a template.",
    spec=ScheduleSpec,
    status=ScheduleStatus,
    columns=(
        Column("Schedule", ".spec.schedule"),
        Column("Time Zone", ".spec.timeZone"),
        Column("Suspend", ".spec.suspend", "boolean"),
        Column("Active", ".status.activeRuns", "integer", description="Runs that have not ended"),
        Column("Last Schedule", ".status.lastScheduleTime", "date"),
        Column("Next", ".status.nextScheduleTime", description="When the next run is due"),
        Column("Ready", '.status.conditions[?(@.type=="Ready")].status', priority=1),
        Column("Missed", ".status.missed", "integer", 1),
        Column("Message", '.status.conditions[?(@.type=="Ready")].message', priority=1),
        _AGE,
    ),
    rules=(
        (
            f"size(self.metadata.name) <= {MAX_SCHEDULE_NAME}",
            f"metadata.name: at most {MAX_SCHEDULE_NAME} characters, so that runs are named by it",
        ),
    ),
    spec_rules=(
        (
            "!has(self.backfill) || self.backfill.from <= self.backfill.to",
            "backfill: from must not be later than to",
        ),
    ),
)

KINDS = (AGENT, PHASE, WORKFLOW, TEMPLATE, ACTION, SCHEDULE)


def crd(kind: Kind) -> dict[str, Any]:
    """Return the CustomResourceDefinition of a kind."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": kind.name},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": kind.kind,
                "listKind": f"{kind.kind}List",
                "plural": kind.plural,
                "singular": kind.kind.lower(),
                "shortNames": [kind.short],
                "categories": ["spectra"],
            },
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {name: dict(of) for name, of in kind.subresources.items()},
                    "additionalPrinterColumns": [c.to_dict() for c in kind.columns],
                    "schema": {"openAPIV3Schema": _object_schema(kind)},
                }
            ],
        },
    }


def _object_schema(kind: Kind) -> Schema:
    spec = structural_schema(kind.spec)
    if kind.spec_rules:
        spec["x-kubernetes-validations"] = written(kind.spec_rules)
    schema: Schema = {
        "type": "object",
        "description": kind.description,
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": spec,
            "status": structural_schema(kind.status),
        },
    }
    if kind.rules:
        schema["x-kubernetes-validations"] = written(kind.rules)
    return schema
