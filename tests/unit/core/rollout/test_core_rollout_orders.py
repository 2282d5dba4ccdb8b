"""What people ask for: promote, abort, undo, retry."""

from __future__ import annotations

import pytest

from spectra_operator.api.rollout import ROLLOUT_ORDERS, RolloutState
from spectra_operator.core.pool.fleet import Keep, Why
from spectra_operator.core.rollout.records import WorkerCounts
from unit.core.rollout.rollout_cases import (
    Scene,
    a_rollout,
    an_order,
    analysed,
    at,
    exposed,
    settled,
)

WHO = "alice: the customer waits"


def promoted() -> Scene:
    """Return an agent that came from v1 to v2."""
    scene = exposed()
    scene.end("v2", succeeded=10)
    return scene


def refusal(scene: Scene) -> str:
    """Return why the last order was refused, or nothing."""
    return scene.record.applied[-1].refused


def test_promote_ends_the_analysis_and_is_kept_with_who_and_why() -> None:
    scene = exposed()

    scene.order("Promote")

    assert scene.standing() == ("Promoted", "PromoteRequested", "v2", "v2")
    assert scene.record.history[-1].by == WHO
    assert WHO in scene.record.message


def test_promote_before_the_switch_leaves_out_the_gates() -> None:
    scene = settled(a_rollout(preGate={"tasks": [{"task": "sum"}]}))
    scene.want("v2")

    scene.order("Promote")

    assert scene.standing() == ("Promoted", "PromoteRequested", "v2", "v2")


def test_promote_lets_go_what_is_held_by_pause_or_inconclusive() -> None:
    scene = settled(a_rollout(pause=True))
    scene.want("v2")

    scene.order("Promote")

    assert scene.record.stable == "v2"


@pytest.mark.parametrize(("before", "state"), [(True, "Aborted"), (False, "RolledBack")])
def test_abort_leads_back_to_the_stable_revision(before: bool, state: str) -> None:
    scene = settled(a_rollout(pause=True)) if before else exposed()
    scene.want("v2")

    scene.order("Abort")

    assert scene.standing() == (state, "AbortRequested", "v1", "v1")
    assert scene.record.rejected == "v2"
    assert scene.decide().record.state == state


def test_undo_during_a_rollout_leads_back_to_the_stable_revision() -> None:
    scene = exposed()

    scene.order("Undo")

    assert scene.standing() == ("RolledBack", "UndoRequested", "v1", "v1")


def test_undo_after_a_promotion_leads_to_the_revision_before_and_stays_there() -> None:
    scene = promoted()

    decision = scene.order("Undo")

    assert scene.standing() == ("Promoted", "UndoRequested", "v1", "v1")
    assert decision.allowed == {"v1": None}
    assert decision.keep == {"v1": Keep(Why.ACTIVE)}
    assert [(e.revision, e.outcome, e.by) for e in scene.record.history][-2:] == [
        ("v2", "RolledBack", WHO),
        ("v1", "Promoted", WHO),
    ]
    assert scene.after(1000).allowed == {"v1": None}
    assert scene.record.rejected == "v2"


def test_undo_waits_for_a_ready_worker_and_the_present_revision_serves_meanwhile() -> None:
    scene = promoted()
    scene.workers["v1"] = WorkerCounts(starting=1)

    assert scene.order("Undo").allowed == {"v2": None}
    scene.workers["v1"] = WorkerCounts(ready=1)
    assert scene.decide().allowed == {"v1": None}


def test_undo_can_name_any_revision_that_history_knows_as_promoted() -> None:
    scene = promoted()
    scene.want("v3")
    scene.end("v3", succeeded=10)

    scene.order("Undo", revision="v1")

    assert scene.standing() == ("Promoted", "UndoRequested", "v1", "v1")


def test_another_template_after_an_undo_is_rolled_out_as_usual() -> None:
    scene = promoted()
    scene.order("Undo")

    scene.want("v3")

    assert scene.standing() == ("Exposed", "Switched", "v1", "v3")


