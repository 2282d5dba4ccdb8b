from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
import yaml

from checks import generated
from checks import repository as repo

Body = dict[str, Any]
Render = Callable[..., list[Body]]


@cache
def _rendered(options: tuple[str, ...]) -> str:
    return generated.template(repo.ROOT / repo.CHART, *options)


@pytest.fixture(scope="session")
def render() -> Render:
    """Renders the chart with values written as for --set; refusals raise CheckError."""

    def rendered(*values: str) -> list[Body]:
        text = _rendered(tuple(f"--set={value}" for value in values))
        return [body for body in yaml.safe_load_all(text) if body]

    return rendered


@pytest.fixture
def defaults(render: Render) -> list[Body]:
    return render()
