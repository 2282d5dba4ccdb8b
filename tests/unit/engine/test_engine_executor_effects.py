"""What each effect asks of the API server, and what it makes of the answers."""

from __future__ import annotations

from typing import Any

import pytest

from builders.specs import NAMESPACE
from spectra_operator.api import constants as c
from spectra_operator.engine import agent_effects as agent_fx
from spectra_operator.engine import effects as fx
from spectra_operator.kube.errors import (
    AlreadyExists,
    Conflict,
    KubeError,
    NotFound,
)
from spectra_operator.kube.resources import EVENTS, Body
from unit.engine.executor_bench import (
    AGENT,
    FLOW,
    PHASE,
    RELEASE,
    Bench,
    a_create,
    a_kept_pod,
    a_status,
)


async def test_a_create_whose_answer_was_lost_finds_its_own_pod(bench: Bench) -> None:
    found = a_kept_pod(uid="the-first")
    bench.client.answer("create", AlreadyExists("exists", status=409))
    bench.client.answer("get", found)
    await bench.carry_out(a_create())
    assert [(body, error) for _, body, error in bench.done] == [(found, None)]


async def test_a_pod_of_that_name_that_is_not_ours_is_an_error(bench: Bench) -> None:
    owner = {"kind": "Phase", "name": "stage", "uid": "another"}
    bench.client.answer("create", AlreadyExists("exists", status=409))
    bench.client.answer("get", a_kept_pod(ownerReferences=[owner]))
    await bench.carry_out(a_create())
    assert bench.errors == ["AlreadyExists"]
    assert "delete it" in str(bench.done[0][2])


def _phase(**spec: Any) -> Body:
    return {"kind": "Phase", "metadata": {"name": "p", "namespace": NAMESPACE}, "spec": spec}


async def test_a_phase_of_that_name_is_ours_if_it_was_made_for_the_workflow(bench: Bench) -> None:
    body = _phase(workflowRef={"name": "flow", "uid": "w"}, phase="build", tasks=[])
    bench.client.answer("create", AlreadyExists("exists", status=409))
    bench.client.answer("get", body)
    await bench.carry_out(fx.CreatePhase(FLOW, "build", body))
    assert bench.errors == []
    assert bench.done[0][1] == body


async def test_a_phase_of_that_name_that_stands_alone_is_an_error(bench: Bench) -> None:
    body = _phase(workflowRef={"name": "flow", "uid": "w"}, phase="build", tasks=[])
    bench.client.answer("create", AlreadyExists("exists", status=409))
    bench.client.answer("get", _phase(tasks=[]))
    await bench.carry_out(fx.CreatePhase(FLOW, "build", body))
    assert bench.errors == ["AlreadyExists"]
    assert "exists and is not ours; delete it" in str(bench.done[0][2])


async def test_a_release_takes_the_finalizer_off_and_marks_the_pod_recorded(
    bench: Bench,
) -> None:
    bench.cache.pod = a_kept_pod()
    await bench.carry_out(RELEASE)
    (_, _, patch) = bench.client.calls[0]
    assert patch == {
        "metadata": {
            "finalizers": None,
            "resourceVersion": "5",
            "labels": {c.LABEL_RECORDED: "true"},
        }
    }


async def test_a_release_reads_anew_when_the_pod_has_changed(bench: Bench) -> None:
    bench.cache.pod = a_kept_pod()
    bench.client.answer("patch", Conflict("changed", status=409), {"kind": "Pod"})
    bench.client.answer("get", a_kept_pod(resourceVersion="6"))
    await bench.carry_out(RELEASE)
    assert [verb for verb, _, _ in bench.client.calls] == ["patch", "get", "patch"]
    assert bench.client.calls[2][2]["metadata"]["resourceVersion"] == "6"
    assert bench.errors == []


async def test_a_release_gives_up_on_a_pod_that_always_changes(bench: Bench) -> None:
    bench.cache.pod = a_kept_pod()
    bench.client.answer("patch", Conflict("changed", status=409))
    bench.client.answer("get", a_kept_pod())
    await bench.carry_out(RELEASE)
    assert bench.errors == ["Conflict"]
    assert "faster than it can be released" in str(bench.done[0][2])


@pytest.mark.parametrize("pod", [a_kept_pod(uid="another"), a_kept_pod(finalizers=[])])
async def test_a_pod_that_is_another_or_released_already_is_left_alone(
    bench: Bench, pod: Body
) -> None:
    bench.cache.pod = pod
    await bench.carry_out(RELEASE)
    assert (bench.client.calls, bench.errors) == ([], [])


@pytest.mark.parametrize("error", [NotFound("gone"), Conflict("another UID")])
async def test_a_pod_to_be_stopped_may_be_gone_already(bench: Bench, error: KubeError) -> None:
    bench.client.answer("delete", error)
    await bench.carry_out(fx.DeletePod(PHASE, "stage-work-0-1", "u", 3))
    assert bench.client.calls == [("delete", "pods", ("stage-work-0-1", "u", 3))]
    assert bench.errors == []


@pytest.mark.parametrize("effect", [fx.LookUp(PHASE), fx.LookUpPod(PHASE, "p"), RELEASE])
async def test_what_is_not_there_is_an_answer_too(bench: Bench, effect: fx.Effect) -> None:
    bench.client.answer("get", NotFound("gone", status=404))
    await bench.carry_out(effect)
    assert [(body, error) for _, body, error in bench.done] == [(None, None)]


async def test_a_status_of_an_object_that_is_gone_is_an_error(bench: Bench) -> None:
    for verb in ("patch", "replace"):
        bench.client.answer(verb, NotFound("gone", status=404))
    await bench.carry_out(a_status(), fx.MarkFinished(PHASE))
    assert bench.errors == ["NotFound"]  # while the label is of no use to anyone


async def test_a_revision_that_is_stored_already_is_read(bench: Bench) -> None:
    body = {"metadata": {"name": "worker-abc"}, "data": {}}
    bench.client.answer("create", AlreadyExists("exists", status=409))
    bench.client.answer("get", body | {"revision": 3})
    await bench.carry_out(agent_fx.StoreRevision(AGENT, body))
    assert bench.done[0][1] == body | {"revision": 3}


async def test_old_revisions_are_deleted_and_those_in_use_are_kept(bench: Bench) -> None:
    def revision(number: int) -> Body:
        labels = {c.LABEL_REVISION: f"h{number}"}
        meta = {"name": f"worker-h{number}", "uid": f"u{number}", "labels": labels}
        return {"metadata": meta, "revision": number}

    bench.client.answer("list", [revision(number) for number in range(1, 15)])
    await bench.carry_out(agent_fx.PruneRevisions(AGENT, frozenset({"h2"})))
    deleted = [given for verb, _, given in bench.client.calls if verb == "delete"]
    assert sorted(deleted) == [(f"worker-h{n}", f"u{n}", None) for n in (1, 3, 4)]


async def test_an_event_is_created_once_and_then_counted(bench: Bench) -> None:
    await bench.carry_out(
        fx.Announce(PHASE, EVENTS, {"metadata": {"name": "e"}}),
        fx.Announce(PHASE, EVENTS, {"count": 2}, "e"),
    )
    assert [(verb, what) for verb, what, _ in bench.client.calls] == [
        ("create", "events"),
        ("patch", "events/"),
    ]
