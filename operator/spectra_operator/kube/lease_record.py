"""What stands in a Lease, and the decisions about it; no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from spectra_operator.kube.resources import LEASES, Body

Spec = dict[str, Any]


@dataclass(frozen=True, slots=True)
class LeaseTimes:
    """The times of a Lease, in seconds.

    Attributes:
        duration: How long others leave an unrenewed Lease alone.
        renew_deadline: How long the holder tries to renew before it gives up.
        retry_period: Between two attempts, to take it or to renew it.
        margin: `held()` turns false this long before others may take the Lease.
    """

    duration: float = 15.0
    renew_deadline: float = 10.0
    retry_period: float = 2.0
    margin: float = 3.0

    def __post_init__(self) -> None:
        """Check the order that makes a Lease safe.

        Raises:
            ValueError: retry_period < renew_deadline <= duration - margin does not hold, or the
                duration is no whole number of seconds, which is all a Lease can say.
        """
        ordered = 0 < self.retry_period < self.renew_deadline <= self.duration - self.margin
        if not ordered or self.margin < 0:
            raise ValueError(
                f"{self}: need retry_period < renew_deadline <= duration - margin, margin >= 0"
            )
        if self.duration != int(self.duration):
            raise ValueError(f"{self}: duration must be a whole number of seconds")


@dataclass(frozen=True, slots=True)
class Candidacy:
    """Which Lease is competed for, by whom, and in what times.

    Attributes:
        namespace: Where the Lease lives.
        name: Of the Lease; it is created when missing.
        identity: Unique to the process, not only to its pod: a restarted container must not take
            itself for its predecessor.
        times: Of the Lease.
        annotations: What others are to know of the holder; written with the Lease.
        labels: By which the Lease can be listed; written with it.
    """

    namespace: str
    name: str
    identity: str
    times: LeaseTimes = field(default_factory=LeaseTimes)
    annotations: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)


def spec_of(lease: Body | None) -> Spec:
    """Return the spec of a Lease; empty when there is none."""
    spec: Spec = (lease or {}).get("spec") or {}
    return spec


def holder_of(lease: Body | None) -> str:
    """Return who holds a Lease; empty for nobody."""
    return str(spec_of(lease).get("holderIdentity") or "")


def renewed_at(lease: Body | None) -> datetime | None:
    """Return when a Lease was last renewed or given back; None if it does not say."""
    try:
        found = datetime.fromisoformat(str(spec_of(lease).get("renewTime")))
    except ValueError:
        return None
    return found if found.tzinfo else None


def may_take(spec: Spec, *, identity: str, unchanged_seconds: float) -> bool:
    """Return whether we may write ourselves in.

    Args:
        spec: The Lease as it stands.
        identity: Who we are.
        unchanged_seconds: For how long we have seen it exactly so, by our own clock.
    """
    holder = spec.get("holderIdentity")
    if not holder or holder == identity:
        return True
    return unchanged_seconds >= float(spec.get("leaseDurationSeconds") or 0)


def free_in(spec: Spec, *, identity: str, unchanged_seconds: float) -> float:
    """Return after how many seconds we may write ourselves in, if nobody else writes before."""
    if may_take(spec, identity=identity, unchanged_seconds=unchanged_seconds):
        return 0.0
    return float(spec.get("leaseDurationSeconds") or 0) - unchanged_seconds


def taken(spec: Spec, *, identity: str, now: datetime, duration: float) -> Spec:
    """Return the spec with us as the holder, renewed; a change of holder is counted."""
    ours = spec.get("holderIdentity") == identity
    transitions = int(spec.get("leaseTransitions") or 0)
    return spec | {
        "holderIdentity": identity,
        "leaseDurationSeconds": int(duration),
        "acquireTime": spec.get("acquireTime") if ours else micro_time(now),
        "renewTime": micro_time(now),
        "leaseTransitions": transitions if ours or not spec else transitions + 1,
    }


def taken_by(candidacy: Candidacy, found: Body | None, now: datetime) -> Body:
    """Return the Lease with us as the holder; made anew where none was found."""
    identity, duration = candidacy.identity, candidacy.times.duration
    spec = taken(spec_of(found), identity=identity, now=now, duration=duration)
    told = {"annotations": dict(candidacy.annotations), "labels": dict(candidacy.labels)}
    if found is None:
        kind = {"apiVersion": LEASES.api_version, "kind": LEASES.kind}
        meta = {"name": candidacy.name, "namespace": candidacy.namespace}
        return kind | {"metadata": meta | told, "spec": spec}
    meta = found["metadata"]
    added = {each: (meta.get(each) or {}) | ours for each, ours in told.items()}
    return found | {"metadata": meta | {k: v for k, v in added.items() if v}, "spec": spec}


def freed(spec: Spec, *, now: datetime) -> Spec:
    """Return the spec with nobody as the holder."""
    return spec | {
        "holderIdentity": "",
        "leaseDurationSeconds": 1,
        "renewTime": micro_time(now),
    }


def micro_time(moment: datetime) -> str:
    """Return a moment as Leases spell it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
