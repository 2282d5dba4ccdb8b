"""The Leases by which replicas share the work, as one replica asks for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..api.constants import ANNOTATION_ADDRESS, ANNOTATION_SHARDS, LABEL_LEASE
from ..kube.client import KubeClient
from ..kube.clock import Clock
from ..kube.lease import LeaseLock
from ..kube.lease_record import Candidacy, LeaseTimes
from ..kube.lease_watch import ToldElsewhere

SHARD, REPLICA = "shard", "replica"
"""What a Lease stands for: the value of its label."""
SHARD_PREFIX, REPLICA_PREFIX = "spectra-operator-shard-", "spectra-operator-replica-"
SHARD_LEASE = SHARD_PREFIX + "{shard}"


@dataclass(frozen=True, slots=True)
class LeaseRoom:
    """Where the Leases are, and who this replica is to the others.

    Attributes:
        client: That of the Leases alone, so that busy traffic cannot delay a renewal.
        namespace: Where the Leases are.
        identity: Unique to this process.
        clock: Measures everything.
        times: Of every Lease.
        shards: How many there are.
        address: Where this replica serves the worker API; empty if nobody is to know.
    """

    client: KubeClient
    namespace: str
    identity: str
    clock: Clock
    times: LeaseTimes = field(default_factory=LeaseTimes)
    shards: int = 1
    address: str = ""

    @property
    def annotations(self) -> Mapping[str, str]:
        """What others are to know of who holds a Lease."""
        told = {ANNOTATION_SHARDS: str(self.shards)}
        return told | ({ANNOTATION_ADDRESS: self.address} if self.address else {})

    @property
    def replica_lease(self) -> str:
        """The name of this replica's own Lease."""
        return REPLICA_PREFIX + self.identity.lower().replace("_", "-")

    def lock(self, shard: int) -> LeaseLock:
        """Return a lock of a shard's Lease, for one term or more.

        Several shards have one watch for all: each of its own would hold up the renewals.
        """
        candidacy = Candidacy(
            self.namespace,
            SHARD_LEASE.format(shard=shard),
            self.identity,
            self.times,
            self.annotations,
            labels={LABEL_LEASE: SHARD},
        )
        watch = ToldElsewhere() if self.shards > 1 else None
        return LeaseLock(self.client, self.clock, candidacy, watch)
