"""Schedules start their runs at their times, each once, as the policies say.

The clock of these tests starts at midnight; `*/5 * * * *` is due every five minutes.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from builders.engine import World
from builders.fake_api.faults import HoldAnswer, Match, Refuse
from builders.kubelet import hangs, ok
from builders.schedules import condition, created, runs, scheduled_at, status, times
from builders.specs import NAMESPACE, a_parameter, a_schedule, a_step, a_task, a_workflow
from spectra_operator.api import constants as c
from spectra_operator.core.schedule.decide import run_name
from spectra_operator.engine.keys import WORKFLOWS

MINUTE = 60.0


async def test_runs_start_at_their_times_and_status_tells_of_them(world: World) -> None:
    await world.apply(a_schedule())
    await world.until(lambda: status(world))
    assert status(world)["nextScheduleTime"] == "2026-01-01T00:05:00Z"
    assert condition(world)["status"] == "True"

    await world.during(11 * MINUTE)

    assert times(world) == ["00:05", "00:10"]
    found = status(world)
    assert found["lastScheduleTime"] == "2026-01-01T00:10:00Z"
    assert found["nextScheduleTime"] == "2026-01-01T00:15:00Z"
    assert found["lastSuccessfulTime"].startswith("2026-01-01T00:10:")
    assert (found["activeRuns"], found["missed"]) == (0, 0)


async def test_a_run_is_owned_by_its_schedule_and_knows_its_time(world: World) -> None:
    flow = a_workflow(
        [a_step("build", [a_task(input={"at": "${parameters.scheduledTime}"})])],
        parameters=[a_parameter("scheduledTime", ""), a_parameter("other", "kept")],
    )
    labels = {"labels": {"team": "data", c.LABEL_SCHEDULE: "not-mine"}, "annotations": {"a": "b"}}
    await world.apply(a_schedule(workflow=flow, metadata=labels))
    await world.during(6 * MINUTE)

    (run,) = runs(world)
    meta = run["metadata"]
    (owner,) = meta["ownerReferences"]
    assert (owner["kind"], owner["name"]) == ("Schedule", "nightly")
    assert owner["blockOwnerDeletion"] is False
    assert meta["labels"]["team"] == "data"
    assert meta["labels"][c.LABEL_SCHEDULE] == "nightly"
    assert meta["annotations"] == {"a": "b", c.ANNOTATION_SCHEDULED: "2026-01-01T00:05:00Z"}
    values = {p["name"]: p["value"] for p in run["spec"]["parameters"]}
    assert values == {"scheduledTime": "2026-01-01T00:05:00Z", "other": "kept"}


async def test_events_tell_of_what_started(world: World) -> None:
    await world.apply(a_schedule())
    await world.during(6 * MINUTE)
    (run,) = runs(world)
    text = f"the run of 2026-01-01T00:05Z is {run['metadata']['name']}"
    assert await world.events("nightly") == [("RunStarted", text)]


async def test_nothing_is_asked_of_the_api_server_between_two_times(world: World) -> None:
    await world.apply(a_schedule("0 12 * * *"))
    await world.until(lambda: status(world))
    before = world.api.count(verb="create"), world.api.count(verb="patch")
    passes = world.operator.passes("Schedule")
    await world.during(30 * MINUTE)
    assert (world.api.count(verb="create"), world.api.count(verb="patch")) == before
    assert world.operator.passes("Schedule") <= passes + 1


async def test_with_allow_runs_overlap(world: World) -> None:
    world.kubelet.plan("work", ok(seconds=900), ok(seconds=900))
    await world.apply(a_schedule())
    await world.during(11 * MINUTE)
    assert times(world) == ["00:05", "00:10"]
    active = status(world)["active"]
    assert [run["scheduledTime"][11:16] for run in active] == ["00:05", "00:10"]
    assert status(world)["activeRuns"] == 2


async def test_with_forbid_the_next_run_waits_and_those_in_between_are_skipped(
    world: World,
) -> None:
    world.kubelet.plan("work", ok(seconds=13 * MINUTE))
    await world.apply(a_schedule(concurrency_policy="Forbid"))
    await world.during(17 * MINUTE)
    assert times(world) == ["00:05"]
    assert status(world)["missed"] == 1  # 00:10 made room for 00:15
    assert [reason for reason, _ in await world.events("nightly")] == ["RunStarted", "RunSkipped"]

    await world.during(2 * MINUTE)
    assert times(world) == ["00:05", "00:15"]


async def test_with_replace_the_last_run_makes_room_for_the_next(world: World) -> None:
    world.kubelet.plan("work", hangs(), hangs())
    await world.apply(a_schedule(concurrency_policy="Replace"))
    await world.during(11 * MINUTE)
    assert times(world) == ["00:10"]
    assert status(world)["activeRuns"] == 1


async def test_a_suspended_schedule_starts_nothing_and_catches_up_the_newest_run(
    world: World,
) -> None:
    await world.apply(a_schedule(suspend=True))
    await world.during(21 * MINUTE)
    assert times(world) == []
    assert condition(world, "Suspended")["status"] == "True"
    assert "nextScheduleTime" not in status(world)

    await world.change("Schedule", "nightly", suspend=False)
    await world.during(1 * MINUTE)
    assert times(world) == ["00:20"]
    assert status(world)["missed"] == 3
    assert ("RunsMissed", "3 runs not started, of 2026-01-01T00:05Z to 2026-01-01T00:15Z: "
            "their time had passed") in await world.events("nightly")  # fmt: skip


async def test_catch_up_makes_up_for_several_runs_oldest_first(world: World) -> None:
    catch_up = {"limit": 3}
    await world.apply(a_schedule(suspend=True, catch_up=catch_up, concurrency_policy="Forbid",
                                 successful_runs_history_limit=10))  # fmt: skip
    await world.during(21 * MINUTE)
    await world.change("Schedule", "nightly", suspend=False)
    await world.during(1 * MINUTE)
    assert [name[-8:] for name in created(world)] == sorted(n[-8:] for n in created(world))
    assert times(world) == ["00:10", "00:15", "00:20"]


async def test_what_is_past_its_starting_deadline_is_missed(world: World) -> None:
    await world.apply(a_schedule(suspend=True, starting_deadline_seconds=60))
    await world.during(22 * MINUTE)
    await world.change("Schedule", "nightly", suspend=False)
    await world.during(1 * MINUTE)
    assert times(world) == []
    assert status(world)["missed"] == 4


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"cron": "61 * * * *"}, "InvalidSchedule"),
        ({"cron": "* * * *"}, "InvalidSpec"),
        ({"cron": "0 0 31 2 *"}, "InvalidSchedule"),
        ({"time_zone": "Mars/Olympus"}, "InvalidTimeZone"),
        ({"time_zone": "America"}, "InvalidTimeZone"),
        ({"concurrency_policy": "Perhaps"}, "InvalidSpec"),
    ],
)
async def test_a_schedule_that_cannot_be_read_says_why_and_disturbs_no_other(
    world: World, fields: dict[str, str], reason: str
) -> None:
    await world.apply(a_schedule(**fields, name="broken"), a_schedule())  # type: ignore[arg-type]
    await world.during(6 * MINUTE)
    found = condition(world, schedule="broken")
    assert (found["status"], found["reason"]) == ("False", reason)
    assert times(world, "broken") == []
    assert times(world) == ["00:05"]
    assert world.operator.failed_passes() == 0 or reason == "InvalidSpec"


async def test_a_mended_schedule_goes_on(world: World) -> None:
    await world.apply(a_schedule("61 * * * *"))
    await world.during(7 * MINUTE)
    await world.change("Schedule", "nightly", schedule="*/5 * * * *")
    await world.during(5 * MINUTE)
    assert condition(world)["status"] == "True"
    assert times(world) == ["00:10"]


async def test_another_schedule_begins_at_the_change_and_makes_up_for_nothing(
    world: World,
) -> None:
    await world.apply(a_schedule("0 12 * * *"))
    await world.during(7 * MINUTE)
    await world.change("Schedule", "nightly", schedule="*/5 * * * *")
    await world.during(2 * MINUTE)
    assert times(world) == []
    await world.during(2 * MINUTE)
    assert times(world) == ["00:10"]


async def test_a_run_that_the_api_server_refuses_is_missed_and_the_next_one_starts(
    world: World,
) -> None:
    world.api.fault(Match(verb="create", plural="workflows"), Refuse(422, "Invalid", "too odd"))
    await world.apply(a_schedule())
    await world.during(11 * MINUTE)
    assert times(world) == ["00:10"]
    assert status(world)["missed"] == 1
    assert "RunRefused" in [reason for reason, _ in await world.events("nightly")]


async def test_a_run_that_a_quota_refuses_is_tried_again_and_status_says_why(
    world: World,
) -> None:
    quota = Refuse(403, "Forbidden", "exceeded quota: workflows")
    world.api.fault(Match(verb="create", plural="workflows"), quota, times=8)
    await world.apply(a_schedule())
    await world.until(lambda: "exceeded quota" in condition(world).get("message", ""), seconds=310)
    await world.during(1 * MINUTE)
    assert times(world) == ["00:05"]
    assert condition(world)["message"] == ""


async def test_a_workflow_of_the_same_name_that_is_not_ours_is_left_alone(world: World) -> None:
    name = run_name("nightly", datetime(2026, 1, 1, 0, 5, tzinfo=UTC))
    await world.apply(a_workflow(name=name), a_schedule())
    await world.during(7 * MINUTE)
    assert times(world) == []
    assert "is not ours" in condition(world)["message"]
    await world.during(5 * MINUTE)
    assert times(world) == ["00:10"]


async def test_the_runs_go_with_their_schedule(world: World) -> None:
    await world.apply(a_schedule())
    await world.during(6 * MINUTE)
    await world.delete("Schedule", "nightly")
    await world.during(10 * MINUTE)
    assert await world.api.objects(WORKFLOWS, NAMESPACE) == []
    assert not world.operator.parts.schedules


async def test_the_past_is_filled_a_few_runs_at_a_time_and_each_once(world: World) -> None:
    world.kubelet.plan("work", ok(seconds=90), ok(seconds=90))
    span = {"from": "2025-12-30T00:00:00Z", "to": "2025-12-31T12:00:00Z", "maxConcurrent": 2}
    await world.apply(a_schedule("0 */12 * * *", backfill=span, successful_runs_history_limit=9))
    await world.during(1 * MINUTE)
    wanted = ["2025-12-30T00", "2025-12-30T12", "2025-12-31T00", "2025-12-31T12"]
    assert [scheduled_at(body)[:13] for body in runs(world)] == wanted[:2]
    assert status(world)["backfill"]["state"] == "Running"

    await world.during(2 * MINUTE)
    assert [scheduled_at(body)[:13] for body in runs(world)] == wanted
    assert status(world)["backfill"]["state"] == "Complete"
    assert status(world)["backfill"]["started"] == 4
    assert "lastScheduleTime" not in status(world)
    assert len(created(world)) == 4
    assert ("BackfillComplete", "4 runs from 2025-12-30T00:00Z to 2025-12-31T12:00Z") in (
        await world.events("nightly")
    )


async def test_another_range_is_filled_too(world: World) -> None:
    first = {"from": "2025-12-30T00:00:00Z", "to": "2025-12-30T00:00:00Z"}
    await world.apply(a_schedule("0 0 * * *", backfill=first))
    await world.until(lambda: (status(world).get("backfill") or {}).get("state") == "Complete")
    second = {"from": "2025-12-30T00:00:00Z", "to": "2025-12-31T00:00:00Z"}
    await world.change("Schedule", "nightly", backfill=second)
    await world.during(1 * MINUTE)
    assert [scheduled_at(body)[:10] for body in runs(world)] == ["2025-12-30", "2025-12-31"]
    assert len(created(world)) == 2


async def test_a_new_leader_goes_on_and_starts_nothing_twice(world: World) -> None:
    await world.apply(a_schedule())
    await world.during(6 * MINUTE)
    world.operator.kill()
    await world.start()
    await world.during(5 * MINUTE)
    assert times(world) == ["00:05", "00:10"]
    assert len(created(world)) == 2


async def test_runs_that_fell_due_while_nobody_led_are_caught_up(world: World) -> None:
    await world.apply(a_schedule(catch_up={"limit": 2}))
    await world.during(1 * MINUTE)
    world.operator.kill()
    world.clock.advance(20 * MINUTE)
    await world.start()
    await world.during(1 * MINUTE)
    assert times(world) == ["00:15", "00:20"]
    assert status(world)["missed"] == 2


async def test_status_tells_of_a_run_only_once_it_exists(world: World) -> None:
    held = HoldAnswer()
    world.api.fault(Match(verb="create", plural="workflows"), held)
    await world.apply(a_schedule())
    await world.during(5 * MINUTE)
    await held.reached()
    await world.settle()
    assert "lastScheduleTime" not in status(world)
    held.release()
    await world.until(lambda: "lastScheduleTime" in status(world))
