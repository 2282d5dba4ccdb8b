"""The reasons that metrics tell apart: those that the code itself, or Kubernetes, has a word for.

Workers and containers may give any reason; each new word would be a new series.
"""

from __future__ import annotations

OTHER = "Other"
OF_KUBERNETES = frozenset(
    {"Error", "OOMKilled", "ContainerCannotRun", "StartError", "ContainerStatusUnknown"}
    | {"Evicted", "NodeShutdown", "Shutdown", "Preempting", "OutOf"}
    | {"DeletionByTaintManager", "EvictionByEvictionAPI", "PreemptionByScheduler"}
    | {"TerminationByKubelet", "DeletionByPodGC"}
)
"""Those that stand in a pod's status and are passed on as they are."""
_OF_PODS = frozenset(
    {"NodeLost", "Terminated", "Disrupted", "InvalidPod", "PendingTimeout"}
    | {"PodVanished", "PodDeleted", "PodLost", "PodRefused", "Timeout", "DeadlineExceeded"}
)
_OF_WORKERS = frozenset(
    {"WorkerSilent", "WorkerRestarted", "WorkerGone", "Stopped", "Released", "GivenBack"}
    | {"WorkspaceInPool"}
)
_OF_RESULTS = frozenset(
    {"ResultInvalid", "ResultTruncated", "ResultTooLarge", "OutputInvalid", "OutputsTooLarge"}
    | {"SpawnInvalid", "ItemsInvalid", "InputNotFound", "InputTooLarge"}
    | {"ConditionInvalid"}
)
_OF_RUNS = frozenset(
    {"DependencyFailed", "DependencySkipped", "ConditionFalse", "SkippedByAction"}
    | {"LossLimitExceeded", "MaxFailedExceeded", "TaskFailed", "PhaseFailed", "PhaseCancelled"}
    | {"PhaseDeleted", "PhaseRefused", "PlanFailed", "PlanDropped", "FinallyFailed", "GateDropped"}
    | {"Cancelled", "WorkflowFailing", "WorkflowDeleted", "WorkflowParallelism"}
    | {"AgentNotFound", "TemplateNotFound", "NoMatchingAgent"}
)
KNOWN = frozenset({""}) | OF_KUBERNETES | _OF_PODS | _OF_WORKERS | _OF_RESULTS | _OF_RUNS


def known(reason: str) -> str:
    """Return a reason as metrics have it: itself, or `Other`."""
    return reason if reason in KNOWN else OTHER
