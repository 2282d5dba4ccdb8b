"""The pause before the next attempt, and what holds for a task."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.pods import at
from builders.specs import a_phase, a_retry, a_task
from spectra_operator.api.agent import TaskDefaults
from spectra_operator.api.common import Backoff, NodeLostPolicy
from spectra_operator.core.attempts.retry import jitter, not_before
from spectra_operator.core.policy import TaskPolicy, policy_of
from spectra_operator.core.spec.compile import compile_phase
from unit.core.core_settings import steady


def pause(backoff: Backoff, tries: int, key: str = "a") -> float:
    """Return the seconds between the end of an attempt and the next."""
    return (not_before(backoff, at(0), tries, key) - at(0)).total_seconds()


@pytest.mark.parametrize(("tries", "full"), [(1, 2), (2, 6), (3, 18), (4, 50), (99, 50)])
def test_pauses_grow_by_the_factor_up_to_the_longest(tries: int, full: float) -> None:
    backoff = Backoff(initial_seconds=2, factor=3, max_seconds=50)
    assert full / 2 <= pause(backoff, tries) < full


def test_no_pause_is_asked_for_and_none_is_made() -> None:
    assert pause(Backoff(initial_seconds=0), 5) == 0
    assert pause(Backoff(initial_seconds=9, max_seconds=0), 5) == 0


def test_the_same_attempt_pauses_equally_long_on_every_replica() -> None:
    assert pause(Backoff(), 3, "u/t/0") == pause(Backoff(), 3, "u/t/0")


def test_items_that_fail_together_do_not_come_back_together() -> None:
    assert len({pause(Backoff(initial_seconds=60), 1, f"u/t/{i}") for i in range(50)}) == 50


@steady(200)
@given(st.integers(0, 86_400), st.integers(1, 10), st.integers(0, 86_400), st.integers(1, 10**6))
def test_a_pause_is_half_to_all_of_what_was_asked_for(
    initial: int, factor: int, most: int, tries: int
) -> None:
    backoff = Backoff(initial_seconds=initial, factor=factor, max_seconds=most)
    full = min(initial * factor ** min(tries - 1, 30), most)
    assert full / 2 - 1e-6 <= pause(backoff, tries) <= full


@steady()
@given(st.text())
def test_jitter_is_a_part_of_one(key: str) -> None:
    assert 0 <= jitter(key) < 1


def policy(task: dict[str, Any], defaults: dict[str, Any] | None) -> TaskPolicy:
    """Return what holds for a task under its agent's defaults."""
    shape = compile_phase(a_phase([a_task("work", **task)]))
    known = {} if defaults is None else {"worker": TaskDefaults.model_validate(defaults)}
    return policy_of(shape.tasks["work"], known)


def test_a_task_goes_before_its_agent_and_the_agent_before_the_project() -> None:
    defaults = {"timeoutSeconds": 5, "pendingTimeoutSeconds": 6}
    assert policy({"timeout_seconds": 9}, defaults).timeout == 9
    assert policy({"pending_timeout_seconds": 9}, defaults).pending_timeout == 9
    assert policy({}, defaults).timeout == 5
    assert policy({}, defaults).pending_timeout == 6
    assert policy({}, {}).timeout is None


def test_without_an_agent_the_project_s_defaults_hold() -> None:
    plain = policy({}, None)
    assert (plain.retry.limit, plain.retry.loss_limit) == (0, 3)
    assert plain.on_node_lost is NodeLostPolicy.WAIT


def test_a_retry_policy_is_taken_whole() -> None:
    defaults = {"retry": {"limit": 4, "lossLimit": 7}}
    own = policy({"retry": a_retry(1)}, defaults).retry
    assert (own.limit, own.loss_limit) == (1, 3)
    assert policy({}, defaults).retry.loss_limit == 7


def test_a_task_that_wants_no_retry_has_none_whatever_its_agent_says() -> None:
    assert policy({"retry": {}}, {"retry": {"limit": 4}}).retry.limit == 0


def test_either_may_choose_to_retry_what_a_silent_node_holds() -> None:
    retry = NodeLostPolicy.RETRY
    assert policy({"on_node_lost": "Retry"}, {"onNodeLost": "Wait"}).on_node_lost is retry
    assert policy({}, {"onNodeLost": "Retry"}).on_node_lost is retry
