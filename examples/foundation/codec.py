"""The codecs that Python brings along, behind one name each, and how fast they are here."""

from __future__ import annotations

import bz2
import lzma
import time
import zlib
from collections.abc import Callable
from typing import NamedTuple


class Codec(NamedTuple):
    """A pair of functions, each the inverse of the other."""

    compress: Callable[[bytes], bytes]
    decompress: Callable[[bytes], bytes]


CODECS = {
    "bz2": Codec(bz2.compress, bz2.decompress),
    "lzma": Codec(lambda data: lzma.compress(data, preset=1), lzma.decompress),
    "none": Codec(bytes, bytes),
    "zlib": Codec(zlib.compress, zlib.decompress),
}


def measure(name: str, data: bytes) -> dict[str, float]:
    """Compress and restore; the ratio (raw by stored) and megabytes of raw data a second.

    Raises:
        ValueError: What was restored is not what went in.
    """
    codec = CODECS[name]
    start = time.perf_counter()
    stored = codec.compress(data)
    middle = time.perf_counter()
    restored = codec.decompress(stored)
    end = time.perf_counter()
    if restored != data:
        raise ValueError(f"codec {name} did not restore the {len(data)} bytes it was given")
    return {
        "ratio": round(len(data) / len(stored), 3),
        "compressMBps": megabytes_a_second(len(data), middle - start),
        "restoreMBps": megabytes_a_second(len(data), end - middle),
    }


def megabytes_a_second(size: int, seconds: float) -> float:
    """Bytes and seconds as MB/s; a clock that did not move counts as a microsecond."""
    return round(size / max(seconds, 1e-6) / 1e6, 2)
