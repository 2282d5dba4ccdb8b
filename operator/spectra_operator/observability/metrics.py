"""Metrics, by Prometheus' naming rules. No label has more values than the code has words."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_HOP_BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_PASS_BUCKETS = (0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0)
_RECENT_HOPS = 10_000


class Metrics:
    """The operator's metrics in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.recent_hops: deque[float] = deque(maxlen=_RECENT_HOPS)
        self.hop = Histogram(
            "spectra_hop_latency_seconds",
            "From the watch event that reports a task's pod finished to its successor's pod "
            "accepted by the API server",
            buckets=_HOP_BUCKETS,
            registry=self.registry,
        )
        self.reconciles = Counter(
            "spectra_reconciles_total", "Passes by kind", ["kind"], registry=self.registry
        )
        self.reconcile_errors = Counter(
            "spectra_reconcile_errors_total",
            "Passes that failed, by kind",
            ["kind"],
            registry=self.registry,
        )
        self.reconcile_seconds = Histogram(
            "spectra_reconcile_duration_seconds",
            "Duration of a pass",
            ["kind"],
            buckets=_PASS_BUCKETS,
            registry=self.registry,
        )
        self.requests = Counter(
            "spectra_api_requests_total",
            "Requests to the API server",
            ["verb", "resource", "code"],
            registry=self.registry,
        )
        self.request_bytes = Counter(
            "spectra_api_request_bytes_total",
            "Bytes sent in request bodies",
            ["verb", "resource"],
            registry=self.registry,
        )
        self.worker_calls = Counter(
            "spectra_worker_calls_total",
            "Calls of workers, by call and answer",
            ["route", "code"],
            registry=self.registry,
        )
        self.worker_call_seconds = Histogram(
            "spectra_worker_call_duration_seconds",
            "Duration of a call of a worker; the wait for work is none",
            ["route"],
            buckets=_HOP_BUCKETS,
            registry=self.registry,
        )
        self.leader = Gauge(
            "spectra_shards_held", "Shards that this replica holds", registry=self.registry
        )

    def observe_hop(self, seconds: float) -> None:
        """Note one hop."""
        self.hop.observe(seconds)
        self.recent_hops.append(seconds)

    def watch_value(self, name: str, text: str, read: Callable[[], float]) -> None:
        """Add a gauge that is read when it is scraped."""
        Gauge(name, text, registry=self.registry).set_function(read)

    def render(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self.registry)
