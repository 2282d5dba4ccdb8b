"""The nearest of the words that there are, for messages about one that there is not."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_COMPARED = 64
"""Characters of a word that are compared; the cost grows with their square."""
SHOWN = 24
"""Words that are listed where none is near."""


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the word that was probably meant; empty if none is near."""
    lower = {each.lower(): each for each in known}
    near = difflib.get_close_matches(word.lower()[:_COMPARED], list(lower), n=1, cutoff=0.6)
    return lower[near[0]] if near else ""


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return the nearest of the words as half a sentence, or else what there is."""
    words = sorted(known)
    near = nearest(word, words)
    if near:
        return f"did you mean {near}?"
    return f"there are {listed(words, SHOWN)}" if words else "leave it out"


def listed(words: Iterable[str], most: int = 8) -> str:
    """Return the first words with commas, and how many more there are."""
    everything = list(words)
    left_out = len(everything) - most
    more = f" and {left_out} more" if left_out > 0 else ""
    return ", ".join(everything[:most]) + more
