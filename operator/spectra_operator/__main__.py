"""The way in: `spectra-operator run` and the commands beside it."""

from __future__ import annotations

import gc


def main() -> None:
    """Load the program and run the command given on the command line."""
    gc.disable()  # what is loaded stays; to look for garbage in it is a tenth of the start
    from .process import main as begin  # noqa: PLC0415 - loaded with the collector at rest

    gc.enable()
    begin()


if __name__ == "__main__":
    main()
