"""From an Action about an agent to its rollout, and what the order is answered."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from builders.clock import START
from spectra_operator.api.action import OF_AGENTS, ActionType
from spectra_operator.api.rollout import RolloutVerb
from spectra_operator.core.orders import Order
from spectra_operator.core.rollout.answers import rollout_answer
from spectra_operator.core.rollout.orders import rollout_order
from unit.core.rollout.rollout_cases import Scene, a_rollout, analysed, exposed, settled


def an_order_of(kind: ActionType, **fields: Any) -> Order:
    known: dict[str, Any] = {"actor": "alice", "reason": "the customer waits", "at": START}
    return Order(uid="u1", name="please", type=kind, **(known | fields))


def answered(scene: Scene) -> str:
    """Return what the last order is answered, once it stands in status."""
    return rollout_answer(scene.record, scene.orders[-1])


def promoted(*revisions: str) -> Scene:
    """Return an agent that came over these revisions, each promoted without an analysis."""
    scene = settled(a_rollout(warmSeconds=0))
    for revision in revisions:
        scene.want(revision)
    return scene


@pytest.mark.parametrize("kind", OF_AGENTS)
def test_an_action_about_an_agent_is_an_order_about_its_rollout(kind: ActionType) -> None:
    order = rollout_order(an_order_of(kind, revision="v3"))

    assert (order.uid, order.name, order.at) == ("u1", "please", START)
    assert (order.verb, order.revision) == (RolloutVerb(kind), "v3")
    assert order.who_and_why == "alice: the customer waits"


def test_there_is_an_order_for_every_verb() -> None:
    assert {str(kind) for kind in OF_AGENTS} == set(RolloutVerb)


def test_what_is_not_about_a_rollout_is_no_order() -> None:
    with pytest.raises(ValueError, match="Cancel"):
        rollout_order(an_order_of(ActionType.CANCEL))


def test_promote_is_answered_with_the_stable_revision() -> None:
    scene = exposed()
    scene.order("Promote")

    assert answered(scene) == "revision v2 is stable"


def test_abort_is_answered_with_where_it_leads_back_to() -> None:
    scene = exposed()
    scene.order("Abort")

    assert answered(scene) == "back to revision v1 from v2"


def test_abort_before_the_switch_is_answered_with_what_stays() -> None:
    scene = settled(a_rollout(pause=True))
    scene.want("v2")
    scene.order("Abort")

    assert answered(scene) == "revision v2 was given up before the switch; v1 stays"


def test_undo_during_a_rollout_is_answered_like_abort() -> None:
    scene = exposed()
    scene.order("Undo")

    assert answered(scene) == "back to revision v1 from v2"


def test_undo_is_answered_with_the_revision_that_came_back() -> None:
    scene = promoted("v2")
    scene.order("Undo")

    assert scene.record.stable == "v1"
    assert answered(scene) == "revision v1 is stable"


def test_undo_is_answered_with_the_revision_that_is_on_its_way_back() -> None:
    scene = promoted("v2", "v3")
    scene.workers.pop("v1")
    scene.order("Undo", revision="v1")

    assert scene.record.preview == "v1"
    assert answered(scene) == "revision v1 comes back as soon as it is ready"


def test_retry_is_answered_with_the_revision_that_is_judged_again() -> None:
    scene = exposed()
    scene.order("Abort", "first")
    scene.order("Retry", "second")

    assert answered(scene) == "revision v2 is judged from the start"


def test_retry_of_what_needs_no_judgement_is_answered_with_the_stable_revision() -> None:
    scene = settled(a_rollout(pause=True))
    scene.want("v2")
    scene.order("Abort", "first")
    scene.spec = a_rollout()
    scene.order("Retry", "second", reason="it is not held any more")

    assert answered(scene) == "revision v2 is stable"


def test_an_earlier_order_in_the_same_words_is_not_taken_for_this_one() -> None:
    scene = exposed()
    scene.order("Promote", "first")
    scene.want("v3")
    scene.order("Abort", "second")

    assert answered(scene) == "back to revision v2 from v3"


def test_what_history_has_forgotten_was_carried_out_all_the_same() -> None:
    scene = exposed(analysed())
    scene.order("Promote")
    scene.record = replace(scene.record, history=())

    assert answered(scene) == "it was carried out"
