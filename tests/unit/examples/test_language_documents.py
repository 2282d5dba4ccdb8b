"""The pieces of YAML in the documents of tasks, data and planners are what the API knows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from spectra_operator.api.agent import EnvVar
from spectra_operator.api.common import ApiModel
from spectra_operator.api.task import Task
from spectra_operator.api.values import Parameter

DOCS = Path(__file__).parents[3] / "docs"
BLOCK = re.compile(r"^```yaml\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PIECES = [
    pytest.param(text, id=f"{name}-{number}")
    for name in ("tasks", "data", "planner")
    for number, text in enumerate(BLOCK.findall((DOCS / f"{name}.md").read_text()))
]
LISTS: dict[str, type[ApiModel]] = {"tasks": Task, "parameters": Parameter, "env": EnvVar}


def parsed(piece: Any) -> list[tuple[ApiModel, Any]]:
    """Each object of a piece as its model, and as it was written."""
    if isinstance(piece, list):
        piece = {"tasks": piece}
    [(field, value)] = piece.items()
    if field in LISTS:
        return [(LISTS[field].model_validate(one), one) for one in value]
    whole = {"name": "a", "agent": "b"} | piece
    return [(Task.model_validate(whole), whole)]


@pytest.mark.parametrize("text", PIECES)
def test_every_field_of_a_piece_is_known(text: str) -> None:
    for model, written in parsed(yaml.safe_load(text)):
        assert model.model_dump(by_alias=True, exclude_unset=True, mode="json") == written
