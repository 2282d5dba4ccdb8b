"""How the kubelet expands `$(NAME)` in variables, as the Kubernetes API documents it."""

from __future__ import annotations

import re
from typing import Any

_REFERENCE = re.compile(r"\$(?:(?P<dollar>\$)|\((?P<name>[^)]*)\))")


def expanded(env: list[dict[str, Any]]) -> dict[str, str]:
    """Return the variables with a value as the container sees them.

    `$$` becomes `$`; `$(NAME)` becomes the value of a variable defined before, and stays as it is
    if there is none.
    """
    known: dict[str, str] = {}
    for variable in env:
        if "value" in variable:
            known[variable["name"]] = _expand(variable["value"], known)
    return known


def _expand(text: str, known: dict[str, str]) -> str:
    return _REFERENCE.sub(lambda m: "$" if m["dollar"] else known.get(m["name"], m.group(0)), text)
