"""Why tasks and phases are skipped, and which of these reasons fail nothing."""

from __future__ import annotations

CONDITION_FALSE = "ConditionFalse"
DEPENDENCY_SKIPPED = "DependencySkipped"
SKIPPED_BY_ACTION = "SkippedByAction"
BENIGN = frozenset({CONDITION_FALSE, DEPENDENCY_SKIPPED, SKIPPED_BY_ACTION})
"""Reasons of skips that fail nothing: what depends on the task may still run, and its items are
not among those to be done any more."""
