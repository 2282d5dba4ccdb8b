"""WorkflowTemplate: a workflow to be made from, with parameters."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from .common import ApiModel, ShortText
from .workflow import WorkflowBody

Samples = Annotated[list[Annotated[int, Field(ge=0)]], Field(max_length=32)]
TaskPath = Annotated[str, StringConstraints(max_length=96)]


class WorkflowTemplateSpec(WorkflowBody):
    """What workflows that refer to it do. A change holds for workflows accepted after it."""

    successful_runs_history_limit: Annotated[int, Field(ge=0, le=10_000)] | None = None
    """Succeeded workflows of the template that are kept; the oldest are deleted. All if left
    out."""
    failed_runs_history_limit: Annotated[int, Field(ge=0, le=10_000)] | None = None
    """Workflows of the template that failed or were cancelled and are kept. All if left out."""


class WorkflowTemplateStatus(ApiModel):
    """What is known of the template and of its runs."""

    observed_generation: int | None = None
    """The generation of the spec that this status speaks of."""
    revision: ShortText | None = None
    """Hash of the spec; workflows made from it carry it."""
    valid: bool | None = None
    """Whether workflows can be made from it."""
    message: Annotated[str, StringConstraints(max_length=1024)] | None = None
    """What is wrong with it."""
    observed: Annotated[dict[TaskPath, Samples], Field(max_length=1024)] | None = None
    """Milliseconds that attempts of its tasks took, newest last, by phase/task."""
