"""Replicas whose metrics a real Prometheus scrapes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import yaml

from builders.replica import Operator
from monitoring.rules import rules_file
from spectra_operator.kube.clock import SystemClock
from spectra_operator.observability.health import HealthServer
from spectra_operator.observability.loop_lag import LoopLag


@asynccontextmanager
async def served(operator: Operator, port: int) -> AsyncIterator[None]:
    """Serve the metrics of a replica, and measure its event loop."""
    server = HealthServer(port, operator.metrics, lambda: "", lambda: "")
    await server.start()
    clock = SystemClock()
    measured = LoopLag(clock.monotonic, clock.sleep, operator.metrics.loop_lag.observe)
    lag = asyncio.create_task(measured.run())
    try:
        yield
    finally:
        lag.cancel()
        await asyncio.gather(lag, return_exceptions=True)
        await server.stop()


def scraping(folder: Path, ports: list[int], interval: str) -> dict[str, Any]:
    """Return settings that scrape, and evaluate the chart's rules, as often as is said.

    Args:
        folder: Where the rules are put.
        ports: Of the replicas, on this machine.
        interval: As Prometheus writes it, such as `200ms`.
    """
    rules = yaml.safe_load(rules_file())
    for group in rules["groups"]:
        group["interval"] = interval
    (folder / "rules.yaml").write_text(yaml.safe_dump(rules))
    targets = [{"targets": [f"127.0.0.1:{port}" for port in ports]}]
    return {
        "global": {"scrape_interval": interval, "scrape_timeout": interval},
        "rule_files": ["rules.yaml"],
        "scrape_configs": [{"job_name": "spectra", "static_configs": targets}],
    }
