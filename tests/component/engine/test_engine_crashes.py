"""Kill the operator at every single write of a run: the run comes to the same end.

Each test runs the scenario of `builders.campaign` once for every write that it makes.
"""

from __future__ import annotations

from typing import Any

import pytest

from builders.campaign import (
    KillAfter,
    KillBefore,
    Mutations,
    arm,
    check_history,
    end_state,
    is_labelled,
    killed_at_every_write,
    plan_fates,
    the_workflow,
)
from builders.engine import a_running_world
from builders.fake_api.faults import Fault
from spectra_operator.engine.keys import PHASES
from spectra_operator.kube.resources import EVENTS

pytestmark = pytest.mark.timeout(300)


async def _undisturbed() -> tuple[Any, list[str]]:
    async with a_running_world() as world:
        plan_fates(world)
        counter = Mutations()
        arm(world, counter, Fault())
        await world.apply(the_workflow())
        await world.finished()
        await world.until(lambda: not world.operator.memory())
        check_history(world)
        return await end_state(world), counter.calls


async def _killed_at(nth: int, kind: type[KillBefore] | type[KillAfter], expected: Any) -> None:
    async with a_running_world() as world:
        plan_fates(world)
        first = world.operator
        arm(world, Mutations(nth), kind(first.kill))
        await world.apply(the_workflow())
        await world.until(lambda: not first.running or world.is_finished())
        if first.running:
            return  # a repeated write was saved this time: there is no n-th
        await world.start()  # the same identity: it need not wait for the Lease to expire
        await world.finished()
        await world.until(lambda: not world.operator.memory())
        check_history(world)
        assert await end_state(world) == expected
        assert all(map(is_labelled, await world.api.objects(PHASES)))
        told = [e for e in await world.api.objects(EVENTS) if e["count"] > 1]
        assert told == []


async def _campaign(kind: type[KillBefore] | type[KillAfter]) -> None:
    await killed_at_every_write(
        _undisturbed, lambda nth, expected: _killed_at(nth, kind, expected), 30
    )


async def test_a_death_before_any_write_is_committed_changes_nothing_about_the_end() -> None:
    await _campaign(KillBefore)


async def test_a_death_after_any_write_was_committed_changes_nothing_about_the_end() -> None:
    await _campaign(KillAfter)
