"""What all models share: camelCase names, bounded strings, retry policy, conditions."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from .constants import MAX_STEP_NAME


class ApiModel(BaseModel):
    """Base of all API models: camelCase in YAML, unknown fields ignored (the API server prunes)."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="ignore",
        frozen=True,
        use_attribute_docstrings=True,
    )


DNS_LABEL = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
StepName = Annotated[
    str, StringConstraints(pattern=DNS_LABEL, min_length=1, max_length=MAX_STEP_NAME)
]
ObjectName = Annotated[str, StringConstraints(pattern=DNS_LABEL, min_length=1, max_length=63)]
WorkflowName = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$", min_length=1, max_length=63)
]
ShortText = Annotated[str, StringConstraints(max_length=256)]
LongText = Annotated[str, StringConstraints(max_length=1024)]
Seconds = Annotated[int, Field(ge=1, le=31_536_000)]
Timestamp = datetime

AnyValue = Annotated[Any, Field(json_schema_extra={"x-kubernetes-preserve-unknown-fields": True})]
"""Any JSON value; the whole object's size is checked when it is accepted."""


class FailurePolicy(StrEnum):
    """What a failed task means for the rest: stop starting, or skip only what depends on it."""

    FAIL = "Fail"
    CONTINUE = "Continue"


class NodeLostPolicy(StrEnum):
    """What to do with an attempt on a node that does not answer."""

    WAIT = "Wait"
    RETRY = "Retry"


class Backoff(ApiModel):
    """Pause before the next attempt: initialSeconds * factor^(n-1), at most maxSeconds."""

    initial_seconds: Annotated[int, Field(ge=0, le=86_400)] = 1
    """Pause after the first failure, in seconds. Defaults to 1."""
    factor: Annotated[int, Field(ge=1, le=10)] = 2
    """What the pause is multiplied with after each further failure. Defaults to 2."""
    max_seconds: Annotated[int, Field(ge=0, le=86_400)] = 300
    """Longest pause in seconds. Defaults to 300."""


class RetryPolicy(ApiModel):
    """How often a task is tried again. Failures and losses have budgets of their own."""

    limit: Annotated[int, Field(ge=0, le=100)] = 0
    """Attempts after the first that a task's own failures may cost. Defaults to 0: no retry."""
    loss_limit: Annotated[int, Field(ge=0, le=100)] = 3
    """Attempts lost to the infrastructure (evicted or deleted pod, lost node) before the task
    fails. They do not count against limit. Defaults to 3."""
    backoff: Backoff = Backoff()
    """Pause between attempts."""


class Condition(ApiModel):
    """A Kubernetes condition."""

    type: Annotated[str, StringConstraints(max_length=64)]
    """Name of the condition in CamelCase."""
    status: Literal["True", "False", "Unknown"]
    """True, False or Unknown."""
    observed_generation: int | None = None
    """The generation of the spec that this condition speaks of."""
    last_transition_time: Timestamp
    """When status last changed."""
    reason: Annotated[str, StringConstraints(max_length=256)]
    """One word in CamelCase for machines."""
    message: Annotated[str, StringConstraints(max_length=1024)] = ""
    """A sentence for people."""


class Usage(ApiModel):
    """What the attempts of a task used, summed over all of them."""

    input_tokens: Annotated[int, Field(ge=0)] = 0
    """Tokens read by language models."""
    output_tokens: Annotated[int, Field(ge=0)] = 0
    """Tokens written by language models."""
    cost: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,12}(\.[0-9]{1,12})?$")] = "0"
    """Cost as a decimal number, in the currency that the agents report in."""
