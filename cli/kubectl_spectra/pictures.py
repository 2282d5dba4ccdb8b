"""The picture of a run, asked for once or followed."""

from __future__ import annotations

from spectra_operator.api.constants import LABEL_WORKFLOW

from .cluster import Body, Cluster
from .following import Follower, Source
from .kinds import PHASES
from .targets import Target, missing
from .view import RunRow, phase_view, workflow_view


def sources(target: Target) -> tuple[Source, ...]:
    """Return what must be followed to see a run."""
    one = Source(target.kind, fields=f"metadata.name={target.name}")
    if target.kind == PHASES:
        return (one,)
    return one, Source(PHASES, labels=f"{LABEL_WORKFLOW}={target.name}")


def seen(follower: Follower, target: Target) -> RunRow:
    """Return the picture that a follower of the run's sources has.

    Raises:
        NotFound: There is no such object.
    """
    body = follower.get(target.kind, target.name)
    if body is None:
        raise missing(follower.cluster, target.kind, target.name)
    return _picture(body, follower.all(PHASES), target)


def asked(cluster: Cluster, target: Target) -> RunRow:
    """Ask the cluster once for the picture of a run.

    Raises:
        NotFound: There is no such object.
    """
    bodies: dict[str, list[Body]] = {}
    for source in sources(target):
        found = cluster.find(source.kind, labels=source.labels, fields=source.fields)
        bodies[source.kind.name] = found["items"]
    there = [b for b in bodies[target.kind.name] if b["metadata"]["name"] == target.name]
    if not there:
        raise missing(cluster, target.kind, target.name)
    return _picture(there[0], bodies.get(PHASES.name, []), target)


def _picture(body: Body, phases: list[Body], target: Target) -> RunRow:
    if target.kind == PHASES:
        return phase_view(body, phases)
    return workflow_view(body, phases)
