"""Changes of levels: who turned suspend, priority or parallelism of a run, when and why."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .common import ApiModel, ShortText, Timestamp
from .constants import MAX_COUNT


class LevelsSeen(ApiModel):
    """The levels of the spec as they were last looked at; what differs from them is a change."""

    suspend: bool = False
    """Whether nothing new is started."""
    priority: Annotated[int, Field(ge=-1_000_000, le=1_000_000)] = 0
    """The priority."""
    parallelism: Annotated[int, Field(ge=1, le=MAX_COUNT)] | None = None
    """Attempts at once; left out for no limit."""
    signature: ShortText | None = None
    """What the annotation spectra.dev/changed said then, so that it is not taken for what is said
    of a later change."""


class ChangeRecord(ApiModel):
    """A change of a level."""

    field: Literal["suspend", "priority", "parallelism"]
    """What was changed."""
    from_: Annotated[ShortText, Field(alias="from")]
    """The value before; none for no limit."""
    to: ShortText
    """The value since; none for no limit."""
    actor: ShortText
    """Who changed it: the user that signed the change by spectra.dev/changed-by, else the field
    manager that wrote the field last, such as kubectl-edit."""
    reason: ShortText | None = None
    """Why, as spectra.dev/change-reason said."""
    at: Timestamp
    """When the operator saw it."""
