"""The result document that a task writes into its termination message.

`{"outputs": {...}, "usage": {"inputTokens": n, "outputTokens": n, "cost": "0.01"},
"message": "...", "spawn": [...]}`, at most 4,000 bytes. A message that is no such document is
just a message; one that was cut off is an error, because outputs must never be lost in silence.
(The kubelet keeps the end of a message that is too long, not its beginning.)
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from ...api.constants import MAX_RESULT_BYTES
from ..spec.nesting import RESULT_DEPTH, too_deep

_KUBELET_CUTS_AT = 4096
_PICO = Decimal("0.000000000001")
_MAX_COST = Decimal(10) ** 12 - _PICO
_MAX_TOKENS = 10**15
_KEYS = {"outputs", "usage", "message", "spawn"}


class ResultError(ValueError):
    """The result document breaks the contract; `reason` is one word for status."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens and cost of one or more attempts. Sums stop at what a status can hold."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost: Decimal = Decimal(0)

    def __add__(self, other: Usage) -> Usage:
        if not (other.input_tokens or other.output_tokens or other.cost):
            return self
        return Usage(
            min(self.input_tokens + other.input_tokens, _MAX_TOKENS),
            min(self.output_tokens + other.output_tokens, _MAX_TOKENS),
            min(self.cost + other.cost, _MAX_COST),
        )


@dataclass(frozen=True, slots=True)
class Result:
    """A parsed result. `outputs` is a JSON object as compact text, or empty for none.

    `spawn` is the JSON array of tasks that a planner returned, or empty for none.
    """

    outputs: str = ""
    usage: Usage = Usage()
    message: str = ""
    spawn: str = ""


def parse_result(text: str) -> Result:
    """Parse a termination message.

    Raises:
        ResultError: `ResultTruncated`, `ResultTooLarge` or `ResultInvalid`.
    """
    size = len(text.encode())
    document = _document(text)
    if document is None:
        if size >= _KUBELET_CUTS_AT and text.rstrip().endswith("}"):
            raise ResultError(
                "ResultTruncated",
                f"the result was cut off at {_KUBELET_CUTS_AT} bytes; "
                f"return at most {MAX_RESULT_BYTES}",
            )
        return Result(message=text[:1024])
    if size > MAX_RESULT_BYTES:
        raise ResultError(
            "ResultTooLarge", f"the result has {size} bytes; return at most {MAX_RESULT_BYTES}"
        )
    outputs = document.get("outputs")
    if outputs is not None and not isinstance(outputs, dict):
        raise ResultError("ResultInvalid", "outputs in the result must be a JSON object")
    spawn = document.get("spawn")
    if spawn is not None and not isinstance(spawn, list):
        raise ResultError("ResultInvalid", "spawn in the result must be a list of tasks")
    return Result(
        outputs=_compact(outputs) if outputs else "",
        usage=_usage(document.get("usage")),
        message=str(document.get("message") or "")[:1024],
        spawn=_compact(spawn) if spawn else "",
    )


def _compact(outputs: dict[str, Any] | list[Any]) -> str:
    """Return outputs as compact JSON; whoever reads them must not trip over their shape."""
    if too_deep(outputs, RESULT_DEPTH):
        text = f"outputs in the result nest deeper than {RESULT_DEPTH} levels"
        raise ResultError("ResultInvalid", text)
    try:
        return json.dumps(outputs, separators=(",", ":"), allow_nan=False)
    except ValueError:
        text = "outputs in the result have a number that is out of range"
        raise ResultError("ResultInvalid", text) from None


def _document(text: str) -> dict[str, Any] | None:
    """Return the JSON object if the text is one that speaks our contract."""
    try:
        document = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or not document.keys() & _KEYS:
        return None
    return document


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _usage(value: Any) -> Usage:
    if value is None:
        return Usage()
    try:
        usage = Usage(
            int(value.get("inputTokens", 0)),
            int(value.get("outputTokens", 0)),
            Decimal(str(value.get("cost", "0"))),
        )
    except (AttributeError, TypeError, ValueError, OverflowError, InvalidOperation):
        raise ResultError("ResultInvalid", "usage in the result has no numbers") from None
    tokens = (usage.input_tokens, usage.output_tokens)
    if not (usage.cost.is_finite() and 0 <= usage.cost <= _MAX_COST):
        raise ResultError("ResultInvalid", "usage.cost in the result is out of range")
    if min(tokens) < 0 or max(tokens) > _MAX_TOKENS:
        raise ResultError("ResultInvalid", "usage in the result has tokens out of range")
    return replace(usage, cost=usage.cost.quantize(_PICO))
