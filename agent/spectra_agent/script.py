"""Load the user's file, so that its handlers register themselves."""

# ruff: noqa: PTH100, PTH113, PTH120 -- pathlib would cost every task's start-up
from __future__ import annotations

import os
import sys
from importlib.util import module_from_spec, spec_from_file_location

from spectra_agent.errors import HandlerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

MODULE = "spectra_task_file"


def load(path: str) -> ModuleType:
    """Import the file as a module; its own folder comes first in the import path.

    The import system does it, not ``exec``, because it uses the byte code in ``__pycache__``
    that an image was built with.

    Raises:
        HandlerError: There is no such Python file.
        Exception: Whatever the file itself raises while it is imported.
    """
    if not os.path.isfile(path):
        raise HandlerError(f"there is no file {path!r} in this image")
    spec = spec_from_file_location(MODULE, path)
    if spec is None or spec.loader is None:
        raise HandlerError(f"{path!r} is not a Python file (its name must end in .py)")
    sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
    module = module_from_spec(spec)
    sys.modules[MODULE] = module
    spec.loader.exec_module(module)
    return module
