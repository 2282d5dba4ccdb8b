"""Log lines: one JSON object each, or for people."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import Iterator

import pytest

from spectra_operator.observability.logs import (
    OURS,
    QUIET,
    ConsoleFormatter,
    Correlation,
    JsonFormatter,
    set_up,
    tell_of_failure,
)


@pytest.fixture
def _logging() -> Iterator[None]:
    """Put the root logger back as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    noisy = {name: logging.getLogger(name).level for name in (*QUIET, OURS)}
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
    assert "test_operator_logs.py" in json.loads(line)["error"]
    assert json.loads(line)["error"].endswith("ValueError")


def test_the_words_of_an_exception_are_left_out_unless_they_are_known_to_be_harmless() -> None:
    class RefusedError(Exception):
        loggable = "create pods team/a: 422 Invalid spec.x"

    record = _record("%s: %s and %s", "key", ValueError("hunter2"), RefusedError("hunter2"))
    Correlation().filter(record)

    assert record.getMessage() == (
        "key: ValueError and RefusedError: create pods team/a: 422 Invalid spec.x"
    )


def test_a_traceback_quotes_none_of_its_causes() -> None:
    try:
        try:
            raise KeyError("hunter2")
        except KeyError as error:
            raise ValueError("hunter2") from error
    except ValueError:
        entry = json.loads(JsonFormatter().format(_record("failed", exc_info=True)))

    assert "hunter2" not in entry["error"].replace('raise KeyError("hunter2")', "").replace(
        'raise ValueError("hunter2")', ""
    )
    assert entry["error"].index("KeyError\n") < entry["error"].rindex("ValueError")


def test_a_line_has_the_fields_of_what_its_arguments_stand_for() -> None:
    correlation = Correlation()
    correlation.concerns = lambda each: {"namespace": "team"} if each == "Phase team/a" else {}
    record = _record("%s: %s", "Phase team/a", "gone")
    record.about = {"task": "build", "attempt": "2"}
    correlation.filter(record)

    entry = json.loads(JsonFormatter().format(record))
    line = ConsoleFormatter().format(record)

    assert (entry["namespace"], entry["task"], entry["attempt"]) == ("team", "build", "2")
    assert line.endswith("Phase team/a: gone [namespace=team task=build attempt=2]")


def test_no_field_replaces_what_every_line_has() -> None:
    record = _record("said")
    record.about = {"msg": "other", "level": "other"}
    entry = json.loads(JsonFormatter().format(record))
    assert (entry["msg"], entry["level"]) == ("said", "warning")


@pytest.mark.usefixtures("_logging")
async def test_what_nobody_caught_is_told_without_its_words(
    capsys: pytest.CaptureFixture[str],
) -> None:
    set_up("info", "json")
    context = {"message": "Task exception was never retrieved", "exception": ValueError("hunter2")}

    tell_of_failure(asyncio.get_running_loop(), context)

    err = capsys.readouterr().err
    assert "Task exception was never retrieved" in err
    assert "ValueError" in err
    assert "hunter2" not in err


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
