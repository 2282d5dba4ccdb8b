"""JSON as the API server speaks it, in bytes.

orjson reads and writes a page or a status several times as fast as the standard library. What it
refuses and others take (nesting beyond its limit, lone surrogates in texts) is left to that: one
such object must not end a watch.
"""

from __future__ import annotations

import json
from typing import Any

import orjson


def dumped(body: Any) -> bytes:
    """Return a document as JSON, without blanks.

    Raises:
        TypeError: Something in it has no JSON.
    """
    try:
        return orjson.dumps(body)
    except TypeError:
        return json.dumps(body, separators=(",", ":")).encode()


def loaded(raw: bytes) -> Any:
    """Return what JSON says.

    Raises:
        ValueError: It is not JSON.
    """
    try:
        return orjson.loads(raw)
    except ValueError:
        return json.loads(raw)
