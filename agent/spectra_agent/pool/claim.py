"""A claim as the operator hands it out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Claim:
    """One attempt that this worker is to do.

    Attributes:
        id: The name of the attempt, unique over everything.
        epoch: Fences what an earlier owner of the claim still sends.
        task: The task's name, which picks the handler.
        workflow: The workflow's name, or empty.
        phase: The phase's name.
        key: An idempotency key, the same for every attempt of the item.
        index: The item of a fan-out, from 0.
        attempt: The number of this try, from 1.
        input: The task's input.
        checkpoint: What the last attempt left, or None.
        replay: Whether the task was done before, and is done again to try a new revision.
        traceparent: The span that the task's own spans belong under, or empty.
    """

    id: str
    epoch: int
    task: str
    workflow: str
    phase: str
    key: str
    index: int
    attempt: int
    input: Mapping[str, Any]
    checkpoint: Any
    replay: bool = False
    traceparent: str = ""


def read_claims(body: Mapping[str, Any]) -> list[Claim]:
    """The claims of an answer.

    Raises:
        ValueError: They do not have the shape that the worker API promises.
    """
    found = body.get("claims")
    if not isinstance(found, list):
        raise ValueError("the answer has no list 'claims'")
    return [_claim(entry) for entry in found]


def _claim(entry: object) -> Claim:
    if not isinstance(entry, dict):
        raise ValueError("a claim of the answer is no object")
    return Claim(
        id=_field(entry, "id", str),
        epoch=_field(entry, "epoch", int),
        task=_field(entry, "task", str),
        workflow=_field(entry, "workflow", str, ""),
        phase=_field(entry, "phase", str, ""),
        key=_field(entry, "key", str, ""),
        index=_field(entry, "index", int, 0),
        attempt=_field(entry, "attempt", int, 1),
        input=_field(entry, "input", dict, {}),
        checkpoint=entry.get("checkpoint"),
        replay=_field(entry, "replay", bool, False),
        traceparent=_field(entry, "traceparent", str, ""),
    )


def _field(entry: Mapping[str, Any], name: str, kind: type, default: Any = None) -> Any:
    """The value of a field; null counts as left out."""
    value = entry.get(name)
    value = default if value is None else value
    if not isinstance(value, kind):
        raise ValueError(f"a claim of the answer has no proper field {name!r}")
    return value
