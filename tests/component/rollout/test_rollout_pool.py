"""Rollouts in a pool: good, bad, slow, dear and stillborn revisions under work that flows."""

from __future__ import annotations

import pytest

from builders.engine import a_running_world
from builders.workers import Habit
from component.rollout.rollout_cases import (
    BOUND,
    COUNT,
    GOOD,
    NEXT,
    a_pool,
    begun_with,
    change_image,
    check,
    dearly,
    events,
    fails_some,
    peeked,
    rollout,
    slowly,
    the_work,
    well,
)


async def test_a_good_revision_is_promoted_once_its_analysis_has_passed() -> None:
    async with a_running_world(a_pool()) as world:
        world.workers.habits = {GOOD: well, NEXT: well}
        await world.apply(the_work())
        await world.until(lambda: len(world.workers.ended) > 8)
        await change_image(world)

        assert (await world.finished())["state"] == "Succeeded"

        check(world)
        found = await rollout(world)
        assert (found["state"], found["reason"]) == ("Promoted", "AnalysisPassed")
        assert (
            found["stable"] == found["active"] == (await world.agent())["status"]["activeRevision"]
        )
        assert [each["outcome"] for each in found["history"]] == ["Promoted", "Promoted"]
        assert begun_with(world, NEXT) > BOUND
        told = [each for each in await events(world) if each in ("Switched", "AnalysisPassed")]
        assert told == ["Switched", "AnalysisPassed"]


@pytest.mark.parametrize("habit", [fails_some, slowly, dearly])
async def test_a_bad_revision_is_rolled_back_within_its_bound(habit: Habit) -> None:
    async with a_running_world(a_pool()) as world:
        world.workers.habits = {GOOD: well, NEXT: habit}
        await world.apply(the_work())
        await world.until(lambda: len(world.workers.ended) > 8)
        before = (await rollout(world))["stable"]
        await change_image(world)
        await world.until(lambda: peeked(world).get("state") == "RolledBack")

        assert (await world.finished())["state"] == "Succeeded"

        check(world)
        found = await rollout(world)
        assert (found["reason"], found["stable"], found["active"]) == (
            "AnalysisFailed",
            before,
            before,
        )
        assert 0 < begun_with(world, NEXT) <= BOUND
        assert found["rejected"] == found["history"][-1]["revision"]
        assert "AnalysisFailed" in await events(world)


async def test_a_revision_whose_workers_never_come_up_is_aborted_and_gets_nothing() -> None:
    fields = {"rollout": {"progressDeadlineSeconds": 20}}
    async with a_running_world(a_pool(**fields)) as world:
        world.workers.habits = {GOOD: well, NEXT: well}
        world.workers.stillborn = {NEXT}
        await world.apply(the_work())
        await world.until(lambda: len(world.workers.ended) > 4)
        await change_image(world)
        await world.until(lambda: peeked(world).get("state") == "Aborted")

        assert (await world.finished())["state"] == "Succeeded"

        check(world)
        found = await rollout(world)
        assert found["reason"] == "ProgressDeadlineExceeded"
        assert begun_with(world, NEXT) == 0


async def test_the_counts_of_both_revisions_stand_in_status() -> None:
    async with a_running_world(a_pool()) as world:
        world.workers.habits = {GOOD: well, NEXT: slowly}
        await world.apply(the_work())
        await world.until(lambda: len(world.workers.ended) > 8)
        await change_image(world)
        await world.finished()
        await world.during(5)

        stable, rejected = (await world.agent())["status"]["revisions"]
        assert (stable["revision"], rejected["revision"]) == (
            peeked(world)["stable"],
            peeked(world)["rejected"],
        )
        assert stable["succeeded"] == COUNT - begun_with(world, NEXT)
        assert (stable["p95Seconds"], "counted" in stable) == ("1.000", False)


async def test_old_workers_stay_warm_for_a_while_and_then_go() -> None:
    async with a_running_world(a_pool(rollout={"warmSeconds": 60, "analysis": None})) as world:
        world.workers.habits = {GOOD: well, NEXT: well}
        await world.until(lambda: len(world.workers.workers) == 4)
        await change_image(world)
        await world.until(lambda: peeked(world).get("reason") == "NoAnalysis")
        await world.during(30)
        assert len(world.workers.workers) == 8

        await world.during(60)

        images = {world.workers.images[name] for name in world.workers.workers}
        assert (images, "warm" in peeked(world)) == ({NEXT}, False)
