"""On a real cluster: finished workflows go by their time and by limits, pods by policy."""

from __future__ import annotations

from typing import Any

from builders.specs import a_schedule, a_task
from e2e.harness import bodies
from e2e.harness.play import Play
from spectra_operator.api import constants as c
from spectra_operator.kube.resources import PODS


async def test_a_workflow_goes_after_its_time_and_another_one_stays(play: Play) -> None:
    play.given.agent()
    play.given.workflow([a_task()], name="goes", ttl_seconds_after_finished=1)
    play.given.workflow([a_task()], name="stays")
    await play.when.applied()

    await play.then.workflow_ends("Succeeded", "goes")
    await play.then.until("it is gone", lambda: play.world.get("Workflow", "goes") is None)
    await play.then.workflow_ends("Succeeded", "stays")
    left = await play.then.until(
        "it is labelled", lambda: _labels(play, "stays").get(c.LABEL_STATE)
    )
    assert left == "Succeeded"


async def test_a_schedule_keeps_as_many_runs_as_it_says(play: Play) -> None:
    play.given.agent()
    span = {"from": "2023-01-01T00:00:00Z", "to": "2026-01-01T00:00:00Z", "maxConcurrent": 4}
    flow = bodies.one_phase("unused", [a_task()])
    body = a_schedule("@yearly", flow, name="years", backfill=span, successful_runs_history_limit=1)
    play.given.object(body | {"metadata": {"name": "years"}})
    await play.when.applied()

    await play.then.told("Schedule", "BackfillComplete", "4 runs")
    await play.then.until("one run is left, and it has ended", lambda: _only_one(play))
    (run,) = play.world.all("Workflow")
    assert run["metadata"]["annotations"][c.ANNOTATION_SCHEDULED] == "2026-01-01T00:00:00Z"


async def test_pods_of_attempts_that_have_ended_go_and_are_not_run_again(play: Play) -> None:
    play.given.agent()
    cleanup = {"policy": "OnEnd", "afterSeconds": 60}
    play.given.workflow([a_task()], pod_cleanup=cleanup)
    await play.when.applied()

    await play.then.workflow_ends("Succeeded")
    listed = await play.client.list_metadata(PODS, play.namespace, label_selector=c.LABEL_EXPIRES)
    assert all("spec" not in pod for pod in listed.items)
    await play.then.pods_gone(within=90)
    play.then.everything_ran_once()


def _labels(play: Play, name: str) -> dict[str, Any]:
    body = play.world.get("Workflow", name) or {"metadata": {}}
    labels: dict[str, Any] = body["metadata"].get("labels") or {}
    return labels


def _only_one(play: Play) -> bool | None:
    found = play.world.all("Workflow")
    ended = all(c.LABEL_FINISHED in (b["metadata"].get("labels") or {}) for b in found)
    return (len(found) == 1 and ended) or None
