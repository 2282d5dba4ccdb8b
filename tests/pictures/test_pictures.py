"""`make pictures`: a shift in real time, a real Prometheus, and a picture of each dashboard."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from builders.real_prometheus import a_real_prometheus
from builders.watched import scraping
from monitoring.dashboards import DASHBOARDS
from monitoring.dashboards.render import rendered
from monitoring.pictures import Window, asked, draw
from pictures.shift import a_shift

SECONDS = float(os.environ.get("SPECTRA_PICTURE_SECONDS", "240"))
POINTS = 100
NAMES = {"$__rate_interval": "15s", "$namespace": ".*", "$agent": ".*"}
pytestmark = pytest.mark.timeout(SECONDS + 120)


async def test_every_panel_of_the_pictures_has_data_of_a_shift(
    tmp_path: Path, unused_tcp_port_factory: Callable[[], int], picture_folder: Path
) -> None:
    ports = [unused_tcp_port_factory() for _ in range(4)]
    async with AsyncExitStack() as stack:
        settings = scraping(tmp_path, ports[:2], "1s")
        address = await stack.enter_async_context(a_real_prometheus(tmp_path, settings))
        client = await stack.enter_async_context(httpx.AsyncClient(trust_env=False))
        shift = await stack.enter_async_context(a_shift(ports, SECONDS))
        await shift.work()

        end, found = time.time(), {}
        window = Window(end - SECONDS, end, SECONDS / POINTS)
        for dashboard in DASHBOARDS:
            board = rendered(dashboard, DASHBOARDS)
            answers = await asked(client, address, board, window, NAMES)
            empty = [panel for panel, series in answers.items() if not series]
            assert not empty, f"{dashboard.title}: no data for these panels: {empty}"
            found[dashboard.file] = draw(board, answers, window)
    for name, picture in found.items():
        (picture_folder / name).with_suffix(".svg").write_text(picture)
