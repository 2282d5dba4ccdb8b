"""How deep JSON values may nest, so that nothing that walks them can run out of stack."""

from __future__ import annotations

from typing import Any

RESULT_DEPTH = 32
"""Levels of a task's outputs."""
WORKFLOW_DEPTH = 32
"""Levels of a value in a workflow's spec."""
PHASE_DEPTH = 80
"""Levels of a value in a phase's spec: one of a workflow with outputs put into it."""


def too_deep(value: Any, depth: int) -> bool:
    """Whether a JSON value nests lists and objects deeper than this."""
    level = [value]
    for _ in range(depth):
        parents = [x for x in level if isinstance(x, dict | list)]
        if not parents:
            return False
        level = [c for x in parents for c in (x.values() if isinstance(x, dict) else x)]
    return any(isinstance(x, dict | list) for x in level)
