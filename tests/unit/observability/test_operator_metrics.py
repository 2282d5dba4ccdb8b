"""Metrics as a scrape sees them."""

from __future__ import annotations

from spectra_operator.observability.metrics import Metrics


def _lines(metrics: Metrics) -> dict[str, float]:
    text = metrics.render().decode()
    pairs = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


def test_every_metric_of_ours_says_so_in_its_name_and_is_explained() -> None:
    text = Metrics().render().decode()
    described = [line.split()[2] for line in text.splitlines() if line.startswith("# HELP")]
    assert len(described) >= 7
    assert all(name.startswith("spectra_") for name in described)
    assert all(line.split(" ", 3)[3] for line in text.splitlines() if line.startswith("# HELP"))


def test_a_hop_is_counted_in_its_bucket_and_kept_for_a_closer_look() -> None:
    metrics = Metrics()
    for seconds in (0.004, 0.03, 7.0):
        metrics.observe_hop(seconds)
    lines = _lines(metrics)
    assert lines['spectra_hop_latency_seconds_bucket{le="0.005"}'] == 1
    assert lines['spectra_hop_latency_seconds_bucket{le="0.03"}'] == 2
    assert lines['spectra_hop_latency_seconds_bucket{le="+Inf"}'] == 3
    assert list(metrics.recent_hops) == [0.004, 0.03, 7.0]


def test_only_the_last_ten_thousand_hops_are_kept() -> None:
    metrics = Metrics()
    for number in range(10_003):
        metrics.observe_hop(number)
    assert (len(metrics.recent_hops), metrics.recent_hops[0]) == (10_000, 3)


def test_requests_and_passes_are_counted_by_what_they_were() -> None:
    metrics = Metrics()
    metrics.requests.labels("create", "pods", "201").inc()
    metrics.request_bytes.labels("create", "pods").inc(512)
    metrics.reconciles.labels("Phase").inc()
    metrics.reconcile_errors.labels("Phase").inc()
    lines = _lines(metrics)
    assert lines['spectra_api_requests_total{code="201",resource="pods",verb="create"}'] == 1
    assert lines['spectra_api_request_bytes_total{resource="pods",verb="create"}'] == 512
    assert lines['spectra_reconciles_total{kind="Phase"}'] == 1
    assert lines['spectra_reconcile_errors_total{kind="Phase"}'] == 1


def test_a_value_is_read_when_it_is_scraped() -> None:
    metrics, depth = Metrics(), [3.0]
    metrics.watch_value("spectra_queue_depth", "Keys that want a pass", lambda: depth[0])
    assert _lines(metrics)["spectra_queue_depth"] == 3
    depth[0] = 8
    assert _lines(metrics)["spectra_queue_depth"] == 8


def test_two_operators_in_one_process_count_apart() -> None:
    one, two = Metrics(), Metrics()
    one.leader.set(1)
    assert _lines(one)["spectra_shards_held"] == 1
    assert _lines(two)["spectra_shards_held"] == 0
