"""Kill the operator at every single write of a run: the run comes to the same end.

Each test runs the scenario of `builders.campaign` once for every write that it makes.
"""

from __future__ import annotations

from typing import Any

import pytest

from builders.campaign import (
    KillAfter,
    KillBefore,
    Tale,
    begin,
    check_history,
    end_state,
    is_labelled,
)
from builders.engine import World
from builders.specs import an_agent
from spectra_operator.engine.keys import PHASES
from spectra_operator.kube.resources import EVENTS

pytestmark = pytest.mark.timeout(300)


async def _end(world: World) -> Any:
    """Let the run come to its end, and return that, checked."""
    await world.finished()
    await world.until(lambda: not world.operator.memory())
    check_history(world)
    assert all(map(is_labelled, await world.api.objects(PHASES)))
    assert [e for e in await world.api.objects(EVENTS) if e["count"] > 1] == []
    return await end_state(world)


TALE = Tale(an_agent(), begin, _end, World.is_finished)


async def test_a_death_before_any_write_is_committed_changes_nothing_about_the_end() -> None:
    await TALE.dies(KillBefore, 30)


async def test_a_death_after_any_write_was_committed_changes_nothing_about_the_end() -> None:
    await TALE.dies(KillAfter, 30)
