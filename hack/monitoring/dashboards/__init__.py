"""Grafana's dashboards: what they show is written as data, how it looks in one place."""

from monitoring.dashboards.pages import DASHBOARDS
from monitoring.dashboards.render import render

__all__ = ["DASHBOARDS", "render"]
