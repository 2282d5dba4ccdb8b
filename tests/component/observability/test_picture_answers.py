"""A real Prometheus answers what pictures ask."""

from __future__ import annotations

import time
from pathlib import Path

import httpx
import pytest

from builders.board_answers import Body, a_board, a_panel
from builders.real_prometheus import a_real_prometheus
from monitoring.dashboards.parts import Panel, View, ask
from monitoring.pictures import Window, asked


def asking(query: str, view: View = View.LINES) -> Body:
    """Return a dashboard that asks this."""
    return a_board(Panel("Some panel", "For tests.", ask(query), view=view))


async def test_ranges_and_moments_are_read_without_what_is_no_number(tmp_path: Path) -> None:
    end = time.time()
    window = Window(end - 30, end, 10)
    async with (
        a_real_prometheus(tmp_path, {}) as address,
        httpx.AsyncClient(trust_env=False) as client,
    ):
        two = asking("vector($two)")
        (series,) = (await asked(client, address, two, window, {"$two": "2"}))[2, "A"]
        assert tuple(series.points) == window.times()
        assert set(series.points.values()) == {2}

        late = f"vector(time()) > {end - 15:.3f}"
        (series,) = (await asked(client, address, asking(late), window, {}))[2, "A"]
        assert tuple(series.points) == window.times()[2:]

        now = asking("label_replace(vector(3), 'state', 'Failed', '', '')", View.TABLE)
        (series,) = (await asked(client, address, now, window, {}))[2, "A"]
        assert (series.last, series.labels) == (3, {"state": "Failed"})

        (series,) = (await asked(client, address, asking("vector(0/0)"), window, {}))[2, "A"]
        assert not series.points

        with pytest.raises(ValueError, match=r"query sum\(: .*; mend it in hack/monitoring"):
            await asked(client, address, asking("sum("), window, {})


def test_a_panel_of_each_view_asks_for_what_it_shows() -> None:
    ranges = {view: a_board(a_panel(view))["panels"][1]["targets"][0]["range"] for view in View}
    assert [view for view, is_range in ranges.items() if is_range] == [View.NUMBER, View.LINES]
