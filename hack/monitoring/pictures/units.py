"""Values in the units of panels, written as Grafana writes them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from monitoring.dashboards.parts import Unit

_SECONDS = ((1e-6, "ns", 1e-9), (1e-3, "µs", 1e-6), (1, "ms", 1e-3), (60, "s", 1))
_LONGER = ((3600, "min", 60), (86400, "hour", 3600), (math.inf, "day", 86400))
_SCALES = {
    Unit.COUNT: (1000, ("", " K", " Mil", " Bil")),
    Unit.RATE: (1000, (" ops/s", "K ops/s", "M ops/s")),
    Unit.BYTES: (1024, (" B", " KiB", " MiB", " GiB")),
    Unit.BYTES_RATE: (1000, (" B/s", " kB/s", " MB/s", " GB/s")),
    Unit.PLAIN: (math.inf, ("",)),
}


def shown(value: float, unit: Unit, decimals: int | None = None) -> str:
    """Return a value with its unit; `decimals` None: as many as it takes."""
    if math.isnan(value):
        return "-"
    if unit is Unit.SHARE:
        return f"{_number(100 * value, decimals)}%"
    if unit is Unit.SECONDS:
        return _duration(value, decimals)
    return _scaled(value, *_SCALES[unit], decimals)


def ticks(top: float, unit: Unit, count: int = 4) -> tuple[float, ...]:
    """Return round values from zero to the top or just above it, about so many."""
    size, nice = _scale(top, unit)
    rough = top / size / count
    power = 10 ** math.floor(math.log10(rough)) if size == 1 or rough > nice[-1] else 1.0
    step = size * power * next((n for n in nice if n * power >= rough * 0.999), nice[-1])
    return tuple(place * step for place in range(math.ceil(top / step * 0.999) + 1))


def _scale(top: float, unit: Unit) -> tuple[float, tuple[float, ...]]:
    """Return the size in which steps are round, and which are."""
    if unit is Unit.SECONDS and top > 60:
        long = next(each for _, _, each in reversed(_LONGER) if top > each or each == 60)
        return long, (0.25, 0.5, 1, 2, 5, 10, 15, 30)
    base = 1024 if unit is Unit.BYTES else 1000
    size = 1.0
    while top / size >= base:
        size *= base
    return size, (1, 2, 2.5, 5, 10)


def _duration(value: float, decimals: int | None) -> str:
    if value == 0:
        return "0 s"
    _, name, size = next(each for each in (*_SECONDS, *_LONGER) if abs(value) < each[0])
    return f"{_number(value / size, decimals)} {name}"


def _scaled(value: float, base: float, names: Sequence[str], decimals: int | None) -> str:
    place = 0
    while abs(value) >= base and place < len(names) - 1:
        value, place = value / base, place + 1
    return _number(value, decimals) + names[place]


def _number(value: float, decimals: int | None) -> str:
    if decimals is not None:
        return f"{value:.{decimals}f}"
    digits = 0 if value == 0 else max(0, 2 - math.floor(math.log10(abs(value))))
    said = f"{value:.{digits}f}"
    return said.rstrip("0").rstrip(".") if "." in said else said
