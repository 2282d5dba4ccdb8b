"""The names of series in a query."""

from __future__ import annotations

from monitoring.names import asked, known, labels_of


def test_series_are_found_and_words_of_the_language_and_labels_are_not() -> None:
    query = (
        'sum by (kind) (rate(spectra_reconciles_total{kind="spectra_x_y"}[5m])) / sum(spectra:a:b)'
    )
    assert asked(query) == {"spectra_reconciles_total", "spectra:a:b"}


def test_the_process_is_asked_by_its_own_names() -> None:
    assert asked("process_resident_memory_bytes / 2") == {"process_resident_memory_bytes"}


def test_of_a_histogram_its_parts_are_known_and_not_its_name() -> None:
    name = "spectra_hop_latency_seconds"
    assert {f"{name}_bucket", f"{name}_sum", f"{name}_count"} <= known()
    assert name not in known()


def test_the_labels_of_a_metric_are_those_of_the_catalogue_and_the_bound_of_a_bucket() -> None:
    assert labels_of("spectra_attempts_total") == {"outcome", "reason"}
    assert labels_of("spectra_attempt_duration_seconds_bucket") == {"outcome", "le"}
    assert labels_of("spectra_attempt_duration_seconds_sum") == {"outcome"}
    assert labels_of("nothing") == set()
