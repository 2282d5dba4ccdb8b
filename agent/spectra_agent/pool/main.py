"""The process of a worker: its environment, its signals, its exit code."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping
from types import FrameType

from spectra_agent import registry, runner
from spectra_agent.errors import HandlerError, InputError
from spectra_agent.pool.settings import Settings, say
from spectra_agent.pool.worker import Worker

EXIT_USAGE = 2
ENDINGS = (signal.SIGTERM, signal.SIGINT)
BROKEN = b"!"


def serve(env: Mapping[str, str], load: Callable[[], object] = lambda: None) -> int:
    """Work until SIGTERM or SIGINT.

    Args:
        env: The environment, with `SPECTRA_WORKER_*`.
        load: Registers the handlers.

    Returns:
        0 when the operator has taken back everything, 1 when it has not or no handler could be
        loaded, 2 when the environment is wrong. A handler that does not return ends with the
        process: then this does not return either, and the exit code is the same.
    """
    try:
        settings = Settings.from_env(env)
    except InputError as error:
        say(str(error))
        return EXIT_USAGE
    try:
        load()
        if not registry.handlers():
            raise HandlerError("no handler is registered; decorate one with @task")
    except Exception as error:  # whatever it is, the user must read it
        return runner.fail(error, env)
    return _leave(*_until_signal(settings))


def _until_signal(settings: Settings) -> tuple[Worker, int]:
    """Run a worker to its end; it and its exit code."""
    read, write = os.pipe()
    seen: list[int] = []

    def end(number: int, _frame: FrameType | None) -> None:
        if seen:
            os._exit(128 + number)
        seen.append(number)
        os.write(write, b".")

    for number in ENDINGS:
        signal.signal(number, end)
    worker = Worker(settings, registry.find, lambda: os.write(write, BROKEN))
    say(f"worker {worker.instance}: {settings.slots} slots, operator at {settings.url}")
    worker.start()
    if os.read(read, 1) == BROKEN:
        worker.close(0)
        return worker, runner.EXIT_FAILED
    say(f"ending; running tasks have {settings.grace:g} s")
    return worker, 0 if worker.close() else runner.EXIT_FAILED


def _leave(worker: Worker, code: int) -> int:
    if not worker.busy:
        return code
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
