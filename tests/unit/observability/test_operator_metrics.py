"""Metrics as a scrape sees them."""

from __future__ import annotations

import pytest

from spectra_operator.observability.metrics import CATALOGUE, Definition, Kind, Metrics
from spectra_operator.observability.metrics.catalogue import PROCESS


def _lines(metrics: Metrics) -> dict[str, float]:
    text = metrics.render().decode()
    pairs = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


def _described(metrics: Metrics) -> dict[str, str]:
    lines = metrics.render().decode().splitlines()
    helps = (line.split(" ", 3) for line in lines if line.startswith("# HELP"))
    return {name: text for _, _, name, text in helps}


def test_a_scrape_has_what_the_catalogue_has_and_what_the_library_says_of_the_process() -> None:
    described = _described(Metrics())
    assert described.keys() == {*CATALOGUE, *PROCESS}
    assert {name: described[name] for name in CATALOGUE} == {
        name: found.text for name, found in CATALOGUE.items()
    }


@pytest.mark.parametrize("found", CATALOGUE.values(), ids=CATALOGUE)
def test_names_follow_the_rules_of_prometheus(found: Definition) -> None:
    assert found.name.startswith("spectra_")
    assert found.name.endswith("_total") == (found.kind is Kind.COUNTER)
    assert bool(found.buckets) == (found.kind is Kind.HISTOGRAM)
    assert list(found.buckets) == sorted(set(found.buckets))
    if found.kind is Kind.HISTOGRAM:
        assert found.name.endswith("_seconds")
    assert "." not in found.text
    assert found.text[0].isupper() or found.text[0].isdigit()


@pytest.mark.parametrize("found", CATALOGUE.values(), ids=CATALOGUE)
def test_no_label_names_what_was_run_and_agents_are_named_only_while_they_exist(
    found: Definition,
) -> None:
    assert not {"workflow", "phase", "task", "pod", "namespace", "name"} & set(found.labels)
    if "agent" in found.labels:
        assert found.at_scrape


def test_no_series_tells_when_it_was_made() -> None:
    metrics = Metrics()
    metrics.retries["Error",].inc()
    assert not [name for name in _lines(metrics) if "_created" in name]


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
    metrics.observe_request("create", "pods", 201, 0.004, 512)
    metrics.reconciles["Phase",].inc()
    metrics.reconcile_errors["Phase",].inc()
    lines = _lines(metrics)
    assert lines['spectra_api_requests_total{code="201",resource="pods",verb="create"}'] == 1
    assert lines['spectra_api_request_bytes_total{resource="pods",verb="create"}'] == 512
    seconds = "spectra_api_request_duration_seconds"
    assert lines[f'{seconds}_bucket{{le="0.005",resource="pods",verb="create"}}'] == 1
    assert lines['spectra_reconciles_total{kind="Phase"}'] == 1
    assert lines['spectra_reconcile_errors_total{kind="Phase"}'] == 1


def test_a_watch_is_counted_and_how_long_it_lasts_is_no_duration_of_a_request() -> None:
    metrics = Metrics()
    metrics.observe_request("watch", "pods", 200, 480.0, 0)
    lines = _lines(metrics)
    assert lines['spectra_api_requests_total{code="200",resource="pods",verb="watch"}'] == 1
    assert not [name for name in lines if name.startswith("spectra_api_request_duration")]


def test_a_value_is_read_when_it_is_scraped_and_gone_when_nobody_says_it_any_more() -> None:
    metrics, depth = Metrics(), [3.0]
    metrics.read_at_scrape(lambda: [("spectra_queue_depth", (), value) for value in depth])
    assert _lines(metrics)["spectra_queue_depth"] == 3
    depth[0] = 8
    assert _lines(metrics)["spectra_queue_depth"] == 8
    depth.clear()
    assert "spectra_queue_depth" not in _lines(metrics)


def test_a_counter_may_be_read_at_a_scrape_too() -> None:
    metrics = Metrics()
    name, labels = "spectra_agent_attempts_total", ("team", "worker", "Failed")
    metrics.read_at_scrape(lambda: [(name, labels, 2.0)])
    shown = f'{name}{{agent="worker",agent_namespace="team",outcome="Failed"}}'
    assert _lines(metrics)[shown] == 2
    assert f"# TYPE {name} counter" in metrics.render().decode()


def test_a_series_may_begin_at_zero_so_that_its_first_event_is_growth() -> None:
    metrics = Metrics()
    metrics.begin_at_zero((metrics.rollouts, ("RolledBack",)))
    assert _lines(metrics)['spectra_rollouts_total{outcome="RolledBack"}'] == 0


def test_two_operators_in_one_process_count_apart() -> None:
    one, two = Metrics(), Metrics()
    one.leader.set(1)
    assert _lines(one)["spectra_shards_held"] == 1
    assert _lines(two)["spectra_shards_held"] == 0
