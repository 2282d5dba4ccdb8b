"""What can be checked of a spec although some of its fields have not their shape.

A field that nothing else depends on is left out, and the rest is looked at as if it were not
there. Where a broken field means something for others, such as a name, nothing more is said:
it would follow from what was said already.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..spec.paths import Path

_ALONE = frozenset(
    {
        *("timeoutSeconds", "activeDeadlineSeconds", "retry", "priority", "parallelism", "plan"),
        *("description", "resources", "podCleanup", "ttlSecondsAfterFinished", "failurePolicy"),
        *(
            "onFailureRunning",
            "selectionPolicy",
            "suspend",
            "allowFailure",
            "maxFailed",
            "role",
            "concurrency",
        ),
        *("successfulRunsHistoryLimit", "failedRunsHistoryLimit", "concurrencyPolicy"),
    }
)
"""Fields that no other check depends on, and that may be left out."""
_NAMES_OF_USERS = frozenset({"parameters", "matrix", "input", "outputs", "labels", "context"})
"""Below these, keys are names that a person chose."""


def can_go(path: Path) -> bool:
    """Whether what stands at a path can be left out, and the rest still be checked."""
    return _cut(path) is not None


def without(spec: Any, paths: Iterable[Path]) -> Any:
    """Return a spec without what stands at these paths, all of which can go."""
    for path in paths:
        cut = _cut(path)
        if cut is not None:
            spec = _without(spec, path[:cut])
    return spec


def _cut(path: Path) -> int | None:
    """Return how many steps of a path lead to the field that can be left out."""
    for place, step in enumerate(path, start=1):
        if step in _NAMES_OF_USERS:
            return None
        if step in _ALONE:
            return place
    return None


def _without(value: Any, path: Path) -> Any:
    first, rest = path[0], path[1:]
    if isinstance(value, dict) and first in value:
        if rest:
            return {**value, first: _without(value[first], rest)}
        return {key: item for key, item in value.items() if key != first}
    if isinstance(value, list) and isinstance(first, int) and first < len(value) and rest:
        return [*value[:first], _without(value[first], rest), *value[first + 1 :]]
    return value
