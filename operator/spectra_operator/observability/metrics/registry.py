"""The operator's metrics, made from the catalogue, in a registry of their own."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from importlib import metadata
from typing import Generic, TypeVar

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from .catalogue import CATALOGUE
from .definitions import Definition, Kind

_RECENT_HOPS = 10_000
_PACKAGE = "spectra-operator"

prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call] # they double the series

Reading = tuple[str, tuple[str, ...], float]
"""A metric's name, the values of its labels, and its value."""
Read = Callable[[], Iterable[Reading]]
M = TypeVar("M", Counter, Histogram)


class Children(dict[tuple[str, ...], M], Generic[M]):
    """The series of a metric by the values of its labels, each looked up once."""

    def __init__(self, parent: M) -> None:
        super().__init__()
        self._parent: M = parent

    def __missing__(self, values: tuple[str, ...]) -> M:
        child: M = self._parent.labels(*values)
        self[values] = child
        return child


class _AtScrape(Collector):
    """What is read from the engine at each scrape."""

    def __init__(self) -> None:
        self.reads: list[Read] = []

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        families = {d.name: _family(d) for d in CATALOGUE.values() if d.at_scrape}
        for read in self.reads:
            for name, values, value in read():
                families[name].add_metric(values, value)
        yield from families.values()


class Metrics:
    """The operator's metrics. What their names mean stands in the catalogue."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.recent_hops: deque[float] = deque(maxlen=_RECENT_HOPS)
        self._at_scrape = _AtScrape()
        self.registry.register(self._at_scrape)
        ProcessCollector(registry=self.registry)
        self._make_work()
        self._make_engine()
        version = metadata.version(_PACKAGE)
        self._gauge("spectra_build_info").labels(version).set(1)

    def _make_work(self) -> None:
        self.hop = self._histogram("spectra_hop_latency_seconds")
        self.queue_seconds = self._histogram("spectra_task_queue_duration_seconds")
        self.workflows_ended = self._counters("spectra_workflows_ended_total")
        self.phases_ended = self._counters("spectra_phases_ended_total")
        self.tasks_ended = self._counters("spectra_tasks_ended_total")
        self.attempts = self._counters("spectra_attempts_total")
        self.attempt_seconds = self._histograms("spectra_attempt_duration_seconds")
        self.startup_seconds = self._histogram("spectra_attempt_startup_duration_seconds")
        self.retries = self._counters("spectra_retries_total")
        self.tokens = self._counters("spectra_usage_tokens_total")
        self.cost = self._counter("spectra_usage_cost_total")
        self.rollouts = self._counters("spectra_rollouts_total")
        self.scalings = self._counters("spectra_scaling_decisions_total")
        self.claims_given = self._counter("spectra_claims_given_total")
        self.claims_ended = self._counters("spectra_claims_ended_total")
        self.claims_refused = self._counter("spectra_claims_refused_total")

    def _make_engine(self) -> None:
        self.worker_calls = self._counters("spectra_worker_calls_total")
        self.worker_call_seconds = self._histograms("spectra_worker_call_duration_seconds")
        self.reconciles = self._counters("spectra_reconciles_total")
        self.reconcile_errors = self._counters("spectra_reconcile_errors_total")
        self.reconcile_seconds = self._histograms("spectra_reconcile_duration_seconds")
        self.spans = self._counters("spectra_trace_spans_total")
        self.loop_lag = self._histogram("spectra_event_loop_lag_seconds")
        self.requests = self._counters("spectra_api_requests_total")
        self.request_bytes = self._counters("spectra_api_request_bytes_total")
        self.request_seconds = self._histograms("spectra_api_request_duration_seconds")
        self.leader = self._gauge("spectra_shards_held")
        self.transitions = self._counters("spectra_leadership_transitions_total")
        self.recovery_seconds = self._histogram("spectra_recovery_duration_seconds")

    def observe_hop(self, seconds: float) -> None:
        """Note one hop."""
        self.hop.observe(seconds)
        self.recent_hops.append(seconds)

    def observe_request(
        self, verb: str, resource: str, status: int, seconds: float, size: int
    ) -> None:
        """Note one request to the API server; of a watch only that it was made."""
        self.requests[verb, resource, str(status)].inc()
        self.request_bytes[verb, resource].inc(size)
        if verb != "watch":
            self.request_seconds[verb, resource].observe(seconds)

    def begin_at_zero(self, *series: tuple[Children[Counter], tuple[str, ...]]) -> None:
        """Show series before they are counted first, or a rate would miss their first event."""
        for children, values in series:
            children[values].inc(0)

    def read_at_scrape(self, read: Read) -> None:
        """Ask for readings at each scrape, of metrics that the catalogue says are read so."""
        self._at_scrape.reads.append(read)

    def render(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self.registry)

    def _counter(self, name: str) -> Counter:
        found = CATALOGUE[name]
        return Counter(name, found.text, found.labels, registry=self.registry)

    def _counters(self, name: str) -> Children[Counter]:
        return Children(self._counter(name))

    def _gauge(self, name: str) -> Gauge:
        found = CATALOGUE[name]
        return Gauge(name, found.text, found.labels, registry=self.registry)

    def _histogram(self, name: str) -> Histogram:
        found = CATALOGUE[name]
        return Histogram(
            name, found.text, found.labels, buckets=found.buckets, registry=self.registry
        )

    def _histograms(self, name: str) -> Children[Histogram]:
        return Children(self._histogram(name))


def _family(found: Definition) -> GaugeMetricFamily | CounterMetricFamily:
    make = CounterMetricFamily if found.kind is Kind.COUNTER else GaugeMetricFamily
    return make(found.name, found.text, labels=found.labels)
