"""What a real Prometheus answers to queries is read as it is meant; `make component` gets one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from builders.real_prometheus import a_real_prometheus
from spectra_operator.core.rollout.queries import QueryError, read_answer
from spectra_operator.observability.prometheus import PrometheusClient


@pytest.fixture
async def address(tmp_path: Path) -> AsyncIterator[str]:
    async with a_real_prometheus(tmp_path, {"global": {"scrape_interval": "1h"}}) as address:
        yield address


async def test_each_kind_of_answer_is_told_from_the_others(address: str) -> None:
    two = 'label_replace(vector(1), "a", "b", "", "") or vector(2)'
    values = {"vector(0.5)": 0.5, "scalar(vector(3))": 3.0, "1/0": float("inf")}
    nothing = ["nothing_there", "0/0", "vector(0) / 0"]
    errors = {"up[5m]": "matrix", '"text"': "string", "sum(": "HTTP 400, bad_data", two: "2 series"}
    async with PrometheusClient() as client:

        async def read(query: str) -> float | None:
            return read_answer(*await client.ask(address, query))

        assert {query: await read(query) for query in values} == values
        assert [await read(query) for query in nothing] == [None] * 3
        for query, says in errors.items():
            with pytest.raises(QueryError, match=says):
                await read(query)
        with pytest.raises(QueryError, match="HTTP 404, and the answer is not one of Prometheus"):
            read_answer(*await client.ask(f"{address}/elsewhere", "up"))