def test_an_undo_that_never_gets_a_worker_is_given_up_and_can_be_asked_for_again() -> None:
    scene = promoted()
    scene.workers["v1"] = WorkerCounts(failing=1)
    scene.order("Undo")

    scene.after(300)

    assert scene.standing() == ("Aborted", "ProgressDeadlineExceeded", "v2", "v2")
    scene.workers["v1"] = WorkerCounts(ready=1)
    scene.order("Undo", "o2")
    assert scene.record.stable == "v1"


def test_retry_judges_what_was_rolled_back_from_the_start() -> None:
    scene = exposed()
    scene.end("v2", failed=2)

    decision = scene.order("Retry")

    assert scene.standing() == ("Exposed", "Switched", "v1", "v2")
    assert decision.allowed == {"v2": 10, "v1": None}
    scene.end("v2", succeeded=10)
    assert scene.record.stable == "v2"
    assert scene.record.history[-1].by == WHO


def test_retry_after_an_undo_judges_the_spec_s_revision_again() -> None:
    scene = promoted()
    scene.order("Undo")

    scene.order("Retry", "o2")

    assert scene.standing() == ("Exposed", "Switched", "v1", "v2")


@pytest.mark.parametrize(
    ("verb", "why"),
    [
        ("Promote", "no rollout is under way"),
        ("Abort", "no rollout is under way"),
        ("Undo", "history knows no other revision"),
        ("Retry", "neither rolled back nor aborted"),
    ],
)
def test_an_order_without_its_occasion_is_refused_and_says_why(verb: str, why: str) -> None:
    scene = settled()
    before = scene.standing()

    scene.order(verb)

    assert why in refusal(scene)
    assert scene.standing() == before
    assert scene.told == ["OrderRefused"]


@pytest.mark.parametrize(
    ("revision", "why"),
    [("v2", "the stable one already"), ("v9", "does not know v9 as promoted")],
)
def test_undo_to_what_is_no_former_revision_is_refused(revision: str, why: str) -> None:
    scene = promoted()

    scene.order("Undo", revision=revision)

    assert why in refusal(scene)


def test_promote_is_refused_while_no_worker_is_ready_or_the_revision_is_not_stored() -> None:
    scene = settled(stored=frozenset({"v1"}), workers={})
    scene.want("v2")

    scene.order("Promote")
    assert "not stored" in refusal(scene)
    scene.stored |= {"v2"}
    scene.order("Promote", "o2")
    assert "no ready worker" in refusal(scene)


def test_an_order_before_the_first_revision_is_refused() -> None:
    scene = Scene(analysed(), stored=frozenset())

    scene.order("Promote")

    assert "no active revision" in refusal(scene)


def test_an_order_is_carried_out_once() -> None:
    scene = promoted()
    scene.order("Undo")
    scene.order("Retry", "o2")

    for _ in range(3):
        scene.decide()

    assert [each.uid for each in scene.record.applied] == ["o1", "o2"]
    assert scene.record.state is RolloutState.EXPOSED


def test_orders_are_taken_in_the_order_in_which_they_were_made() -> None:
    scene = exposed()
    scene.orders = [an_order("Retry", "later", at=at(2)), an_order("Abort", "first", at=at(1))]

    scene.decide()

    assert [each.uid for each in scene.record.applied] == ["first", "later"]
    assert scene.standing() == ("Exposed", "Switched", "v1", "v2")


def test_no_order_whose_action_is_still_there_is_forgotten() -> None:
    scene = settled()
    for number in range(ROLLOUT_ORDERS + 20):
        scene.order("Abort", f"o{number:03}")

    assert len(scene.record.applied) == ROLLOUT_ORDERS
    del scene.orders[10:40]
    scene.decide()

    remembered = {each.uid for each in scene.record.applied}
    assert len(scene.record.applied) == ROLLOUT_ORDERS
    assert {order.uid for order in scene.orders} <= remembered
