"""Dashboards as Grafana's JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from typing import Any

from monitoring.dashboards.parts import Dashboard, Panel, Query, Row, Steps, Unit, View
from monitoring.dashboards.words import COLOURS, LEGENDS

Body = dict[str, Any]
SCHEMA = 39
COLUMNS = 24
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
RUNBOOKS, SUFFIX = "docs/runbooks/", ".md"
"""What stands before and after the name of an alert in the address of its runbook. The chart puts
the halves of `metrics.runbookUrlPattern` in their place, or leaves the links out without it."""
_HEIGHTS = {View.NUMBER: 4, View.GAUGE: 4, View.TABLE: 6}
_HEIGHT = 8
_ORDER = ("alertname", "severity", "state", "reason", "Value")
_TIMELESS = [
    {
        "id": "organize",
        "options": {
            "excludeByName": {"Time": True},
            "indexByName": {name: place for place, name in enumerate(_ORDER)},
            "renameByName": {"Value": "count"},
        },
    }
]


def render(found: Dashboard, others: tuple[Dashboard, ...]) -> str:
    """Return the JSON of a dashboard, with links to all others."""
    return json.dumps(rendered(found, others), indent=2, ensure_ascii=False) + "\n"


def rendered(found: Dashboard, others: tuple[Dashboard, ...]) -> Body:
    """Return the same, before it is written."""
    return {
        "uid": found.uid,
        "title": f"Spectra / {found.title}",
        "description": found.description,
        "tags": ["spectra"],
        "schemaVersion": SCHEMA,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "browser",
        "refresh": "30s",
        "links": [*(_link(each) for each in others if each.uid != found.uid), _runbooks()],
        "templating": {"list": list(_variables(found))},
        "panels": list(_panels(found.rows)),
    }


def _link(other: Dashboard) -> Body:
    return {
        "type": "link",
        "title": other.title,
        "tooltip": other.description,
        "url": f"/d/{other.uid}",
        "icon": "dashboard",
        "keepTime": True,
        "includeVars": True,
        "targetBlank": False,
    }


def _runbooks() -> Body:
    return {
        "type": "link",
        "title": "Runbooks",
        "tooltip": "What each alert means and what to do",
        "url": "${runbooks}",
        "icon": "doc",
        "targetBlank": True,
    }


def _variables(found: Dashboard) -> Iterator[Body]:
    yield {
        "name": "datasource",
        "label": "Data source",
        "type": "datasource",
        "query": "prometheus",
        "current": {},
    }
    if found.by_agent:
        yield _values("namespace", "Namespace", "spectra_agent_tasks_running", "agent_namespace")
        of_namespace = 'spectra_agent_tasks_running{agent_namespace=~"$namespace"}'
        yield _values("agent", "Agent", of_namespace, "agent")
    yield {
        "name": "runbooks",
        "label": "Runbooks at",
        "description": "The address of the folder with the runbooks",
        "type": "textbox",
        **_one_value(RUNBOOKS),
    }
    yield {"name": "suffix", "type": "constant", "hide": 2, **_one_value(SUFFIX)}


def _one_value(text: str) -> Body:
    shown = {"text": text, "value": text}
    return {"query": text, "current": shown, "options": [{"selected": True, **shown}]}


def _values(name: str, label: str, series: str, of: str) -> Body:
    query = f"label_values({series}, {of})"
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": SOURCE,
        "definition": query,
        "query": {"query": query, "refId": name},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    }


def _panels(rows: tuple[Row, ...]) -> Iterator[Body]:
    """Yield rows and panels, from left to right and from top to bottom."""
    ids, y = count(1), 0
    for row in rows:
        place = {"h": 1, "w": COLUMNS, "x": 0, "y": y}
        yield {
            "id": next(ids),
            "type": "row",
            "title": row.title,
            "collapsed": False,
            "gridPos": place,
            "panels": [],
        }
        y += 1
        for line in _lines(row.panels):
            high, x = max(_HEIGHTS.get(panel.view, _HEIGHT) for panel in line), 0
            for panel in line:
                place = {"h": high, "w": panel.width, "x": x, "y": y}
                yield _panel(panel, next(ids), place)
                x += panel.width
            y += high


def _lines(panels: tuple[Panel, ...]) -> Iterator[list[Panel]]:
    """Yield the panels that lie beside each other; they are all as high as the highest."""
    line: list[Panel] = []
    for panel in panels:
        if sum(each.width for each in (*line, panel)) > COLUMNS:
            yield line
            line = []
        line.append(panel)
    yield line


def _panel(panel: Panel, number: int, place: Body) -> Body:
    return {
        "id": number,
        "type": panel.view.value,
        "title": panel.title,
        "description": panel.description,
        "datasource": SOURCE,
        "gridPos": place,
        "links": [_runbook(panel.alert)] if panel.alert else [],
        "fieldConfig": {"defaults": _defaults(panel), "overrides": _overrides(panel)},
        "options": _options(panel),
        "targets": [_target(q, i, panel.view) for i, q in enumerate(panel.queries)],
        "transformations": _TIMELESS if panel.view is View.TABLE else [],
    }


def _runbook(alert: str) -> Body:
    return {
        "title": f"Runbook {alert}",
        "url": f"${{runbooks}}{alert}${{suffix}}",
        "targetBlank": True,
    }


def _overrides(panel: Panel) -> list[Body]:
    """Return what differs by name: alerts in tables lead to runbooks, words have colours."""
    if panel.view is not View.TABLE:
        has_words = any(query.legend in LEGENDS for query in panel.queries)
        return [_coloured(*each) for each in COLOURS.items()] if has_words else []
    link = {"title": "Runbook", "url": "${runbooks}${__value.raw}${suffix}", "targetBlank": True}
    return [
        {
            "matcher": {"id": "byName", "options": "alertname"},
            "properties": [{"id": "links", "value": [link]}],
        }
    ]


def _coloured(colour: str, words: tuple[str, ...]) -> Body:
    return {
        "matcher": {"id": "byRegexp", "options": f"/^({'|'.join(words)})$/"},
        "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": colour}}],
    }


def _target(query: Query, place: int, view: View) -> Body:
    instant = view not in (View.LINES, View.NUMBER)
    return {
        "refId": chr(ord("A") + place),
        "datasource": SOURCE,
        "expr": query.text,
        "legendFormat": query.legend or "__auto",
        "instant": instant,
        "range": not instant,
        "format": "table" if view is View.TABLE else "time_series",
    }


def _defaults(panel: Panel) -> Body:
    is_exact = panel.unit is Unit.COUNT and panel.view is not View.LINES
    unit = Unit.PLAIN if is_exact else panel.unit
    found: Body = {"unit": unit.value, "min": 0, "color": {"mode": "palette-classic"}}
    if is_exact:
        found["decimals"] = 0
    if panel.most is not None:
        found["max"] = panel.most
    if panel.steps is not None:
        found["color"] = {"mode": "thresholds"}
        found["thresholds"] = {"mode": "absolute", "steps": _steps(panel.steps)}
    if panel.view is View.LINES:
        lines: Body = {"lineWidth": 2, "fillOpacity": 40 if panel.stacked else 8}
        if panel.stacked:
            lines["stacking"] = {"mode": "normal", "group": "A"}
        found["custom"] = lines
    return found


def _steps(steps: Steps) -> list[Body]:
    first: Body = {"color": steps.first, "value": None}
    return [first, *({"color": color, "value": value} for value, color in steps.rest)]


def _options(panel: Panel) -> Body:
    reduced = {"calcs": ["lastNotNull"], "fields": "", "values": False}
    if panel.view is View.LINES:
        legend = {"displayMode": "list", "placement": "bottom", "showLegend": True}
        return {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}}
    if panel.view is View.TABLE:
        return {"showHeader": True}
    if panel.view is View.BARS:
        return {"orientation": "horizontal", "displayMode": "basic", "reduceOptions": reduced}
    if panel.view is View.GAUGE:
        return {"reduceOptions": reduced, "showThresholdMarkers": True}
    mode = "value_and_name" if panel.queries[0].legend else "auto"
    return {
        "reduceOptions": reduced,
        "colorMode": "value",
        "graphMode": "area",
        "textMode": mode,
    }
