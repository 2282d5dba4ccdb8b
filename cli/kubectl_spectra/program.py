"""The program: its group of commands, and how it ends."""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NoReturn

import click

from . import errors

INTERRUPTED = threading.Event()
"""Set by SIGINT: an exception that comes while a callback runs can be lost, and this cannot."""
COMPLETE_VARIABLE = "_KUBECTL_SPECTRA_COMPLETE"
DEBUG_VARIABLE = "SPECTRA_DEBUG"


class Program(click.Group):
    """A group that lists its commands in the order they were added, and ends with our codes."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the commands as a story: look, steer, mend, understand."""
        return list(self.commands)

    def main(self, args: Sequence[str] | None = None, *_: Any, **extra: Any) -> NoReturn:
        """Run, and end the process with the exit code that docs/cli.md lists."""
        try:
            settings = {**extra, "standalone_mode": False, "prog_name": "kubectl spectra"}
            code = super().main(args, complete_var=COMPLETE_VARIABLE, **settings)
        except click.ClickException as error:
            error.show()
            sys.exit(error.exit_code)
        except (KeyboardInterrupt, click.Abort):
            sys.exit(errors.INTERRUPTED)
        except BrokenPipeError:
            # What reads our output has gone; the interpreter must not complain of it at the end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(errors.FAILED)
        except Exception as error:  # the last resort: a sentence, never a traceback
            if os.environ.get(DEBUG_VARIABLE):
                traceback.print_exc()
            text = f"error: this should not happen: {type(error).__name__}: {error}"
            click.echo(f"{text}; {DEBUG_VARIABLE}=1 shows where", err=True)
            sys.exit(errors.INTERNAL)
        sys.exit(code or errors.OK)


def end_on_signals() -> None:
    """Let signals unwind the program, so that a live tree gives the cursor back."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    signal.signal(signal.SIGINT, _interrupt)


def _interrupt(*_: object) -> NoReturn:
    INTERRUPTED.set()
    raise KeyboardInterrupt


def leave(code: int) -> NoReturn:
    """End the process at once: threads that watch may hold what the interpreter's end waits for."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)
