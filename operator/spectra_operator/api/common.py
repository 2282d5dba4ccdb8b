"""What all models share: camelCase names, bounded strings, retry policy, conditions."""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from .constants import MAX_EXPRESSION, MAX_STEP_NAME


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
ExitCode = Annotated[int, Field(ge=1, le=255)]
LongText = Annotated[str, StringConstraints(max_length=1024)]
QUANTITY = r"^[0-9]+(\.[0-9]+)?([numkMGTPE]|[KMGTPE]i|e[0-9]+)?$"
Quantity = Annotated[str, StringConstraints(pattern=QUANTITY, max_length=32)]
"""A Kubernetes quantity, such as 50m or 64Mi."""
Seconds = Annotated[int, Field(ge=1, le=31_536_000)]
Timestamp = datetime

AnyValue = Annotated[Any, Field(json_schema_extra={"x-kubernetes-preserve-unknown-fields": True})]
"""Any JSON value; the whole object's size is checked when it is accepted."""


Expression = Annotated[str, StringConstraints(min_length=1, max_length=MAX_EXPRESSION)]
"""A CEL expression."""

_PERCENT = re.compile(r"(100|[0-9]{1,2})%")


def _number_or_percent(value: Any) -> Any:
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
        return value
    if isinstance(value, str) and _PERCENT.fullmatch(value):
        return value
    raise ValueError("must be a number of items or a percentage such as 10%")


IntOrPercent = Annotated[
    Any,
    AfterValidator(_number_or_percent),
    Field(json_schema_extra={"x-kubernetes-int-or-string": True}),
]
"""A number of items, a percentage such as 10%, or nothing."""


class FailurePolicy(StrEnum):
    """What a failed task means: start nothing new, skip its dependents, or undo what was done."""

    FAIL = "Fail"
    CONTINUE = "Continue"
    ROLLBACK = "Rollback"


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
    jitter_percent: Annotated[int, Field(ge=0, le=100)] = 50
    """Share of the pause that is left to chance, in per cent: 0 makes pauses exact, 100 lets them
    be anything from nothing to the whole. Defaults to 50."""


class RetryRule(ApiModel):
    """What to do after a failure of a certain kind. All that is given must hold."""

    exit_codes: Annotated[list[ExitCode], Field(min_length=1, max_length=64)] | None = None
    """Exit codes of the container that the rule is for."""
    reasons: Annotated[list[ShortText], Field(min_length=1, max_length=32)] | None = None
    """Reasons that the rule is for, such as OOMKilled, Timeout, OutputInvalid."""
    when: Expression | None = None
    """A CEL condition over attempt: {number, failures, exitCode, reason, message, outputs}."""
    action: Literal["Retry", "Fail"]
    """Retry: try again while the limit allows. Fail: no further attempt, whatever is left."""


class RetryPolicy(ApiModel):
    """How often a task is tried again. Failures and losses have budgets of their own."""

    limit: Annotated[int, Field(ge=0, le=100)] = 0
    """Attempts after the first that a task's own failures may cost. Defaults to 0: no retry."""
    loss_limit: Annotated[int, Field(ge=0, le=100)] = 3
    """Attempts lost to the infrastructure (evicted or deleted pod, lost node) before the task
    fails. They do not count against limit. Defaults to 3."""
    backoff: Backoff = Backoff()
    """Pause between attempts."""
    rules: Annotated[list[RetryRule], Field(max_length=16)] = []
    """Which failures are tried again: the first rule that fits decides; without one the attempt
    is tried again."""


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
