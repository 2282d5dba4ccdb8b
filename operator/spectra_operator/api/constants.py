"""Names that stand on objects in the cluster: group, labels, annotations, finalizers, bounds."""

from __future__ import annotations

from typing import Final

GROUP: Final = "spectra.dev"
VERSION: Final = "v1alpha1"
API_VERSION: Final = f"{GROUP}/{VERSION}"

MANAGED_BY: Final = "app.kubernetes.io/managed-by"
MANAGER: Final = "spectra-operator"

LABEL_SHARD: Final = f"{GROUP}/shard"
LABEL_WORKFLOW: Final = f"{GROUP}/workflow"
LABEL_WORKFLOW_UID: Final = f"{GROUP}/workflow-uid"
LABEL_PHASE: Final = f"{GROUP}/phase"
LABEL_PHASE_UID: Final = f"{GROUP}/phase-uid"
LABEL_TASK: Final = f"{GROUP}/task"
LABEL_INDEX: Final = f"{GROUP}/index"
LABEL_ATTEMPT: Final = f"{GROUP}/attempt"
LABEL_AGENT: Final = f"{GROUP}/agent"
LABEL_REVISION: Final = f"{GROUP}/revision"

LABEL_RECORDED: Final = f"{GROUP}/recorded"
"""On a pod: its result stands in the Phase's status; the pod has left the operator's watch."""

LABEL_ROLE: Final = f"{GROUP}/role"
LABEL_SCHEDULE: Final = f"{GROUP}/schedule"
LABEL_TEMPLATE: Final = f"{GROUP}/template"
LABEL_STATE: Final = f"{GROUP}/state"
"""On a finished Workflow or Phase: the state in which it ended."""
ANNOTATION_SELECTION: Final = f"{GROUP}/selection"
"""Why the agent of a pod was chosen, for a task that requires capabilities."""
ANNOTATION_CHECKPOINT: Final = f"{GROUP}/checkpoint"
"""On the pod of an attempt: the JSON from which the next attempt may go on."""
ANNOTATION_EXPIRES: Final = f"{GROUP}/expires-at"
"""On a finished Workflow or Phase, or a recorded pod: when it may be deleted."""
LABEL_EXPIRES: Final = f"{GROUP}/expires"
"""On what has that annotation, so that it can be listed."""
LABEL_BACKFILL: Final = f"{GROUP}/backfill"
"""On a Workflow that a schedule made for a past time."""
ANNOTATION_SCHEDULED: Final = f"{GROUP}/scheduled-at"
"""On a Workflow that a schedule made: the time that the run is for."""

ANNOTATION_CHANGED: Final = f"{GROUP}/changed"
"""On a Workflow or Phase, written with a change of its levels: what was changed, such as
suspend=true, and something that makes it differ from the last one, such as the time."""
ANNOTATION_CHANGED_BY: Final = f"{GROUP}/changed-by"
"""Beside it: the user name of who changed it; the API server refuses another's."""
ANNOTATION_REASON: Final = f"{GROUP}/change-reason"
"""Beside it: why, in a sentence."""

LABEL_WORKSPACE: Final = f"{GROUP}/workspace"
"""On a pod that mounts the claim of its workflow's workspace."""

LABEL_FINISHED: Final = f"{GROUP}/finished"
"""On a Workflow or Phase: it has ended; the object has left the operator's watch."""

RESULT_FINALIZER: Final = f"{GROUP}/result"
"""On a pod until its result stands in the Phase's status, so that no result is ever lost."""

CONTAINER: Final = "task"
"""Name of the one container of an attempt's pod."""

POD_SELECTOR: Final = f"{MANAGED_BY}={MANAGER},{LABEL_PHASE_UID},!{LABEL_RECORDED}"
LIVE_SELECTOR: Final = f"!{LABEL_FINISHED}"

LABEL_WORKER: Final = f"{GROUP}/worker"
"""On a worker of an agent in mode Pool, and on its page: "true"."""
PAGE_SELECTOR: Final = f"{MANAGED_BY}={MANAGER},{LABEL_WORKER}"
CLAIM_PREFIX: Final = f"claim.{GROUP}/"
"""On the page of a worker: an open claim, by its id."""
ENDING_PREFIX: Final = f"ending.{GROUP}/"
"""On the page of a worker: what became of a claim, until its phase's status holds it."""
OF_PHASE_PREFIX: Final = f"phase.{GROUP}/"
"""On the page of a worker: name and workflow of a phase whose claims stand there, by its UID."""
ANNOTATION_EPOCH: Final = f"{GROUP}/epoch"
"""On the page of a worker: grows each time its open claims are taken from it."""
ANNOTATION_ADDRESS: Final = f"{GROUP}/address"
"""On the Lease of a shard: where its holder serves the worker API, as http://ip:port."""
LABEL_LEASE: Final = f"{GROUP}/lease"
"""On a Lease by which replicas share the work: what it stands for, a shard or a replica."""
ANNOTATION_SHARDS: Final = f"{GROUP}/shards"
"""Beside it: how many shards there are for its holder."""
ANNOTATION_ASKS: Final = f"{GROUP}/asks-for"
"""On the Lease of a replica: the number of the shard that it is ready to take over."""
AUDIENCE: Final = "spectra"
"""Of the tokens by which workers show who they are."""
MAX_WORKERS: Final = 1000
"""Workers of one agent."""

REVISION_HISTORY: Final = 10
"""Revisions of an agent that are kept beside those in use."""

MAX_WORKFLOW_NAME: Final = 52
MAX_SCHEDULE_NAME: Final = 38
"""So that the name of a run, with the minute that it is for, fits a Workflow's name."""
MAX_STEP_NAME: Final = 40
MAX_PHASES: Final = 64
MAX_TASKS: Final = 1024
MAX_DEPENDENCIES: Final = 1024
MAX_COUNT: Final = 10_000
MAX_EXPRESSION: Final = 1024
"""Characters of one CEL expression."""
MAX_ATTEMPTS: Final = 99_999
"""Attempts of one item, over all fallbacks and re-runs."""
MAX_ACTIONS: Final = 100
"""Actions that a status remembers; the oldest go first."""
MAX_CHANGES: Final = 50
"""Changes of levels that a status remembers; the oldest go first."""
RESERVED_PHASES: Final = ("finally", "on-failure", "rollback")
"""Names of the phases that the operator makes; no phase of a workflow may have them."""
MAX_RESULT_BYTES: Final = 4_000
"""Bytes of a task's result document in the termination message (the kubelet cuts at 4,096)."""
MAX_OUTPUT_BYTES: Final = 256 * 1024
"""Bytes of all outputs that one Phase's status holds."""
MAX_CHECKPOINT_BYTES: Final = 4_096
"""Bytes of one checkpoint as compact JSON."""
MAX_CHECKPOINTS_BYTES: Final = 64 * 1024
"""Bytes of all checkpoints that one Phase's status holds."""
MAX_INPUT_BYTES: Final = 96 * 1024
"""Bytes of one task's resolved input; Linux limits one environment string to 128 KiB."""
MAX_SPEC_BYTES: Final = 700 * 1024
"""Bytes of a Phase's spec with every value frozen in; etcd refuses objects over 1.5 MiB."""
