"""The entry point of a task's container: ``python -m spectra_agent``."""

from __future__ import annotations

import os
import sys

from spectra_agent import registry, runner, script

USAGE = """\
usage: python -m spectra_agent run FILE.py
       python -m spectra_agent work FILE.py
       python -m spectra_agent exec -- COMMAND [ARGUMENT...]

  run    load the file and call the handler decorated with @task for SPECTRA_TASK,
         or its only one
  work   load the file and claim tasks for its handlers until SIGTERM (agents in mode Pool)
  exec   run the command as the task: its last lines become the message, and the JSON
         object it writes to the file $SPECTRA_OUTPUTS becomes the outputs

The task is read from SPECTRA_WORKFLOW, SPECTRA_PHASE, SPECTRA_TASK, SPECTRA_INDEX,
SPECTRA_ATTEMPT, SPECTRA_KEY and SPECTRA_INPUT (a JSON object). The result, at most
4,000 bytes of JSON, goes to the file SPECTRA_RESULT_PATH or /dev/termination-log,
and outside a pod to standard output.

A worker reads SPECTRA_WORKER_URL, SPECTRA_WORKER_TOKEN_FILE, SPECTRA_WORKER_SLOTS (tasks
at once, default 1) and SPECTRA_WORKER_GRACE (seconds to end after SIGTERM, default 25).

exit codes: 0 success, 1 the task failed, 2 wrong usage, 143 ended by SIGTERM;
exec gives the command's own, 126 if it cannot be started, 127 if it is not there;
work gives 0 once the operator has taken back every claim, 1 if it has not.
"""

EXIT_USAGE = 2


def main(arguments: list[str]) -> int:
    """Do what the command line says; returns the exit code."""
    match arguments:
        case ["run", path]:
            return _run_file(path)
        case ["work", path]:
            return _work_file(path)
        case ["exec", "--", *command] if command:
            from spectra_agent.command import execute  # noqa: PLC0415  # rare, and heavy

            return execute(command, os.environ)
        case ["--help" | "-h"]:
            sys.stdout.write(USAGE)
            return 0
    sys.stderr.write(USAGE)
    return EXIT_USAGE


def _run_file(path: str) -> int:
    def choose() -> registry.Handler:
        script.load(path)
        return registry.find(os.environ.get("SPECTRA_TASK", ""))

    runner.on_sigterm(os.environ)
    return runner.attempt(choose)


def _work_file(path: str) -> int:
    from spectra_agent.pool import main as worker  # noqa: PLC0415  # only workers need it

    runner.on_sigterm(os.environ)
    return worker.serve(os.environ, lambda: script.load(path))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
