"""At level debug the log answers why something did not happen, and names whom it concerns."""

from __future__ import annotations

import logging
import re

import pytest

from builders.engine import World, a_running_world
from builders.fake_api.faults import Match, Refuse
from builders.specs import a_step, a_task, a_workflow, an_agent
from spectra_operator.engine import correlation
from spectra_operator.engine.effects import LookUp
from spectra_operator.engine.keys import Key

ENGINE = "spectra_operator.engine"
OF_A_PHASE = Match(verb="update", plural="phases", subresource="status")
KEY = Key("Phase", "team", "stage")
PHASE = r"Phase team/flow-build-\w+: "
TOLD = (
    r"Workflow team/flow: a pass of \d+\.\d ms",
    PHASE + r"task [ab] may not start: \w+",
    PHASE + r"its status gathers for another \d\.\d\d s",
    PHASE + r"CreatePod done",
    PHASE + r"WriteStatus refused with 409",
    r"Workflow team/flow: its end waits until those of its phases are written",
    r"Agent team/single: again in 0\.05 s, after failure 1 in a row",
)


async def lines_of(caplog: pytest.LogCaptureFixture, world: World, level: int) -> list[str]:
    """Run two tasks by an agent that does one at a time; return what was told."""
    with caplog.at_level(level, ENGINE):
        two = [a_task("a", agent="single"), a_task("b", agent="single")]
        await world.apply(an_agent("single", concurrency=1), a_workflow([a_step("build", two)]))
        await world.finished()
    return caplog.messages


def has(lines: list[str], pattern: str) -> bool:
    return any(re.fullmatch(pattern, line) for line in lines)


async def test_what_keeps_something_from_happening_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with a_running_world() as world:
        world.api.fault(OF_A_PHASE, Refuse(409, "Conflict"))
        world.api.fault(Match(verb="update", plural="agents"), Refuse(500, "InternalError"))
        lines = await lines_of(caplog, world, logging.DEBUG)
    assert [pattern for pattern in TOLD if not has(lines, pattern)] == []


async def test_at_level_info_nothing_of_it_is(caplog: pytest.LogCaptureFixture) -> None:
    async with a_running_world() as world:
        await lines_of(caplog, world, logging.INFO)
    assert not [each for each in caplog.records if each.levelno == logging.DEBUG]


async def test_a_write_that_a_replica_drops_as_it_leads_no_more_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with a_running_world() as world:
        with caplog.at_level(logging.DEBUG, ENGINE):
            world.operator.parts.executor.submit(LookUp(KEY))
            await world.operator.keeper.release()
            await world.settle()
    dropped = "Phase team/stage: LookUp dropped, as its shard is not held here any more"
    assert dropped in caplog.messages


def test_what_became_of_an_effect_is_not_put_in_words_while_nobody_wants_them(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[object] = []

    def about(effect: object) -> dict[str, object]:
        asked.append(effect)
        return {}

    monkeypatch.setattr(correlation, "about", about)
    logger = logging.getLogger(ENGINE)
    with caplog.at_level(logging.INFO, ENGINE):
        correlation.tell(logger, LookUp(KEY), "done")
    assert asked == []
    with caplog.at_level(logging.DEBUG, ENGINE):
        correlation.tell(logger, LookUp(KEY), "done")
    assert len(asked) == 1
