"""`kubectl-spectra`, and `python -m kubectl_spectra`."""

from __future__ import annotations

import sys
from typing import NoReturn

# The imports stand in the functions, so that one that fails is a sentence.
_MISSING = "error: {name} is not installed; install spectra-operator[cli]"


def main() -> NoReturn:
    """Run the program."""
    try:
        from .main import program  # noqa: PLC0415
        from .program import end_on_signals, leave  # noqa: PLC0415
    except ModuleNotFoundError as error:
        sys.exit(_MISSING.format(name=error.name))
    end_on_signals()
    try:
        program.main()
    except SystemExit as end:
        if not isinstance(end.code, int):
            raise
        leave(end.code)


def complete() -> None:
    """Answer kubectl's own completion: `kubectl_complete-spectra WORD...`."""
    try:
        from .commands.completion import for_kubectl  # noqa: PLC0415
        from .main import program  # noqa: PLC0415
    except ModuleNotFoundError as error:
        sys.exit(_MISSING.format(name=error.name))
    sys.stdout.write(for_kubectl(program, sys.argv[1:]) + "\n")


if __name__ == "__main__":
    main()
