"""The JSON of the dashboards: whole, readable, linked, and asking only for what there is."""

from __future__ import annotations

import json
import re
from itertools import combinations
from typing import Any

import pytest

from monitoring.alerts import ALERTS
from monitoring.dashboards import DASHBOARDS, render
from monitoring.dashboards.parts import Dashboard
from monitoring.dashboards.words import COLOURS, LEGENDS
from monitoring.names import asked, known, labels_of

Body = dict[str, Any]
RENDERED: dict[str, Body] = {d.uid: json.loads(render(d, DASHBOARDS)) for d in DASHBOARDS}
PANELS: dict[str, Body] = {
    f"{uid}/{panel['title']}": panel
    for uid, found in RENDERED.items()
    for panel in found["panels"]
    if panel["type"] != "row"
}
NAMES = {alert.name for alert in ALERTS}
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
every_dashboard = pytest.mark.parametrize("found", RENDERED.values(), ids=RENDERED)
every_panel = pytest.mark.parametrize("panel", PANELS.values(), ids=PANELS)


def variables(found: Body) -> dict[str, Body]:
    """Return the variables of a dashboard by name."""
    return {each["name"]: each for each in found["templating"]["list"]}


def test_there_are_the_four_each_with_a_file_and_an_address_of_its_own() -> None:
    titles = ["Overview", "Workflow", "Agents and rollouts", "Operator internals"]
    assert [found.title for found in DASHBOARDS] == titles
    for field in ("uid", "file", "title"):
        assert len({getattr(found, field) for found in DASHBOARDS}) == len(DASHBOARDS)


@every_dashboard
def test_the_ids_of_panels_are_unique(found: Body) -> None:
    ids = [panel["id"] for panel in found["panels"]]
    assert len(set(ids)) == len(ids)


@every_dashboard
def test_no_two_panels_of_a_dashboard_have_one_title(found: Body) -> None:
    titles = [panel["title"] for panel in found["panels"]]
    assert len(set(titles)) == len(titles)


@every_dashboard
def test_panels_lie_on_the_grid_and_not_on_each_other(found: Body) -> None:
    cells = []
    for panel in found["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        across, down = range(at["x"], at["x"] + at["w"]), range(at["y"], at["y"] + at["h"])
        cells.append({(x, y) for x in across for y in down})
    assert not [1 for one, other in combinations(cells, 2) if one & other]


@every_dashboard
def test_a_dashboard_fits_a_few_screens(found: Body) -> None:
    assert max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in found["panels"]) <= 80


@every_panel
def test_a_panel_says_what_it_is_in_what_unit_from_which_source(panel: Body) -> None:
    assert 3 <= len(panel["title"]) <= 60
    assert panel["description"].endswith(".") or "kubectl" in panel["description"]
    assert len(panel["description"]) > 10
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["datasource"] == SOURCE
    assert panel["targets"]
    assert all(target["datasource"] == SOURCE for target in panel["targets"])


@every_panel
def test_the_queries_of_a_panel_have_letters_of_their_own(panel: Body) -> None:
    letters = [target["refId"] for target in panel["targets"]]
    assert len(set(letters)) == len(letters)


@every_panel
def test_a_query_asks_for_series_that_are_scraped_or_recorded(panel: Body) -> None:
    for target in panel["targets"]:
        names = asked(target["expr"])
        assert names <= known()
        assert names or "ALERTS" in target["expr"]


@every_panel
def test_a_query_filters_by_labels_that_its_metric_has(panel: Body) -> None:
    for target in panel["targets"]:
        for name, inside in re.findall(r"(spectra_\w+)\{([^}]*)\}", target["expr"]):
            assert set(re.findall(r"(\w+)[=!]", inside)) <= labels_of(name)


@every_panel
def test_a_legend_names_labels_that_the_query_keeps(panel: Body) -> None:
    for target in panel["targets"]:
        for label in re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]):
            recorded = "spectra:" in target["expr"] and label == "slo"
            assert recorded or re.search(rf"by \([^)]*\b{label}\b", target["expr"])


@every_panel
def test_a_rate_is_taken_over_an_interval_that_fits_the_scrapes(panel: Body) -> None:
    for target in panel["targets"]:
        windows = set(re.findall(r"rate\([^()]*\[([^\]]+)\]\)", target["expr"]))
        assert windows <= {"$__rate_interval"}


