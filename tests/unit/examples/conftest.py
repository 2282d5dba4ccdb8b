"""The foundation example, loaded once for all its tests."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from unit.examples.example_runner import EXAMPLES, Foundation, load_foundation


@pytest.fixture(scope="session")
def foundation() -> Iterator[Foundation]:
    """The example's agents and workflow; what it imported is forgotten afterwards."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", list(sys.path))
        before = set(sys.modules)
        yield load_foundation(patch)
        for name in set(sys.modules) - before:
            if str(EXAMPLES) in str(getattr(sys.modules[name], "__file__", "")):
                del sys.modules[name]


@pytest.fixture(scope="session")
def run_of_seed(foundation: Foundation) -> Callable[[int], dict[str, dict[str, Any]]]:
    """The outputs of a small run with a seed; each seed is run once."""
    known: dict[int, dict[str, dict[str, Any]]] = {}

    def run(seed: int) -> dict[str, dict[str, Any]]:
        if seed not in known:
            known[seed] = foundation.run(seed=seed, rows=3000)
        return known[seed]

    return run
