"""Immutable mappings of indexes, of which one that differs in an entry shares nearly all with it.

A record of a wide fan-out is replaced at every start and end of an item. To copy a dict of two
thousand entries each time takes time, and pieces out of the heap that nothing else fits into.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from typing import Any, Generic, Self, TypeVar

V = TypeVar("V")
S = TypeVar("S", bound="Sparse[Any]")
_BITS = 5
FEW = 16
"""So many entries are copied as quickly as they are shared."""


class Sparse(Mapping[int, V], Generic[V]):
    """Entries by index, in pieces of 32 neighbours; a change copies one of them, and their table.

    Two that stem from one another are compared piece by piece: what they share is not looked at.
    """

    __slots__ = ("_pieces", "_size")

    def __init__(self, entries: Mapping[int, V]) -> None:
        pieces: dict[int, dict[int, V]] = {}
        for index, value in entries.items():
            pieces.setdefault(index >> _BITS, {})[index] = value
        self._pieces, self._size = pieces, len(entries)

    def with_entry(self, index: int, value: V) -> Self:
        """Return the mapping with an entry set."""
        place = index >> _BITS
        piece = self._pieces.get(place, {})
        grown = self._size + (index not in piece)
        return self._of(type(self), self._pieces | {place: piece | {index: value}}, grown)

    def without(self, index: int) -> Sparse[V]:
        """Return the mapping without an entry."""
        return self.without_all({index}) if index in self else self

    def without_all(self, indexes: Set[int]) -> Sparse[V]:
        """Return the mapping without some entries: each piece of it is copied once at most."""
        pieces, size = dict(self._pieces), self._size
        copied: set[int] = set()
        for index in indexes:
            if index not in self:
                continue
            place = index >> _BITS
            if place not in copied:
                pieces[place] = dict(pieces[place])
                copied.add(place)
            del pieces[place][index]
            size -= 1
        for place in copied:
            if not pieces[place]:
                del pieces[place]
        return self._of(Sparse, pieces, size)

    @staticmethod
    def _of(kind: type[S], pieces: dict[int, dict[int, Any]], size: int) -> S:
        made = object.__new__(kind)
        made._pieces, made._size = pieces, size
        return made

    def __getitem__(self, index: int) -> V:
        return self._pieces[index >> _BITS][index]

    def get(self, index: int, default: Any = None) -> Any:
        """Return an entry, or what is given for none."""
        piece = self._pieces.get(index >> _BITS)
        return default if piece is None else piece.get(index, default)

    def __contains__(self, index: object) -> bool:
        return isinstance(index, int) and index in self._pieces.get(index >> _BITS, ())

    def __iter__(self) -> Iterator[int]:
        for piece in self._pieces.values():
            yield from piece

    def __len__(self) -> int:
        return self._size

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Sparse):
            return self._size == other._size and self._pieces == other._pieces
        if isinstance(other, Mapping):
            return dict(self.items()) == dict(other.items())
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({dict(self)!r})"


class Texts(Sparse[str]):
    """Texts by index that come and stay; `length` is how many characters they have together."""

    __slots__ = ("length",)

    def __init__(self, entries: Mapping[int, str]) -> None:
        super().__init__(entries)
        self.length = sum(map(len, entries.values()))

    def with_entry(self, index: int, value: str) -> Self:
        """Return the mapping with a text set."""
        made = super().with_entry(index, value)
        made.length = self.length + len(value) - len(self.get(index, ""))
        return made


def with_entry(
    entries: Mapping[int, V], index: int, value: V, kind: type[Sparse[V]] = Sparse
) -> Mapping[int, V]:
    """Return a mapping with an entry set, shared with the one before if there are many."""
    if isinstance(entries, kind):
        return entries.with_entry(index, value)
    if len(entries) < FEW:
        return {**entries, index: value}
    return kind(entries).with_entry(index, value)


def without(entries: Mapping[int, V], index: int) -> Mapping[int, V]:
    """Return a mapping without an entry, shared with the one before if there are many."""
    if isinstance(entries, Sparse):
        return entries.without(index)
    if len(entries) <= FEW:
        return {i: value for i, value in entries.items() if i != index}
    return Sparse(entries).without(index)


def without_all(entries: Mapping[int, V], indexes: Set[int]) -> Mapping[int, V]:
    """Return a mapping without some entries, shared with the one before if it is."""
    if isinstance(entries, Sparse):
        return entries.without_all(indexes)
    return {i: value for i, value in entries.items() if i not in indexes}


def with_text(texts: Mapping[int, str], index: int, text: str) -> Mapping[int, str]:
    """Return texts with one set, of which many know how long they are together."""
    return with_entry(texts, index, text, Texts)


def length_of(texts: Mapping[int, str]) -> int:
    """Return how many characters texts have together."""
    return texts.length if isinstance(texts, Texts) else sum(map(len, texts.values()))
