"""The log level in a file that changes while the operator runs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from builders.clock import FakeClock
from spectra_operator.observability.level_file import LOOK_SECONDS, LevelFile
from spectra_operator.observability.logs import OURS, set_level


@pytest.fixture(autouse=True)
def _levels() -> Iterator[None]:
    """Put the levels back as they were."""
    loggers = [logging.getLogger(), logging.getLogger(OURS)]
    before = [each.level for each in loggers]
    yield
    for each, level in zip(loggers, before, strict=True):
        each.setLevel(level)


def level() -> str:
    return logging.getLevelName(logging.getLogger(OURS).level).lower()


def test_libraries_tell_no_debug_lines_since_they_quote_bodies() -> None:
    set_level("debug")
    assert logging.getLogger(OURS + ".engine").isEnabledFor(logging.DEBUG)
    assert not logging.getLogger("kopf").isEnabledFor(logging.DEBUG)
    set_level("error")
    assert not logging.getLogger("kopf").isEnabledFor(logging.WARNING)


@pytest.mark.parametrize(
    ("text", "then"),
    [("debug", "debug"), ("error", "error"), ("", "warning"), ("loud", "warning")],
)
def test_a_file_names_the_level_or_leaves_it_as_configured(
    tmp_path: Path, text: str, then: str
) -> None:
    set_level("warning")
    LevelFile(tmp_path / "level", "warning", FakeClock().sleep).look(text)
    assert level() == then


def test_what_is_no_level_is_told_once_without_its_text(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = LevelFile(tmp_path / "level", "warning", FakeClock().sleep)
    for _ in range(3):
        file.look("hunter2")
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "debug, info, warning, error" in caplog.text
    assert "hunter2" not in caplog.text


async def test_a_change_of_the_file_is_followed(tmp_path: Path) -> None:
    path, clock = tmp_path / "level", FakeClock()
    looked: list[str] = []

    class Watched(LevelFile):
        def look(self, text: str) -> None:
            super().look(text)
            looked.append(level())
            seen.set()

    seen = asyncio.Event()

    async def next_look() -> None:
        seen.clear()
        await clock.settle()
        clock.advance(LOOK_SECONDS)
        await seen.wait()

    following = asyncio.create_task(Watched(path, "info", clock.sleep).run())
    await seen.wait()  # the file is not there yet
    path.write_text("Debug\n")
    await next_look()
    path.write_bytes(b"\xff\xfe" * 100_000)
    await next_look()
    path.unlink()
    await next_look()
    following.cancel()

    assert looked[1:] == ["debug", "debug", "info"]
