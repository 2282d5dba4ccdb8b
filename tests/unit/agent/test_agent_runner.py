"""Registering handlers and running the one that fits."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from spectra_agent import HandlerError, Result, Task, Usage, registry, runner, task


@pytest.fixture(autouse=True)
def _fresh_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_handlers", {})


@pytest.fixture
def attempt(tmp_path: Path) -> Callable[..., tuple[int, Any]]:
    """Run a handler; its exit code and the document it left."""

    def run(handler: registry.Handler, **env: str) -> tuple[int, Any]:
        path = tmp_path / "result"
        code = runner.attempt(lambda: handler, {**env, "SPECTRA_RESULT_PATH": str(path)})
        return code, json.loads(path.read_bytes())

    return run


def test_a_bare_decorator_names_the_task_after_the_function() -> None:
    @task
    def warm_cache(_task: Task) -> None: ...

    assert registry.handlers() == {"warm-cache": warm_cache}


def test_a_decorator_with_a_name_takes_that_name() -> None:
    @task("warm")
    def anything(_task: Task) -> None: ...

    assert registry.find("warm") is anything


def test_the_only_handler_serves_any_task() -> None:
    @task
    def only(_task: Task) -> None: ...

    assert registry.find("something-else") is only


def test_one_of_several_handlers_must_have_the_tasks_name() -> None:
    task("a")(lambda _task: None)
    task("b")(lambda _task: None)
    with pytest.raises(HandlerError, match=r"no handler for task 'c' \(registered: a, b\)"):
        registry.find("c")


def test_two_handlers_of_one_name_are_refused() -> None:
    task("a")(lambda _task: None)
    with pytest.raises(HandlerError, match="two handlers"):
        task("a")(lambda _task: None)


def test_no_handler_at_all_says_how_to_add_one() -> None:
    with pytest.raises(HandlerError, match=r"registered: none\); decorate one with @task\('a'\)"):
        registry.find("a")


def test_a_dict_becomes_the_outputs(attempt: Callable[..., tuple[int, Any]]) -> None:
    code, document = attempt(
        lambda task: {"double": task.input["n"] * 2}, SPECTRA_INPUT='{"n": 21}'
    )
    assert (code, document) == (0, {"outputs": {"double": 42}})


def test_a_result_carries_usage_and_message(attempt: Callable[..., tuple[int, Any]]) -> None:
    code, document = attempt(lambda _task: Result({"a": 1}, Usage(3, 4, "0.1"), "fine"))
    assert code == 0
    assert document["usage"] == {"inputTokens": 3, "outputTokens": 4, "cost": "0.1"}
    assert document["message"] == "fine"


def test_none_is_success_without_outputs(attempt: Callable[..., tuple[int, Any]]) -> None:
    assert attempt(lambda _task: None) == (0, {})


def test_an_exception_fails_the_task_with_its_type_and_text(
    attempt: Callable[..., tuple[int, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_task: Task) -> dict[str, Any]:
        return {"sum": len(3)}  # type: ignore[arg-type]

    code, document = attempt(broken)
    assert code == 1
    assert document == {"message": "TypeError: object of type 'int' has no len()"}
    assert "Traceback" in capsys.readouterr().err


def test_an_exception_without_text_shows_its_type(
    attempt: Callable[..., tuple[int, Any]],
) -> None:
    def silent(_task: Task) -> None:
        raise KeyboardError

    class KeyboardError(Exception): ...

    assert attempt(silent) == (1, {"message": "KeyboardError"})


def test_a_long_exception_is_bounded(attempt: Callable[..., tuple[int, Any]]) -> None:
    def loud(_task: Task) -> None:
        raise ValueError("x" * 100_000)

    code, document = attempt(loud)
    assert code == 1
    assert len(document["message"]) <= 1000
    assert document["message"].startswith("ValueError: xxx")


@pytest.mark.parametrize("letter", ["x", "\x00", "\U0001f41f", "\ud800", '"'])
def test_a_long_exception_of_any_letters_fits(
    attempt: Callable[..., tuple[int, Any]], letter: str
) -> None:
    def loud(_task: Task) -> None:
        raise ValueError(letter * 100_000)

    code, document = attempt(loud)
    assert code == 1
    assert document["message"].startswith("ValueError: ")
    assert "..." in document["message"]


def test_a_result_that_is_too_large_fails_the_task(
    attempt: Callable[..., tuple[int, Any]],
) -> None:
    code, document = attempt(lambda _task: {"x": "a" * 5000})
    assert code == 1
    assert document["message"].startswith("ResultError: the result is 5,020 bytes of JSON")


def test_a_result_of_the_wrong_type_fails_the_task(
    attempt: Callable[..., tuple[int, Any]],
) -> None:
    code, document = attempt(lambda _task: [1])
    assert code == 1
    assert "a dict of outputs, a Result or None, not list" in document["message"]


def test_a_broken_environment_fails_the_task(attempt: Callable[..., tuple[int, Any]]) -> None:
    code, document = attempt(lambda _task: None, SPECTRA_INPUT="{")
    assert code == 1
    assert document["message"].startswith("InputError: SPECTRA_INPUT is not JSON")


def test_a_failure_that_cannot_be_written_is_said_on_standard_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    env = {"SPECTRA_RESULT_PATH": str(tmp_path / "no" / "folder")}
    assert runner.attempt(lambda: lambda _task: None, env) == 1
    assert "cannot report the failure" in capsys.readouterr().err


def test_an_async_handler_is_awaited(attempt: Callable[..., tuple[int, Any]]) -> None:
    async def double(task: Task) -> dict[str, Any]:
        return {"double": task.input["n"] * 2}

    assert attempt(double, SPECTRA_INPUT='{"n": 21}') == (0, {"outputs": {"double": 42}})


def test_an_async_handler_fails_like_any_other(attempt: Callable[..., tuple[int, Any]]) -> None:
    async def broken(_task: Task) -> None:
        raise ValueError("torn")

    assert attempt(broken) == (1, {"message": "ValueError: torn"})


def test_what_is_for_pool_mode_does_nothing_here(attempt: Callable[..., tuple[int, Any]]) -> None:
    def handler(task: Task) -> dict[str, Any]:
        task.progress(percent=50, message="half")
        task.checkpoint({"row": 1})
        return {"before": task.checkpoint_before, "cancelled": task.cancelled}

    assert attempt(handler) == (0, {"outputs": {"before": None, "cancelled": False}})
