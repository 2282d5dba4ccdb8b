"""Whose time it is: every sample belongs to one room of the operator, or to one library."""

from __future__ import annotations

from collections import Counter

from profiling.stacks import Frame, Stack

OPERATOR = "spectra_operator/"
ENCODE, DECODE = "kube: JSON written", "kube: JSON read"
LOOP, IMPORTS, OTHER = "event loop", "imports", "other"

_JSON = {"dumped": ENCODE, "loaded": DECODE}
_IMPORT = "<frozen importlib"
_ROOMS = (
    (f"{OPERATOR}core/", "core"),
    (f"{OPERATOR}engine/", "engine"),
    (f"{OPERATOR}dispatch/", "dispatch"),
    (f"{OPERATOR}handlers/", "handlers"),
    (f"{OPERATOR}observability/", "observability"),
    (f"{OPERATOR}api/", "api"),
    (f"{OPERATOR}kube/", "kube: HTTP, watches, Leases"),
    (OPERATOR, "operator: the rest"),
    ("aiohttp/", "aiohttp"),
    ("aiohappyeyeballs/", "aiohttp"),
    ("aiosignal/", "aiohttp"),
    ("multidict/", "aiohttp"),
    ("yarl/", "aiohttp"),
    ("kopf/", "kopf"),
    ("pydantic", "pydantic"),
    ("prometheus_client/", "prometheus_client"),
    ("opentelemetry/", "opentelemetry"),
    ("httpx/", "httpx"),
    ("celpy/", "CEL"),
    ("cel/", "CEL"),
    ("asyncio/", LOOP),
    ("uvloop/", LOOP),
    ("selectors.py", LOOP),
    ("ssl.py", "TLS"),
)


def room_of(frame: Frame) -> str:
    """Return the room of a function; empty for the standard library and what is not listed."""
    if frame.file == f"{OPERATOR}kube/documents.py":
        return _JSON.get(frame.name, OTHER)
    return next((room for prefix, room in _ROOMS if frame.file.startswith(prefix)), "")


def owner(stack: Stack) -> str:
    """Return the room that the time of a sample belongs to.

    That is the innermost frame's that has one: what the standard library does is done for its
    caller, and so is what a library written in C does, which has no frames at all. What a module
    does while it is imported is done by nobody's code, and is a room of its own.
    """
    if any(frame.file.startswith(_IMPORT) for frame in stack):
        return IMPORTS
    return next((room for frame in reversed(stack) if (room := room_of(frame))), OTHER)


def by_room(stacks: Counter[Stack]) -> Counter[str]:
    """Return the samples of each room."""
    found: Counter[str] = Counter()
    for stack, count in stacks.items():
        found[owner(stack)] += count
    return found
