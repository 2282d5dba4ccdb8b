"""The four dashboards."""

from __future__ import annotations

from monitoring.dashboards.agents import AGENTS
from monitoring.dashboards.internals import INTERNALS
from monitoring.dashboards.overview import OVERVIEW
from monitoring.dashboards.workflow import WORKFLOW

DASHBOARDS = (OVERVIEW, WORKFLOW, AGENTS, INTERNALS)
