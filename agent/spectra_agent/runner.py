"""Run one handler for the task this process was started for."""

from __future__ import annotations

import os
import sys

from spectra_agent import contract, registry
from spectra_agent.errors import ResultError
from spectra_agent.model import Result, Task

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import FrameType
    from typing import NoReturn

    from spectra_agent.registry import Handler

EXIT_FAILED = 1
"""The handler raised, or its result was refused."""

EXIT_SIGTERM = 143
"""128 + 15, what a shell reports for a process ended by SIGTERM."""


def run(handler: Handler | None = None) -> NoReturn:
    """Handle this process's task and exit: 0 when it succeeded, 1 when it failed.

    Args:
        handler: The function to call; None takes the registered one that fits SPECTRA_TASK.
    """
    on_sigterm(os.environ)
    sys.exit(attempt(lambda: handler or registry.find(os.environ.get("SPECTRA_TASK", ""))))


def attempt(
    choose: Callable[[], Handler],
    env: Mapping[str, str] | None = None,
) -> int:
    """Choose a handler, call it, report the result; the exit code, never an exception.

    Args:
        choose: Gives the handler; what it raises fails the task like the handler's own errors.
        env: The environment to read the task from; None is this process's.
    """
    env = os.environ if env is None else env
    try:
        handler = choose()
        contract.write(_result_of(handler, Task.from_env(env)), env)
    except Exception as error:  # whatever it is, the user must read it
        _tell_the_rest()
        return fail(error, env)
    except BaseException:  # such as sys.exit in the handler
        _tell_the_rest()
        raise
    return 0


def _result_of(handler: Handler, task: Task) -> Result:
    if not task.traceparent:
        return as_result(_finished(handler(task)))
    from spectra_agent.tracing import Continued  # noqa: PLC0415  # only tasks that are traced

    with Continued(task.traceparent):
        return as_result(_finished(handler(task)))


def work() -> NoReturn:
    """Serve the registered handlers as a worker of an agent in mode Pool, until SIGTERM.

    For scripts; `python -m spectra_agent work FILE.py` does the same for a file.
    """
    from spectra_agent.pool import main  # noqa: PLC0415  # loads much, which only workers need

    sys.exit(main.serve(os.environ))


def fail(error: Exception, env: Mapping[str, str]) -> int:
    """Report an error as the task's message, with its traceback on standard error."""
    sys.excepthook(type(error), error, error.__traceback__)
    message = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    try:
        contract.write(Result(message=message), env)
    except OSError as unwritable:
        print(f"spectra_agent: cannot report the failure: {unwritable}", file=sys.stderr)  # noqa: T201
    return EXIT_FAILED


def on_sigterm(env: Mapping[str, str]) -> None:
    """End the process at once, with exit code 143, when SIGTERM comes.

    The kernel ignores the default action for process 1 of a container, so without a handler
    a deleted pod would linger for its whole grace period. A handler may install its own.
    """
    import signal  # noqa: PLC0415  # here, so that importing the SDK costs nothing

    def leave(_signal: int, _frame: FrameType | None) -> None:
        try:
            contract.write(Result(message="ended by SIGTERM"), env)
            _tell_the_rest()
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(EXIT_SIGTERM)  # not SystemExit: the handler's own code could catch it

    signal.signal(signal.SIGTERM, leave)


def _tell_the_rest() -> None:
    """Let the last checkpoint reach the operator, if the task left any."""
    attached = sys.modules.get("spectra_agent.attached")
    if attached is not None:
        attached.tell_the_rest()


def _finished(returned: object) -> object:
    """What an async handler returns in the end; other values as they are."""
    if not hasattr(returned, "__await__"):
        return returned
    import asyncio  # noqa: PLC0415  # heavy, and only async handlers need it

    async def wait() -> object:
        return await returned

    return asyncio.run(wait())


def as_result(returned: object) -> Result:
    """What a handler returned, as a Result.

    Raises:
        ResultError: It is nothing that a handler may return.
    """
    if isinstance(returned, Result):
        return returned
    if returned is None:
        return Result()
    if isinstance(returned, dict):
        return Result(returned)
    raise ResultError(
        f"a handler returns a dict of outputs, a Result or None, not {type(returned).__name__}"
    )
