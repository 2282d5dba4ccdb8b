"""Schedules on a real cluster: the past filled in, runs that are made up for, a real minute."""

from __future__ import annotations

from typing import Any

import pytest

from builders.specs import a_parameter, a_schedule, a_task
from e2e.harness import bodies
from e2e.harness.play import KINDS, Body, Play
from spectra_operator.api import constants as c
from spectra_operator.core.conditions import find
from spectra_operator.kube.errors import Invalid

ECHO = 'out "$SPECTRA_INPUT"'


def a_plan(name: str, cron: str, **fields: Any) -> Body:
    """Return a Schedule of a tiny workflow that returns the time that it is for."""
    task = a_task(input={"at": "${parameters.scheduledTime}"})
    parameters = [a_parameter("scheduledTime", "")]
    flow = bodies.one_phase("unused", [task], parameters=parameters)
    body = a_schedule(cron, flow, name=name, **fields)
    return body | {"metadata": {"name": name}}


def runs(play: Play, schedule: str) -> dict[str, Body]:
    """Return a schedule's workflows by the time that they are for."""
    found = {}
    for body in play.world.all("Workflow"):
        meta = body["metadata"]
        if (meta.get("labels") or {}).get(c.LABEL_SCHEDULE) == schedule:
            found[meta["annotations"][c.ANNOTATION_SCHEDULED]] = body
    return found


def succeeded(play: Play, schedule: str, count: int) -> dict[str, Body] | None:
    """Return a schedule's workflows once so many have succeeded."""
    found = runs(play, schedule)
    done = [b for b in found.values() if (b.get("status") or {}).get("state") == "Succeeded"]
    return found if len(done) == count else None


def status(play: Play, schedule: str) -> Body:
    """Return the status of a schedule."""
    found: Body = (play.world.get("Schedule", schedule) or {}).get("status") or {}
    return found


async def test_the_past_is_filled_in_once_and_each_run_knows_its_time(play: Play) -> None:
    play.given.agent(script=ECHO)
    span = {"from": "2024-01-01T00:00:00Z", "to": "2026-01-01T00:00:00Z", "maxConcurrent": 2}
    play.given.object(a_plan("years", "@yearly", backfill=span, successful_runs_history_limit=9))
    await play.when.applied()

    found = await play.then.until("three runs succeed", lambda: succeeded(play, "years", 3))
    assert sorted(found) == [f"{year}-01-01T00:00:00Z" for year in (2024, 2025, 2026)]
    await play.then.told("Schedule", "BackfillComplete", "3 runs")
    await play.then.until("all have ended", lambda: status(play, "years")["activeRuns"] == 0)
    assert status(play, "years")["backfill"]["state"] == "Complete"
    for at, body in found.items():
        view = play.then.task("work/work", workflow=body["metadata"]["name"])
        assert view.outputs == {"at": at}
        view.ran_once()


async def test_a_schedule_shows_when_it_runs_next_in_its_time_zone(play: Play) -> None:
    play.given.agent()
    play.given.object(a_plan("yearly", "0 0 1 7 *", time_zone="Europe/Berlin"))
    await play.when.applied()

    await play.then.until("it is read", lambda: status(play, "yearly").get("nextScheduleTime"))
    assert status(play, "yearly")["nextScheduleTime"].endswith("-06-30T22:00:00Z")
    listed = await play.kubectl("get", "ssc", "yearly")
    assert "Europe/Berlin" in listed
    assert "-06-30T22:00:00Z" in listed


@pytest.mark.parametrize(
    ("name", "cron", "zone", "field"),
    [
        ("bad-cron", "61 * * * *", "UTC", "spec.schedule"),
        ("bad-zone", "@daily", "Mars/Olympus", "spec.timeZone"),
    ],
)
async def test_a_schedule_that_cannot_be_read_is_refused_or_says_why(
    play: Play, name: str, cron: str, zone: str, field: str
) -> None:
    assert field in await _what_is_said(play, a_plan(name, cron, time_zone=zone))


async def _what_is_said(play: Play, body: Body) -> str:
    """Apply a schedule; return the webhook's refusal, or what the operator says without it."""
    try:
        await play.client.create(KINDS["Schedule"], play.namespace, body)
    except Invalid as refusal:
        return str(refusal)
    name = body["metadata"]["name"]
    ready = await play.then.until("it is read", lambda: find(status(play, name), "Ready") or None)
    assert ready["status"] == "False"
    return str(ready["message"])


async def test_the_api_server_refuses_a_schedule_of_four_fields_and_a_range_that_ends_before(
    play: Play,
) -> None:
    wrong = {"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}
    for body, said in (
        (a_plan("four", "* * * *"), "spec.schedule"),
        (a_plan("backwards", "@daily", backfill=wrong), "from must not be later than to"),
        (a_plan("n" * 39, "@daily"), "at most 38 characters"),
    ):
        with pytest.raises(Invalid, match=said):
            await play.client.create(KINDS["Schedule"], play.namespace, body)


async def test_at_its_minute_a_run_starts_and_goes_with_its_schedule(play: Play) -> None:
    play.given.agent(script=ECHO)
    play.given.object(a_plan("minutely", "* * * * *"))
    await play.when.applied()

    found = await play.then.until("a run succeeds", lambda: succeeded(play, "minutely", 1))
    (name,) = [body["metadata"]["name"] for body in found.values()]
    await play.then.told("Schedule", "RunStarted", name)
    await play.when.deleted("Schedule", "minutely")
    await play.then.until("its runs are gone", lambda: not runs(play, "minutely"))
