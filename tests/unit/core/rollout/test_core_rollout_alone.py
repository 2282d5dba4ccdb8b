"""Since when the stable revision got all new attempts: what tells whose items a fan-out's are."""

from __future__ import annotations

import pytest

from unit.core.rollout.rollout_cases import Scene, analysed, at, exposed, settled


def later(scene: Scene) -> Scene:
    """Return the scene fifty seconds later."""
    scene.second = 50
    return scene


def test_the_first_revision_is_alone_from_the_start() -> None:
    assert settled().record.alone_since == at(0)


def test_a_revision_that_was_promoted_is_alone_from_then_on() -> None:
    scene = later(exposed(analysed(minTasks=1)))
    scene.end("v2", succeeded=10)

    assert (scene.record.stable, scene.record.alone_since) == ("v2", at(50))


@pytest.mark.parametrize(("wanted", "state"), [("v1", "RolledBack"), ("v3", "Exposed")])
def test_after_a_revision_that_was_switched_to_the_stable_one_is_alone_anew(
    wanted: str, state: str
) -> None:
    scene = later(exposed())
    scene.want(wanted)

    assert (scene.record.state, scene.record.alone_since) == (state, at(50))


@pytest.mark.parametrize(("wanted", "state"), [("v1", "Aborted"), ("v3", "Preview")])
def test_a_revision_that_was_not_switched_to_changes_nothing(wanted: str, state: str) -> None:
    scene = later(settled(workers={}))
    scene.want("v2")
    scene.want(wanted)

    assert (scene.record.state, scene.record.alone_since) == (state, at(0))


def test_an_undo_leaves_the_revision_that_came_back_alone() -> None:
    scene = exposed(analysed(minTasks=1))
    scene.end("v2", succeeded=10)
    later(scene).order("Undo")

    assert (scene.record.stable, scene.record.alone_since) == ("v1", at(50))


def test_an_exposed_revision_changes_nothing_yet() -> None:
    assert later(exposed()).decide().record.alone_since == at(0)
