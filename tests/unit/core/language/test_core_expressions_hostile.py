"""Expressions made to do harm are refused, or end soon and in little memory."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from unit.core.language.hostile_expressions import EXPRESSIONS, SECONDS

PROGRAM = Path(__file__).with_name("hostile_expressions.py")


@cache
def corpus() -> dict[int, str]:
    """Run the corpus in a process with limits; what became of each by its place."""
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", PROGRAM],
        capture_output=True,
        text=True,
        timeout=SECONDS * 4,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return {i: json.loads(line)[1] for i, line in enumerate(done.stdout.splitlines())}


@pytest.mark.timeout(SECONDS * 4)
def test_the_whole_corpus_ends_within_its_limits_and_without_a_word_to_stderr() -> None:
    assert len(corpus()) == len(EXPRESSIONS) >= 80


@pytest.mark.parametrize("place", range(len(EXPRESSIONS)), ids=lambda i: EXPRESSIONS[i][:30])
def test_a_hostile_expression_is_refused_with_a_sentence_or_gives_a_value(place: int) -> None:
    found = corpus()[place]
    assert found.startswith(("refused: ", "gives: "))
    assert "library refused" not in found
    assert len(found) < 400


@pytest.mark.parametrize(
    "source",
    [
        source
        for source in EXPRESSIONS
        if source.count("map(x, x + x + x") or "texts.map(x," in source
    ],
)
def test_what_would_grow_without_end_is_stopped(source: str) -> None:
    assert "too many steps" in corpus()[EXPRESSIONS.index(source)]
