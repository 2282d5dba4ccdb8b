from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from checks import generated, kinds
from checks import repository as repo

Body = dict[str, Any]
Render = Callable[..., list[Body]]


@cache
def _rendered(options: tuple[str, ...]) -> tuple[Body, ...]:
    """The objects, which tests share and must not change."""
    return tuple(generated.loaded(generated.template(repo.ROOT / repo.CHART, *options)))


@pytest.fixture(scope="session")
def render() -> Render:
    """Renders the release with values written as for --set; refusals raise CheckError."""

    def rendered(*values: str) -> list[Body]:
        options = [f"--set={value}" for value in values]
        return [body for body in objects(*options) if not generated.is_hook(body)]

    return rendered


@pytest.fixture
def defaults(render: Render) -> list[Body]:
    return render()


@pytest.fixture(scope="session")
def render_with() -> Render:
    """Renders everything, hooks too, with options of `helm template` as they are."""
    return objects


@pytest.fixture(params=kinds.chart_variants().items(), ids=lambda item: item[0])
def variant(request: pytest.FixtureRequest) -> list[Body]:
    """Everything that the chart makes with its defaults and with each file of values in `ci`."""
    _, options = request.param
    return objects(*options)


def objects(*options: str) -> list[Body]:
    return list(_rendered(options))
