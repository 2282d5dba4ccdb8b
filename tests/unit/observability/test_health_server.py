"""Probes and scrapes, asked over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from spectra_operator.observability.health import HealthServer
from spectra_operator.observability.metrics import Metrics


class _Served:
    """A health server whose checks say what the test wants."""

    def __init__(self) -> None:
        self.alive, self.ready = "", ""
        self.metrics = Metrics()
        self.url = ""

    async def get(self, path: str) -> tuple[int, str]:
        async with aiohttp.ClientSession() as session, session.get(self.url + path) as answer:
            return answer.status, await answer.text()


@pytest.fixture
async def served(unused_tcp_port: int) -> AsyncIterator[_Served]:
    served = _Served()
    served.url = f"http://127.0.0.1:{unused_tcp_port}"
    server = HealthServer(
        unused_tcp_port,
        served.metrics,
        lambda: served.alive,
        lambda: served.ready,
    )
    await server.start()
    yield served
    await server.stop()


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_a_healthy_operator_says_ok(served: _Served, path: str) -> None:
    assert await served.get(path) == (200, "ok")


async def test_what_is_wrong_is_said_to_the_probe_it_concerns(served: _Served) -> None:
    served.alive = "the pod watch has been silent for 200 s"
    assert await served.get("/healthz") == (503, "the pod watch has been silent for 200 s")
    assert (await served.get("/readyz"))[0] == 200
    served.alive, served.ready = "", "the pod cache is not filled yet"
    assert (await served.get("/healthz"))[0] == 200
    assert await served.get("/readyz") == (503, "the pod cache is not filled yet")


async def test_metrics_are_served_as_prometheus_reads_them(served: _Served) -> None:
    served.metrics.leader.set(2)
    async with aiohttp.ClientSession() as session, session.get(served.url + "/metrics") as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        assert "spectra_shards_held 2.0" in await answer.text()


async def test_recent_hops_are_served_as_numbers(served: _Served) -> None:
    served.metrics.observe_hop(0.25)
    assert await served.get("/metrics/hops") == (200, "[0.25]")
    assert (await served.get("/elsewhere"))[0] == 404


@pytest.mark.parametrize("path", ["/debug", "/debug.json", "/debug/"])
async def test_nothing_that_names_objects_is_on_the_port_of_metrics(
    served: _Served, path: str
) -> None:
    assert (await served.get(path))[0] == 404
