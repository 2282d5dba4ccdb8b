"""Prometheus' own linter has nothing against what a run leaves on the metrics page."""

from __future__ import annotations

from builders.engine import a_running_world
from builders.kubelet import fails, ok
from builders.programs import promtool
from builders.specs import a_retry, a_step, a_task, a_workflow, an_agent
from builders.workers import Deed
from spectra_operator.observability.metrics import Metrics


async def test_the_linter_is_content_with_a_run_of_everything() -> None:
    pool = an_agent("pool", uid="pool", mode="Pool", replicas=2, slots=2)
    async with a_running_world(an_agent(), pool) as world:
        world.kubelet.plan("again", fails(), ok(usage={"inputTokens": 5, "cost": "0.01"}))
        world.workers.plan("each", Deed(cost="0.25"))
        tasks = [a_task("again", retry=a_retry(2)), a_task("each", agent="pool", count=5)]
        await world.apply(a_workflow([a_step("build", tasks)]))
        await world.finished()
        page = world.operator.metrics.render()
    assert b'spectra_retries_total{reason="Error"} 1.0' in page
    assert await promtool("check", "metrics", given=page) == (0, "")


async def test_the_linter_is_content_with_a_replica_that_has_done_nothing() -> None:
    assert await promtool("check", "metrics", given=Metrics().render()) == (0, "")


async def test_the_linter_would_say_what_is_wrong() -> None:
    page = b"# HELP spectra_things_count Things\n# TYPE spectra_things_count counter\n"
    code, said = await promtool("check", "metrics", given=page + b"spectra_things_count 1\n")
    assert code != 0
    assert "_total" in said
