"""Sets of item indexes as integers: bit i is item i. Written as ranges such as `0-98,100`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..api.constants import MAX_COUNT

_BYTES = MAX_COUNT // 8 + 1
_FEW = 16
"""So many are cheaper to join one by one."""


def render(mask: int) -> str:
    """Return the set as ranges, as Indexed Jobs write them; the empty set is the empty string."""
    parts: list[str] = []
    start = 0
    while mask >> start:
        start += _trailing_zeros(mask >> start)
        length = _trailing_zeros(~(mask >> start))
        end = start + length - 1
        parts.append(f"{start}-{end}" if length > 1 else str(start))
        start = end + 1
    return ",".join(parts)


def parse(text: str) -> int:
    """Return the set that ranges describe.

    Raises:
        ValueError: a part is not an index or a range.
    """
    mask = 0
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        low, high = int(first), int(last or first)
        if low < 0 or high < low or high >= MAX_COUNT:
            raise ValueError(f"not a range of indexes: {part!r}")
        mask |= ((1 << (high - low + 1)) - 1) << low
    return mask


def full(total: int) -> int:
    """Return the set of the first `total` indexes."""
    return (1 << total) - 1


def of(indexes: Iterable[int]) -> int:
    """Return the set of these indexes, each below MAX_COUNT."""
    found = tuple(indexes)
    if len(found) <= _FEW:
        mask = 0
        for index in found:
            mask |= 1 << index
        return mask
    bits = bytearray(_BYTES)
    for index in found:
        bits[index >> 3] |= 1 << (index & 7)
    return int.from_bytes(bits, "little")


def lowest(mask: int, count: int) -> int:
    """Return the set of the first `count` indexes of a set."""
    if mask.bit_count() <= count:
        return mask
    low, high = 0, mask.bit_length()
    while low < high:
        middle = (low + high + 1) // 2
        if (mask & full(middle)).bit_count() <= count:
            low = middle
        else:
            high = middle - 1
    return mask & full(low)


def iterate(mask: int) -> Iterator[int]:
    """Yield the indexes of the set in ascending order."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def _trailing_zeros(number: int) -> int:
    return (number & -number).bit_length() - 1
