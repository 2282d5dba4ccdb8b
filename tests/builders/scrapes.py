"""What a scrape of an operator says, to be asked by name and labels."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from spectra_operator.observability.metrics import Metrics


@dataclass(frozen=True)
class Scrape:
    """All samples of one scrape."""

    samples: tuple[Sample, ...]

    @property
    def size(self) -> int:
        """How many series there are."""
        return len(self.samples)

    def all(self, name: str, **labels: str) -> list[Sample]:
        """Return the samples of that name with at least these labels."""
        wanted = labels.items()
        return [s for s in self.samples if s.name == name and wanted <= s.labels.items()]

    def sum(self, name: str, **labels: str) -> float:
        """Return the sum over these; 0 for none."""
        return sum(sample.value for sample in self.all(name, **labels))

    def value(self, name: str, **labels: str) -> float:
        """Return the value of the only series of that name with these labels."""
        found = self.all(name, **labels)
        assert len(found) == 1, f"{name} {labels}: {found or 'nothing'}"
        return found[0].value

    def by(self, name: str, label: str) -> dict[str, float]:
        """Return the sums by the values of a label."""
        sums: dict[str, float] = defaultdict(float)
        for sample in self.all(name):
            sums[sample.labels[label]] += sample.value
        return dict(sums)


def scrape_of(metrics: Metrics) -> Scrape:
    """Scrape an operator."""
    families = text_string_to_metric_families(metrics.render().decode())
    return Scrape(tuple(sample for family in families for sample in family.samples))
