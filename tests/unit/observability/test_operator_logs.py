"""Log lines: one JSON object each, or for people."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator

import pytest

from spectra_operator.observability.logs import JsonFormatter, set_up


@pytest.fixture
def _logging() -> Iterator[None]:
    """Put the root logger back as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    noisy = {name: logging.getLogger(name).level for name in ("kopf.objects", "aiohttp.access")}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in noisy.items():
        logging.getLogger(name).setLevel(before)


def _record(message: str, *args: object, exc_info: bool = False) -> logging.LogRecord:
    info = sys.exc_info() if exc_info else None
    return logging.LogRecord("spectra", logging.WARNING, __file__, 1, message, args, info)


def test_a_line_is_one_json_object_with_everything_in_it() -> None:
    line = JsonFormatter().format(_record("pod %s said\n%s", "x", 'a "quote"'))
    assert "\n" not in line
    entry = json.loads(line)
    assert (entry["level"], entry["logger"]) == ("warning", "spectra")
    assert entry["msg"] == 'pod x said\na "quote"'
    assert entry["ts"].endswith("+00:00")
    assert "error" not in entry


def test_an_error_is_told_with_its_traceback_in_the_same_line() -> None:
    try:
        raise ValueError("broken")
    except ValueError:
        line = JsonFormatter().format(_record("the pass failed", exc_info=True))
    assert "\n" not in line
    assert "ValueError: broken" in json.loads(line)["error"]


@pytest.mark.usefixtures("_logging")
def test_lines_go_to_standard_error_from_the_level_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    set_up("warning", "json")
    logging.getLogger("a").info("quiet")
    logging.getLogger("a").warning("loud")
    out, err = capsys.readouterr()
    assert out == ""
    assert [json.loads(line)["msg"] for line in err.splitlines()] == ["loud"]


@pytest.mark.usefixtures("_logging")
def test_console_lines_are_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    set_up("info", "console")
    logging.getLogger("spectra").info("shard 0 taken over")
    assert capsys.readouterr().err.rstrip().endswith("INFO    spectra: shard 0 taken over")


@pytest.mark.usefixtures("_logging")
def test_loggers_that_tell_of_every_object_are_kept_quiet() -> None:
    set_up("debug", "json")
    assert not logging.getLogger("kopf.objects").isEnabledFor(logging.INFO)
    assert not logging.getLogger("aiohttp.access").isEnabledFor(logging.INFO)
