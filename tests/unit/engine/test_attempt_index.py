"""Slots in use are counted from attempts as they come, end and go."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import pods
from builders.records import an_attempt, broken
from builders.specs import AGENT, NAMESPACE, PHASE_UID
from spectra_operator.api import constants as c
from spectra_operator.core.attempts.evidence import Kind
from spectra_operator.core.names import pod_name
from spectra_operator.engine.attempts import AttemptIndex, owner_of
from spectra_operator.engine.keys import Key
from spectra_operator.kube.resources import Body

PHASE = Key("Phase", NAMESPACE, "stage")


NAME = pod_name("stage", PHASE_UID, "work", None, 1)


def _owned(pod: Body) -> Body:
    owner = {"kind": "Phase", "name": "stage", "uid": PHASE_UID}
    return pod | {"metadata": pod["metadata"] | {"name": NAME, "ownerReferences": [owner]}}


def _counts(index: AttemptIndex) -> tuple[int, int, int]:
    return (
        index.by_agent.get((NAMESPACE, AGENT), 0),
        index.by_phase.get(PHASE_UID, 0),
        index.by_workflow.get("w", 0),
    )


def test_a_live_pod_takes_a_slot_until_it_ends() -> None:
    index = AttemptIndex()
    pod = _owned(pods.a_pod(workflow_uid="w"))
    index.observe(pod)
    assert _counts(index) == (1, 1, 1)
    index.observe(pods.running(pod))
    assert _counts(index) == (1, 1, 1)
    index.observe(pods.succeeded(pods.running(pod)))
    assert _counts(index) == (0, 0, 0)
    assert len(index.of(PHASE)) == 1


def test_an_assumed_attempt_takes_the_slot_that_its_pod_takes_over() -> None:
    index = AttemptIndex()
    index.assume(PHASE, replace(an_attempt(), pod=NAME, uid="", workflow_uid="w"))
    assert _counts(index) == (1, 1, 1)
    index.observe(_owned(pods.a_pod(workflow_uid="w")))
    assert _counts(index) == (1, 1, 1)


def test_a_forgotten_attempt_gives_its_slot_back() -> None:
    index = AttemptIndex()
    index.assume(PHASE, an_attempt())
    index.forget(PHASE, an_attempt().pod)
    index.forget(PHASE, "unknown")
    assert _counts(index) == (0, 0, 0)
    assert list(index.phases()) == []


def test_a_pod_that_vanished_while_it_ran_becomes_a_loss() -> None:
    index = AttemptIndex()
    index.observe(_owned(pods.running(pods.a_pod())))
    index.bury(PHASE, NAME)
    (buried,) = index.of(PHASE)
    assert buried.outcome
    assert (buried.outcome.kind, buried.outcome.reason) == (Kind.LOST, "PodVanished")
    assert (buried.uid, buried.held) == ("", False)
    assert _counts(index) == (0, 0, 0)


def test_a_pod_that_vanished_after_its_end_keeps_its_outcome() -> None:
    index = AttemptIndex()
    index.observe(_owned(pods.succeeded(pods.running(pods.a_pod()), {"n": 1})))
    index.bury(PHASE, NAME)
    index.bury(PHASE, "unknown")
    (buried,) = index.of(PHASE)
    assert buried.outcome
    assert buried.outcome.result.outputs == '{"n":1}'


def test_pods_that_are_not_ours_are_left_out() -> None:
    index = AttemptIndex()
    foreign = pods.a_pod()
    assert index.observe(foreign) is None  # no phase owns it
    assert index.observe(_owned({"metadata": {"name": "x", "namespace": NAMESPACE}})) is None
    assert owner_of(foreign) is None
    assert list(index.phases()) == []


def _relabelled(pod: Body, **labels: str) -> Body:
    named = {f"{c.GROUP}/{key.replace('_', '-')}": value for key, value in labels.items()}
    return pod | {"metadata": pod["metadata"] | {"labels": pod["metadata"]["labels"] | named}}


@pytest.mark.parametrize(
    "labels",
    [
        {"task": "other"},
        {"index": "3"},
        {"attempt": "2"},
        {"attempt": "first"},
        {"agent": "other"},
        {"phase_uid": "another"},
    ],
)
def test_changed_labels_do_not_move_an_attempt(labels: dict[str, str]) -> None:
    index = AttemptIndex()
    pod = _owned(pods.running(pods.a_pod()))
    index.observe(pod)
    (before,) = index.of(PHASE)
    index.observe(_relabelled(pod, **labels))
    assert index.of(PHASE) == (before,)
    index.observe(_relabelled(pods.succeeded(pod, {"n": 1}), **labels))
    (ended,) = index.of(PHASE)
    assert (ended.task, ended.index, ended.number, ended.live) == ("work", 0, 1, False)


@pytest.mark.parametrize("labels", [{"task": "other"}, {"index": "3"}, {"attempt": "2"}])
def test_a_pod_that_is_named_otherwise_than_its_labels_say_is_taken_for_no_attempt(
    labels: dict[str, str],
) -> None:
    index = AttemptIndex()
    assert index.observe(_relabelled(_owned(pods.running(pods.a_pod())), **labels)) is None
    assert index.of(PHASE) == ()


@pytest.mark.parametrize("index", [None, 0, 7])
def test_the_pod_of_an_item_is_named_by_its_index_too(index: int | None) -> None:
    attempts = AttemptIndex()
    pod = _owned(pods.running(pods.a_pod(index=index or 0)))
    pod["metadata"]["name"] = pod_name("stage", PHASE_UID, "work", index, 1)
    seen = attempts.observe(pod)
    assert seen
    assert seen[1].index == (index or 0)


def test_an_attempt_that_is_being_created_knows_its_pod_whatever_its_labels_are() -> None:
    index = AttemptIndex()
    index.assume(PHASE, replace(an_attempt(), pod=NAME, uid=""))
    index.observe(_relabelled(_owned(pods.running(pods.a_pod())), task="other"))
    (attempt,) = index.of(PHASE)
    assert (attempt.task, attempt.uid) == ("work", "uid-of-stage-work-0-1")


@given(
    st.lists(
        st.tuples(st.sampled_from(["assume", "end", "bury", "forget"]), st.integers(0, 3)),
        max_size=40,
    )
)
def test_the_counts_are_always_those_of_the_live_attempts(steps: list[tuple[str, int]]) -> None:
    index = AttemptIndex()
    for step, number in steps:
        attempt = replace(an_attempt(index=number), workflow_uid="w")
        if step == "assume":
            index.assume(PHASE, attempt)
        elif step == "end":
            index.assume(PHASE, replace(attempt, outcome=broken()))
        elif step == "bury":
            index.bury(PHASE, attempt.pod)
        else:
            index.forget(PHASE, attempt.pod)
        live = sum(a.live for a in index.of(PHASE))
        assert _counts(index) == (live, live, live)
        assert bool(index.by_agent) == bool(live)  # no zeros are kept


def test_a_pod_is_not_taken_for_an_attempt_that_a_worker_holds() -> None:
    index = AttemptIndex()
    claim = replace(an_attempt(worker="w1", uid=f"{NAME}.1"), pod=NAME)
    index.assume(PHASE, claim)
    assert index.observe(_owned(pods.a_pod())) is None
    assert index.get(PHASE, NAME) == claim
