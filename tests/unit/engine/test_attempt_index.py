"""Slots in use are counted from attempts as they come, end and go."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from builders import pods
from builders.records import an_attempt, broken
from builders.specs import AGENT, NAMESPACE, PHASE_UID
from spectra_operator.core.evidence import Kind
from spectra_operator.engine.attempts import AttemptIndex, owner_of
from spectra_operator.engine.keys import Key
from spectra_operator.kube.resources import Body

PHASE = Key("Phase", NAMESPACE, "stage")


def _owned(pod: Body) -> Body:
    owner = {"kind": "Phase", "name": "stage", "uid": PHASE_UID}
    return pod | {"metadata": pod["metadata"] | {"ownerReferences": [owner]}}


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
    index.assume(PHASE, replace(an_attempt(), pod="stage-work-0-1", uid="", workflow_uid="w"))
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
    index.bury(PHASE, "stage-work-0-1")
    (buried,) = index.of(PHASE)
    assert buried.outcome
    assert (buried.outcome.kind, buried.outcome.reason) == (Kind.LOST, "PodVanished")
    assert (buried.uid, buried.held) == ("", False)
    assert _counts(index) == (0, 0, 0)


def test_a_pod_that_vanished_after_its_end_keeps_its_outcome() -> None:
    index = AttemptIndex()
    index.observe(_owned(pods.succeeded(pods.running(pods.a_pod()), {"n": 1})))
    index.bury(PHASE, "stage-work-0-1")
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
