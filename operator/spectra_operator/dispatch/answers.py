"""What the worker API answers: for its document, and as text.

The desk keeps claims as text; an answer is put together from it, never parsed and written anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from ..engine.desk_calls import Orders, Work
from .models import HEARTBEAT_SECONDS
from .refusal import dumped


class Answered(BaseModel):
    """A part of an answer, in camelCase. More fields may come."""

    model_config = ConfigDict(alias_generator=to_camel, use_attribute_docstrings=True)


class Claim(Answered):
    """One attempt of a task, given to this process of the worker."""

    id: str
    """Unique over everything; the name of the attempt."""
    epoch: int
    """Goes with every call about the claim."""
    key: str
    """The same for every attempt of the task: give it to services that must not act twice."""
    workflow: str
    """Name of the workflow."""
    phase: str
    """Name of the phase."""
    task: str
    """Name of the task."""
    index: int | None
    """Which item of a task with a count; null for a task without."""
    replay: bool
    """Whether the task was done before, and is done again to try a new revision of the agent: what
    comes of it is compared, and used by nobody."""
    attempt: int
    """Which attempt, from 1."""
    agent: str
    """Name of the agent."""
    revision: str
    """Revision of the agent that the attempt runs on."""
    input: dict[str, Any]
    """Input of the task."""
    timeout_seconds: float | None
    """How long the attempt may take; null for no limit."""
    checkpoint: Any
    """What the last attempt left to go on from; null for nothing."""
    traceparent: str | None
    """The span that those of the task belong under, as the header of W3C Trace Context; null while
    the operator traces nothing."""


class ClaimsAnswer(Answered):
    """Claims to work on; none when the wait was over."""

    claims: list[Claim]
    """The claims."""
    heartbeat_seconds: float
    """How often to send a heartbeat."""
    drain: bool
    """Ask for no more; end the open claims, and keep sending heartbeats."""


class HeartbeatAnswer(Answered):
    """What the worker must do now."""

    cancel: list[str]
    """Which of the claims that the call names to stop work on, and then to release."""
    drain: bool
    """Ask for no more claims; end the open ones, and keep sending heartbeats."""
    heartbeat_seconds: float
    """How often to send a heartbeat."""


class ResultAnswer(Answered):
    """The result is safe."""

    claims: list[Claim]
    """Next claims, if slots were given and there is work."""


class ReleaseAnswer(Answered):
    """The claim is given back."""


class Error(Answered):
    """Why a call was refused."""

    status: Annotated[int, Field(ge=400, le=599)]
    """The HTTP status."""
    reason: str
    """Why, in one word."""
    message: str
    """Why, in a sentence; names the field that is wrong."""
    address: str | None = None
    """With 421: where to call instead, as http://ip:port."""


def claims_text(work: Sequence[Work], *, drain: bool) -> str:
    """Return a `ClaimsAnswer`."""
    rest = dumped({"heartbeatSeconds": HEARTBEAT_SECONDS, "drain": drain})
    return f'{{"claims":{_list(work)},{rest[1:]}'


def heartbeat_text(orders: Orders) -> str:
    """Return a `HeartbeatAnswer`."""
    return dumped(
        {
            "cancel": orders.cancel,
            "drain": orders.drain,
            "heartbeatSeconds": HEARTBEAT_SECONDS,
        }
    )


def result_text(work: Sequence[Work]) -> str:
    """Return a `ResultAnswer`."""
    return f'{{"claims":{_list(work)}}}'


def _list(work: Sequence[Work]) -> str:
    return f"[{','.join(each.document for each in work)}]"