@every_dashboard
def test_the_variables_of_a_dashboard_are_those_that_its_queries_use(found: Body) -> None:
    text = json.dumps(found["panels"])
    used = set(re.findall(r"\$\{?([a-z]+)\b", text)) - {"__rate_interval", "__value"}
    assert {"datasource", "runbooks", "suffix"} <= variables(found).keys()
    assert used <= variables(found).keys()
    by_agent = {"namespace", "agent"}
    assert (by_agent <= variables(found).keys()) == (by_agent <= used)


def test_agents_are_chosen_among_those_of_the_namespaces_that_are_chosen() -> None:
    found = variables(RENDERED["spectra-agents"])
    assert "agent_namespace)" in found["namespace"]["definition"]
    assert '"$namespace"' in found["agent"]["definition"]
    for name in ("namespace", "agent"):
        assert found[name]["includeAll"]
        assert asked(found[name]["definition"]) <= known()


@every_dashboard
def test_a_dashboard_leads_to_all_others_and_to_the_runbooks(found: Body) -> None:
    urls = [link["url"] for link in found["links"]]
    others = [f"/d/{uid}" for uid in RENDERED if uid != found["uid"]]
    assert urls == [*others, "${runbooks}"]


def test_panels_lead_to_runbooks_that_there_are_and_every_dashboard_has_some() -> None:
    for uid, found in RENDERED.items():
        links = [link for panel in found["panels"] for link in panel.get("links", ())]
        assert links, uid
        for link in links:
            name = link["url"].removeprefix("${runbooks}").removesuffix("${suffix}")
            assert name in NAMES


@every_dashboard
def test_a_link_to_a_runbook_is_its_path_in_the_repository_until_the_chart_knows_better(
    found: Body,
) -> None:
    values = {name: each["query"] for name, each in variables(found).items()}
    assert {values["runbooks"] + alert.name + values["suffix"] for alert in ALERTS} == {
        alert.runbook for alert in ALERTS
    }


def test_every_alert_names_a_dashboard() -> None:
    assert {alert.dashboard for alert in ALERTS} <= RENDERED.keys()


@every_panel
def test_a_colour_begins_where_the_one_below_it_ends(panel: Body) -> None:
    steps = panel["fieldConfig"]["defaults"].get("thresholds", {}).get("steps", [{"value": None}])
    assert steps[0]["value"] is None
    values = [step["value"] for step in steps[1:]]
    assert values == sorted(values)


def test_what_is_rendered_does_not_change_from_one_time_to_the_next() -> None:
    one: Dashboard = DASHBOARDS[0]
    assert render(one, DASHBOARDS) == render(one, DASHBOARDS)


@every_dashboard
def test_panels_beside_each_other_are_of_one_height_so_no_hole_is_left(found: Body) -> None:
    heights: dict[int, set[int]] = {}
    for panel in found["panels"]:
        heights.setdefault(panel["gridPos"]["y"], set()).add(panel["gridPos"]["h"])
    assert all(len(each) == 1 for each in heights.values())


def test_a_word_has_one_colour() -> None:
    words = [word for each in COLOURS.values() for word in each]
    assert len(set(words)) == len(words)


@pytest.mark.parametrize(("word", "colour"), [("Failed", "red"), ("Succeeded", "green")])
def test_states_and_outcomes_have_the_colours_of_their_words(word: str, colour: str) -> None:
    for name, panel in PANELS.items():
        if panel["type"] == "table":
            continue
        named = any(target["legendFormat"] in LEGENDS for target in panel["targets"])
        assert colours_of(panel, word) == [colour] * named, name


def colours_of(panel: Body, name: str) -> list[str]:
    """Return the colours that a panel fixes for a name."""
    return [
        each["properties"][0]["value"]["fixedColor"]
        for each in panel["fieldConfig"]["overrides"]
        if re.search(each["matcher"]["options"].strip("/"), name)
    ]


@every_panel
def test_what_is_counted_is_not_rounded_to_thousands(panel: Body) -> None:
    defaults = panel["fieldConfig"]["defaults"]
    if panel["type"] != "timeseries" and defaults["unit"] not in ("percentunit",):
        assert (defaults["unit"], defaults["decimals"]) == ("none", 0)


def test_a_number_shows_its_name_where_the_name_is_the_answer() -> None:
    modes = {name: p["options"]["textMode"] for name, p in PANELS.items() if p["type"] == "stat"}
    named = [name for name, mode in modes.items() if mode == "value_and_name"]
    assert named == ["spectra-internals/Version"]


@every_panel
def test_a_table_of_growth_leaves_out_what_did_not_grow(panel: Body) -> None:
    if panel["type"] == "table" and "increase(" in panel["targets"][0]["expr"]:
        assert re.fullmatch(r"sort_desc\(.* > 0\)", panel["targets"][0]["expr"])
