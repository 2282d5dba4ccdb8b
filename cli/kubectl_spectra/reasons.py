"""What `why` is made from: the objects of a run, gathered from the cluster."""

from __future__ import annotations

from dataclasses import replace

from spectra_operator.api.constants import LABEL_WORKFLOW, RESERVED_PHASES
from spectra_operator.core.insight.run_objects import Objects, UnknownPathError, check_path
from spectra_operator.core.insight.why import Link
from spectra_operator.core.insight.why import why as explained

from .cluster import Body, Cluster
from .errors import NotFound, Refused, UsageProblem
from .kinds import AGENTS, PHASES
from .specs import written_out
from .targets import Target, TaskPath, fetch
from .view import phase_objects


def gather(cluster: Cluster, target: Target) -> Objects:
    """Return the objects that explain a run.

    Raises:
        NotFound: The run does not exist.
    """
    body = fetch(cluster, target)
    agents = {agent["metadata"]["name"]: agent for agent in cluster.find(AGENTS)["items"]}
    return replace(_run_of(cluster, target, body), agents=agents)


def see_task(cluster: Cluster, target: Target, body: Body, path: TaskPath) -> None:
    """See that a task can be asked for, before anything is written.

    Who may ask but may not read phases is answered by the operator alone.

    Raises:
        NotFound: There is no such phase or task; the text has the nearest name.
        UsageProblem: It belongs to what follows the end of the phases.
    """
    try:
        objects = _run_of(cluster, target, body)
    except Refused:
        return
    try:
        check_path(objects, path.phase or target.name, path.task)
    except UnknownPathError as error:
        raise NotFound(f"{target.title}: {error}") from None
    if path.phase in RESERVED_PHASES:
        text = f"{path}: {path.phase} follows the end of the phases; name a task of these"
        raise UsageProblem(f"{target.title}: {text}")


def _run_of(cluster: Cluster, target: Target, body: Body) -> Objects:
    """Return a run with its phases, without agents."""
    if target.kind == PHASES:
        return Objects(_around(body), {target.name: body})
    phases = cluster.find(PHASES, labels=f"{LABEL_WORKFLOW}={target.name}")["items"]
    return Objects(written_out(cluster, body), phase_objects(body, phases))


def check(target: Target, path: str) -> None:
    """See that a path can be one of the target.

    Raises:
        UsageProblem: It has too many parts.
    """
    if path.count("/") > (target.kind != PHASES):
        form = "TASK" if target.kind == PHASES else "PHASE/TASK, or PHASE"
        raise UsageProblem(f"{path!r}: write {form}")


def chain(objects: Objects, target: Target, path: str) -> tuple[Link, ...]:
    """Return the reasons, from what was asked about to the cause.

    Raises:
        NotFound: There is no such phase or task.
    """
    if target.kind == PHASES:
        path = f"{target.name}/{path}" if path else target.name
    try:
        return explained(objects, path)
    except UnknownPathError as error:
        raise NotFound(f"{target.title}: {error}") from None


def _around(phase: Body) -> Body:
    """Return a workflow around a phase that stands alone, as the reasons start from one."""
    name, status = phase["metadata"]["name"], phase.get("status") or {}
    summary = {key: status[key] for key in ("state", "reason", "message") if key in status}
    return {
        "metadata": phase["metadata"],
        "spec": {"phases": [{"name": name, "tasks": phase["spec"]["tasks"]}]},
        "status": {"state": status.get("state", "new"), "phases": [{"name": name, **summary}]},
    }
