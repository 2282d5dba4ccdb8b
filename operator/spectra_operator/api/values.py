"""Typed values: parameters that a workflow takes and outputs that a task promises."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from .common import AnyValue, ApiModel, Expression, LongText
from .rules import checked

InputName = Annotated[str, StringConstraints(max_length=128)]
ParameterName = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_-]*$", min_length=1, max_length=63)
]
RegularExpression = Annotated[str, StringConstraints(min_length=1, max_length=256)]
Choices = Annotated[list[AnyValue], Field(min_length=1, max_length=64)]


class ValueType(StrEnum):
    """Type of a value."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    OBJECT = "object"
    ARRAY = "array"


class Parameter(ApiModel):
    """A named, typed value that expressions use as ${parameters.NAME}."""

    model_config = checked(
        (
            "!has(self.minimum) || !has(self.maximum) || self.minimum <= self.maximum",
            "minimum: is larger than maximum; no value could be right",
        ),
    )

    name: ParameterName
    """Name of the parameter."""
    description: LongText = ""
    """What the parameter means."""
    type: ValueType = ValueType.STRING
    """Type that the value must have. Defaults to string."""
    value: AnyValue = None
    """The value."""
    default: AnyValue = None
    """The value if none is given."""
    enum: Choices | None = None
    """The values that are allowed."""
    pattern: RegularExpression | None = None
    """Regular expression (RE2 syntax) that a string must match somewhere; ^ and $ anchor it."""
    minimum: Annotated[int, Field(ge=-(2**53), le=2**53)] | None = None
    """Smallest number allowed."""
    maximum: Annotated[int, Field(ge=-(2**53), le=2**53)] | None = None
    """Largest number allowed."""


class Output(ApiModel):
    """What a task promises to return under a name."""

    type: ValueType | None = None
    """Type that the value must have; any if left out."""
    description: LongText = ""
    """What the output means."""
    optional: bool = False
    """It may be missing or null."""
    enum: Choices | None = None
    """The values that are allowed."""
    pattern: RegularExpression | None = None
    """Regular expression (RE2 syntax) that a string must match somewhere."""
    rule: Expression | None = None
    """A CEL condition over value (this output) and outputs (all of them) that must be true."""
