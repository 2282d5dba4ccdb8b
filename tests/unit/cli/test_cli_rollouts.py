"""A rollout as people see it: headline, progress, revisions and history."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from builders.specs import Body, an_agent
from kubectl_spectra.rollouts import (
    RolloutView,
    history_table,
    lines,
    progress,
    render,
    rollout_view,
)
from spectra_operator.core.rollout.records import render_record
from spectra_operator.core.rollout.stats import render_stats
from unit.cli.cli_cases import printed
from unit.core.rollout.rollout_cases import Scene, a_rollout, analysed, at, exposed, settled

COMPARED = analysed(
    "failureRatio <= 0.1", "p95Seconds <= 1.5 * stable.p95Seconds", onInconclusive="Pause"
)


def agent_of(scene: Scene, **status: Any) -> Body:
    """Return the Agent object whose status tells of a scene."""
    body = an_agent(
        "optimizer", rollout=scene.spec.model_dump(mode="json", by_alias=True, exclude_unset=True)
    )
    told = {
        "observedGeneration": 1,
        "rollout": render_record(scene.record),
        "revisions": [render_stats(*each) for each in scene.stats.items()],
    }
    return body | {"status": told | status}


def seen(scene: Scene, **status: Any) -> RolloutView:
    return rollout_view(agent_of(scene, **status))


def shown(scene: Scene, **status: Any) -> list[str]:
    """Return the lines of `rollout status`, so many seconds after the start as the scene says."""
    return printed(render(seen(scene, **status), at(scene.second))).splitlines()


def row(scene: Scene, revision: str) -> list[str]:
    """Return the cells of a revision."""
    [line] = [line for line in shown(scene) if line.startswith(f"{revision} ")]
    return [cell.strip() for cell in line.split("  ") if cell.strip()]


def under_way() -> Scene:
    """Return an agent of which 6 of 10 attempts of v2 have ended, one of them badly."""
    scene = exposed(COMPARED)
    scene.end("v1", succeeded=4, seconds=2)
    scene.end("v2", succeeded=5, failed=1, seconds=3, cost="0.5")
    scene.second = 30
    return scene


def test_the_headline_says_state_since_when_and_reason() -> None:
    assert shown(under_way())[0] == "agent/optimizer: Exposed for 30s (Switched)"


def test_below_stand_the_message_and_the_progress_of_the_analysis() -> None:
    [_, message, analysis, *_] = shown(under_way())

    assert message.startswith("  revision v2 is active: at most 10 attempts until")
    assert analysis == (
        "  analysis: 6 of 10 attempts, failureRatio 0.1667, p95Seconds 3, stable.p95Seconds 2"
    )


def test_what_came_of_recorded_tasks_stands_there_unless_the_message_says_it() -> None:
    scene = under_way()
    scene.record = replace(scene.record, replay="5 were done as well")
    said = replace(scene.record, message="active; 5 were done as well")

    assert shown(scene)[2] == "  replay: 5 were done as well"
    assert ("replay", "5 were done as well") in list(lines(seen(scene)))
    scene.record = said
    assert not [line for line in shown(scene) if "replay: " in line]


def test_each_revision_has_a_role_and_figures() -> None:
    scene = under_way()

    assert row(scene, "v1") == ["v1", "stable", "4", "0", "0", "0.0", "2s", "2s"]
    assert row(scene, "v2") == [
        "v2",
        "preview, active",
        *("5", "1", "0", "16.7"),
        *("3s", "3s"),
        "0.5",
    ]


def test_a_terminal_of_eighty_columns_holds_the_figures_and_whole_revisions() -> None:
    scene = under_way()
    body = agent_of(scene)
    text = json.dumps(body).replace('"v1"', '"v4jgdw2jdg"').replace('"v2"', '"67tph4zk4f"')
    stream = io.StringIO()
    picture = render(rollout_view(json.loads(text)), at(scene.second))

    Console(file=stream, width=80, highlight=False).print(picture)

    assert "…" not in stream.getvalue()


def test_what_is_not_known_yet_is_said_so() -> None:
    scene = exposed(COMPARED)

    assert progress(seen(scene)) == (
        "0 of 10 attempts, failureRatio unknown, p95Seconds unknown, stable.p95Seconds unknown"
    )


def test_before_the_switch_there_is_nothing_to_judge_but_a_deadline() -> None:
    scene = settled(analysed(), workers={})
    scene.want("v2")
    told = shown(scene)

    assert progress(seen(scene)) == ""
    assert "  given up in 5m without progress" in told
    assert row(scene, "v1") == ["v1", "stable, active"]
    assert row(scene, "v2")[:2] == ["v2", "preview"]


def test_a_former_revision_is_warm_for_a_while_and_a_bad_one_rejected() -> None:
    scene = exposed()
    scene.end("v2", succeeded=10)
    assert row(scene, "v1")[:2] == ["v1", "warm for 10m"]

    scene = exposed()
    scene.order("Abort")
    assert row(scene, "v2")[:2] == ["v2", "rejected"]
    assert row(scene, "v1")[:2] == ["v1", "stable, active"]


def test_who_asked_for_a_revision_is_named() -> None:
    scene = exposed()
    scene.order("Abort", "one")
    scene.order("Retry", "two")

    assert "  asked for by alice: the customer waits" in shown(scene)


@pytest.mark.parametrize(
    ("verb", "ended", "went_back"),
    [(None, False, False), ("Promote", True, False), ("Abort", True, True)],
)
def test_a_rollout_has_ended_and_may_have_gone_back(
    verb: str | None, ended: bool, went_back: bool
) -> None:
    scene = exposed()
    if verb:
        scene.order(verb)

    assert (seen(scene).ended, seen(scene).went_back) == (ended, went_back)


def test_a_rollout_that_waits_for_a_person_has_not_ended() -> None:
    scene = settled(a_rollout(pause=True))
    scene.want("v2")

    assert seen(scene).state == "Paused"
    assert not seen(scene).ended


@pytest.mark.parametrize("status", [{"observedGeneration": 0}, {"rollout": None}, {"rollout": 7}])
def test_what_the_operator_has_not_taken_in_is_under_way(status: Body) -> None:
    scene = exposed()
    scene.order("Abort")
    view = seen(scene, **status)

    assert (view.state, view.ended, view.went_back) == ("Pending", False, False)
    assert [text for _, text in lines(view)] == [
        "Pending: the operator has not taken it in yet; does it run?"
    ]
    assert shown(scene, **status)[1] == "  the operator has not taken it in yet; does it run?"


def test_an_agent_without_a_status_is_shown_too() -> None:
    view = rollout_view(an_agent("optimizer") | {"spec": {"rollout": 7}})

    assert (view.title, view.state) == ("agent/optimizer", "Pending")


def test_what_is_followed_is_a_line_a_turn_and_one_for_the_analysis() -> None:
    scene = under_way()

    [(title, state), (name, judged)] = lines(seen(scene))
    assert (title, name) == ("agent/optimizer", "analysis")
    assert state.startswith("Exposed: Switched: revision v2 is active")
    assert judged.startswith("6 of 10 attempts, ")

    scene.order("Abort")
    assert [name for name, _ in lines(seen(scene))] == ["agent/optimizer"]


def test_history_tells_what_became_of_each_revision_oldest_first() -> None:
    scene = exposed()
    scene.order("Abort")
    scene.want("v3")
    scene.end("v3", succeeded=10)

    told = printed(history_table(seen(scene), at(0))).splitlines()
    assert [line.split()[:3] for line in told] == [
        ["REVISION", "OUTCOME", "REASON"],
        ["v1", "Promoted", "FirstRevision"],
        ["v2", "RolledBack", "AbortRequested"],
        ["v3", "Promoted", "AnalysisPassed"],
    ]
    assert "alice: the customer waits" in told[2]
    assert "warm for 10m" in told[1]
    assert "stable, active" in told[3]


def test_a_revision_that_came_twice_has_its_role_at_its_last_turn() -> None:
    scene = settled(a_rollout(warmSeconds=0))
    scene.want("v2")
    scene.want("v1")

    told = printed(history_table(seen(scene), at(0))).splitlines()
    assert [("stable" in line) for line in told[1:]] == [False, False, False, True]


def test_a_condition_that_is_broken_is_left_to_lint() -> None:
    body = agent_of(exposed())
    body["spec"]["rollout"]["analysis"]["conditions"] = ["nothing < 3", "failureRatio <"]

    assert progress(rollout_view(body)) == "0 of 10 attempts"
