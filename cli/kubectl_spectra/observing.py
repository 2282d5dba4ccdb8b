"""Durations that the cluster has seen: of a template's runs, or of the last run of a name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from spectra_operator.api import constants as c
from spectra_operator.core.attempts.evidence import instant
from spectra_operator.core.insight.durations import KEPT, Durations, Observed

from .cluster import Body, Cluster
from .kinds import PHASES, PODS, WORKFLOWS
from .specs import Loaded
from .targets import Target, fetch, fetch_template


def observed(cluster: Cluster, loaded: Loaded) -> Observed:
    """Return what was seen of a template's runs, else of the run of the workflow's name.

    Raises:
        NotFound: Neither the template nor a workflow of that name exists.
    """
    if loaded.template:
        status = fetch_template(cluster, loaded.template).get("status") or {}
        seen = status.get("observed") or {}
        tasks = {path: Durations(tuple(times)) for path, times in seen.items() if times}
        if tasks:
            return Observed(tasks)
    body = fetch(cluster, Target(loaded.kind, loaded.name))
    label = c.LABEL_PHASE_UID if loaded.kind == PHASES else c.LABEL_WORKFLOW_UID
    pods = cluster.find(PODS, labels=f"{label}={body['metadata']['uid']}")["items"]
    return of_pods(pods, "" if loaded.kind == WORKFLOWS else loaded.name)


def of_pods(pods: Iterable[Body], phase: str = "") -> Observed:
    """Return how long attempts that succeeded took, from the making of the pod to its end.

    Args:
        pods: Pods of attempts.
        phase: Name that the phase has in the simulation, where the pods do not say it.
    """
    tasks: dict[str, list[tuple[str, int]]] = defaultdict(list)
    agents: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for pod in pods:
        took = _milliseconds(pod)
        if took is None:
            continue
        labels, made = pod["metadata"]["labels"], pod["metadata"]["creationTimestamp"]
        path = f"{phase or labels.get(c.LABEL_PHASE)}/{labels.get(c.LABEL_TASK)}"
        tasks[path].append((made, took))
        agents[str(labels.get(c.LABEL_AGENT))].append((made, took))
    return Observed(
        {path: _newest(seen) for path, seen in tasks.items()},
        {agent: _newest(seen) for agent, seen in agents.items()},
    )


def _newest(seen: list[tuple[str, int]]) -> Durations:
    return Durations(tuple(took for _, took in sorted(seen)[-KEPT:]))


def _milliseconds(pod: Body) -> int | None:
    """Return how long an attempt took; None if it has not succeeded."""
    status = pod.get("status") or {}
    began = instant(pod["metadata"].get("creationTimestamp"))
    for container in status.get("containerStatuses") or ():
        end = (container.get("state") or {}).get("terminated") or {}
        ended = instant(end.get("finishedAt"))
        if began and ended and end.get("exitCode") == 0:
            return max(round((ended - began).total_seconds() * 1000), 0)
    return None
