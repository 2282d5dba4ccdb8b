"""The metrics of the installed operator, of a real run; other tests run beside this one."""

from __future__ import annotations

import pytest

from builders.programs import promtool
from builders.specs import a_task
from e2e.harness.operators import Operators, Sample
from e2e.harness.play import Play
from spectra_operator.observability.metrics import CATALOGUE
from spectra_operator.observability.metrics.catalogue import PROCESS

HEARD_SECONDS = 120.0
pytestmark = pytest.mark.xdist_group("operator")  # a leader that is killed begins to count anew


def total(found: list[Sample], name: str, **labels: str) -> float:
    """Return the sum of what has at least these labels."""
    wanted = labels.items()
    return sum(s.value for s in found if s.name == name and wanted <= s.labels.items())


def agents(found: list[Sample]) -> set[str]:
    """Return the namespaces whose agents are told of."""
    return {s.labels["agent_namespace"] for s in found if "agent_namespace" in s.labels}


async def test_a_run_stands_in_the_metrics_of_the_replica_that_leads(
    play: Play, operators: Operators
) -> None:
    before = await operators.metrics()
    play.given.agent()
    play.given.workflow([a_task("first"), a_task("next", depends_on=["first"])])
    await play.when.applied()
    await play.then.workflow_ends("Succeeded")

    seen = await operators.metrics()
    assert play.namespace in agents(seen)
    for name, labels, least in (
        ("spectra_workflows_ended_total", {"state": "Succeeded"}, 1),
        ("spectra_tasks_ended_total", {"state": "Succeeded"}, 2),
        ("spectra_attempts_total", {"outcome": "Succeeded"}, 2),
        ("spectra_task_queue_duration_seconds_count", {}, 2),
        ("spectra_attempt_startup_duration_seconds_count", {}, 2),
        ("spectra_hop_latency_seconds_count", {}, 1),
    ):
        assert total(seen, name, **labels) >= total(before, name, **labels) + least, name


async def test_each_replica_tells_all_that_the_catalogue_has_and_is_heard(
    operators: Operators,
) -> None:
    for page in await operators.metric_pages():
        told = {line.split()[2] for line in page.splitlines() if line.startswith("# HELP")}
        assert told == {*CATALOGUE, *PROCESS}
        assert await promtool("check", "metrics", given=page.encode()) == (0, "")
    found = await operators.metrics()
    assert total(found, "spectra_shards_held") == max(
        s.value for s in found if s.name == "spectra_shards"
    )
    assert total(found, "spectra_event_loop_lag_seconds_count") > 0
    ages = [s.value for s in found if s.name == "spectra_watch_age_seconds"]
    assert 0 <= min(ages) <= max(ages) < HEARD_SECONDS
