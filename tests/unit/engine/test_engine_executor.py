"""Effects are carried out by priority, only with the Lease, and repeated when that may help."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from builders import pods
from builders.clock import FakeClock
from builders.records import an_attempt
from builders.specs import NAMESPACE, PHASE_UID
from spectra_operator.api import constants as c
from spectra_operator.engine import agent_effects as agent_fx
from spectra_operator.engine import effects as fx
from spectra_operator.engine.executor import Executor
from spectra_operator.engine.keys import Key
from spectra_operator.kube.client import Listing
from spectra_operator.kube.errors import (
    AlreadyExists,
    Conflict,
    Forbidden,
    KubeError,
    NotFound,
    ServerError,
    Throttled,
    Unreachable,
)
from spectra_operator.kube.resources import EVENTS, Body

PHASE = Key("Phase", NAMESPACE, "stage")
FLOW = Key("Workflow", NAMESPACE, "flow")
AGENT = Key("Agent", NAMESPACE, "worker")


class _Client:
    """Answers every call from a script: by verb, an answer or an error, in order."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, Any]] = []
        self.script: dict[str, list[Any]] = {}
        self.held: asyncio.Event | None = None

    def answer(self, verb: str, *answers: Any) -> None:
        self.script.setdefault(verb, []).extend(answers)

    async def _call(self, verb: str, what: str, given: Any = None) -> Any:
        self.calls.append((verb, what, given))
        if self.held is not None:
            await self.held.wait()
        answers = self.script.get(verb) or [{}]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def create(self, resource: Any, namespace: str, body: Body) -> Any:
        return await self._call("create", resource.plural, body)

    async def get(self, resource: Any, namespace: str, name: str) -> Any:
        return await self._call("get", resource.plural, name)

    async def patch(
        self, resource: Any, namespace: str, name: str, patch: Body, subresource: str = ""
    ) -> Any:
        return await self._call("patch", f"{resource.plural}/{subresource}", patch)

    async def replace(
        self, resource: Any, namespace: str, name: str, body: Body, subresource: str = ""
    ) -> Any:
        return await self._call("replace", f"{resource.plural}/{subresource}", body)

    async def delete(
        self,
        resource: Any,
        namespace: str,
        name: str,
        uid: str,
        grace_seconds: int | None = None,
    ) -> Any:
        return await self._call("delete", resource.plural, (name, uid, grace_seconds))

    async def list(self, resource: Any, namespace: str, label_selector: str) -> Any:
        return Listing(await self._call("list", resource.plural, label_selector), "1")


class _Cache:
    def __init__(self) -> None:
        self.pod: Body | None = None

    def get(self, namespace: str | None, name: str) -> Body | None:
        return self.pod


class _Bench:
    """An executor with everything around it in the test's hands."""

    def __init__(self, concurrency: int = 1) -> None:
        self.client, self.cache, self.clock = _Client(), _Cache(), FakeClock()
        self.done: list[tuple[fx.Effect, Any, KubeError | None]] = []
        self.left: list[int] = []
        self.leads = True
        client: Any = self.client
        self.executor = Executor(
            client,
            self.cache,
            clock=self.clock,
            may_write=lambda _: self.leads,
            on_done=lambda *outcome: self.done.append(outcome),
            concurrency=concurrency,
        )
        self.executor.on_taken = self.left.append

    async def carry_out(self, *effects: fx.Effect) -> None:
        for effect in effects:
            self.executor.submit(effect)
        await self.clock.settle()

    @property
    def errors(self) -> list[str]:
        return [type(error).__name__ for _, _, error in self.done if error]


@pytest.fixture
async def bench() -> AsyncIterator[_Bench]:
    bench = _Bench()
    running = asyncio.ensure_future(bench.executor.run())
    yield bench
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def _pod(**changes: Any) -> Body:
    pod = pods.a_pod()
    owner = {"kind": "Phase", "name": "stage", "uid": PHASE_UID}
    meta = pod["metadata"] | {"ownerReferences": [owner], "resourceVersion": "5"} | changes
    return pod | {"metadata": meta}


def _create() -> fx.CreatePod:
    return fx.CreatePod(PHASE, _pod(), an_attempt())


def _status() -> fx.WriteStatus:
    return fx.WriteStatus(PHASE, {"status": {"state": "Running"}}, None)


RELEASE = fx.ReleasePod(PHASE, "stage-work-0-1", "uid-of-stage-work-0-1")


async def test_what_a_run_needs_is_done_in_the_order_asked_for(bench: _Bench) -> None:
    bench.client.held = asyncio.Event()
    await bench.carry_out(fx.LookUp(FLOW))  # occupies the only worker
    for effect in (RELEASE, _status(), _create()):
        bench.executor.submit(effect)
    assert len(bench.executor) == 3
    bench.cache.pod = _pod()
    bench.client.held.set()
    await bench.clock.settle()
    order = [(verb, what) for verb, what, _ in bench.client.calls[1:]]
    assert order == [("patch", "pods/"), ("replace", "phases/status"), ("create", "pods")]


async def test_what_only_tells_of_a_run_has_workers_of_its_own_and_few(bench: _Bench) -> None:
    bench.client.held = asyncio.Event()
    announce = fx.Announce(PHASE, EVENTS, {"metadata": {"name": "e"}})
    await bench.carry_out(*[announce] * 9, fx.MarkFinished(PHASE))
    assert [what for _, what, _ in bench.client.calls] == ["events"] * 4
    assert len(bench.executor) == 6
    assert bench.executor.urgent == 0

    await bench.carry_out(_create())  # waits for none of them

    assert [what for _, what, _ in bench.client.calls] == ["events"] * 4 + ["pods"]
    bench.client.held.set()
    await bench.clock.settle()
    assert len(bench.client.calls) == 11


async def test_each_effect_that_is_taken_tells_how_many_are_left(bench: _Bench) -> None:
    await bench.carry_out(_create(), _status(), _create())
    assert bench.left == [2, 1, 0]
    bench.leads = False
    await bench.carry_out(_create(), _create())
    assert bench.left[3:] == [1, 0]  # what is dropped makes room, too


async def test_effects_keep_their_order(bench: _Bench) -> None:
    for name in "abc":
        bench.executor.submit(fx.LookUp(Key("Phase", NAMESPACE, name)))
    await bench.clock.settle()
    assert [given for _, _, given in bench.client.calls] == ["a", "b", "c"]


async def test_without_the_lease_nothing_is_sent(bench: _Bench) -> None:
    bench.leads = False
    await bench.carry_out(_create(), _status())
    assert (bench.client.calls, bench.done) == ([], [])


async def test_a_repetition_asks_for_the_lease_again(bench: _Bench) -> None:
    bench.client.answer("create", Unreachable("no answer"))
    await bench.carry_out(_create())
    bench.leads = False
    await bench.clock.run_for(60)
    assert len(bench.client.calls) == 1


@pytest.mark.parametrize("error", [Unreachable("x"), ServerError("x", status=500)])
async def test_what_may_pass_is_tried_again_with_growing_pauses(
    bench: _Bench, error: KubeError
) -> None:
    bench.client.answer("create", *[error] * 5, {"kind": "Pod"})
    await bench.carry_out(_create())
    times = [0.0]
    while len(bench.client.calls) < 6:
        due = bench.clock.next_deadline()
        assert due is not None
        bench.clock.advance(due - bench.clock.monotonic())
        await bench.clock.settle()
        times.append(round(due, 3))
    assert times == [0.0, 0.1, 0.3, 0.7, 1.5, 3.1]
    assert [(body, error) for _, body, error in bench.done] == [({"kind": "Pod"}, None)]


async def test_a_throttled_call_waits_as_long_as_the_server_asks(bench: _Bench) -> None:
    throttled = Throttled("slow down", status=429)
    throttled.retry_after = 9.0
    bench.client.answer("create", throttled, {"kind": "Pod"})
    await bench.carry_out(_create())
    await bench.clock.run_for(8.9)
    assert len(bench.client.calls) == 1
    await bench.clock.run_for(0.1)
    assert len(bench.client.calls) == 2


async def test_a_throttled_call_lets_fewer_be_under_way(bench: _Bench) -> None:
    most = bench.executor.width.now
    bench.client.answer("create", Throttled("busy", status=429), {})
    await bench.carry_out(_create())
    assert bench.executor.width.now == pytest.approx(max(most / 2, 4))


async def test_a_refusal_for_good_says_nothing_of_how_busy_the_server_is(bench: _Bench) -> None:
    most = bench.executor.width.now
    bench.client.answer("create", Forbidden("no"))
    await bench.carry_out(_create())
    assert bench.executor.width.now == most


async def test_a_status_is_never_repeated_as_it_was_but_made_anew(bench: _Bench) -> None:
    bench.client.answer("replace", Unreachable("no answer"))
    await bench.carry_out(_status())
    assert bench.errors == ["Unreachable"]
    await bench.clock.run_for(60)
    assert len(bench.client.calls) == 1


async def test_an_error_that_stands_is_told_at_once(bench: _Bench) -> None:
    bench.client.answer("create", Forbidden("exceeded quota", status=403))
    await bench.carry_out(_create())
    assert bench.errors == ["Forbidden"]


async def test_an_effect_that_breaks_is_told_and_all_others_go_on(bench: _Bench) -> None:
    bench.client.answer("get", ValueError("not a time"), {"kind": "Workflow"})
    await bench.carry_out(fx.LookUp(PHASE), fx.LookUp(FLOW))
    (_, _, error), (_, found, _) = bench.done
    assert (str(error), found) == ("ValueError: not a time", {"kind": "Workflow"})


async def test_a_create_whose_answer_was_lost_finds_its_own_pod(bench: _Bench) -> None:
    found = _pod(uid="the-first")
    bench.client.answer("create", AlreadyExists("exists", status=409))
    bench.client.answer("get", found)
    await bench.carry_out(_create())
    assert [(body, error) for _, body, error in bench.done] == [(found, None)]


async def test_a_pod_of_that_name_that_is_not_ours_is_an_error(bench: _Bench) -> None:
    owner = {"kind": "Phase", "name": "stage", "uid": "another"}
    bench.client.answer("create", AlreadyExists("exists", status=409))
    bench.client.answer("get", _pod(ownerReferences=[owner]))
    await bench.carry_out(_create())
    assert bench.errors == ["AlreadyExists"]
    assert "delete it" in str(bench.done[0][2])


def _phase(**spec: Any) -> Body:
    return {"kind": "Phase", "metadata": {"name": "p", "namespace": NAMESPACE}, "spec": spec}


async def test_a_phase_of_that_name_is_ours_if_it_was_made_for_the_workflow(bench: _Bench) -> None:
    body = _phase(workflowRef={"name": "flow", "uid": "w"}, phase="build", tasks=[])
    bench.client.answer("create", AlreadyExists("exists", status=409))
    bench.client.answer("get", body)
    await bench.carry_out(fx.CreatePhase(FLOW, "build", body))
    assert bench.errors == []
    assert bench.done[0][1] == body


async def test_a_phase_of_that_name_that_stands_alone_is_an_error(bench: _Bench) -> None:
    body = _phase(workflowRef={"name": "flow", "uid": "w"}, phase="build", tasks=[])
    bench.client.answer("create", AlreadyExists("exists", status=409))
    bench.client.answer("get", _phase(tasks=[]))
    await bench.carry_out(fx.CreatePhase(FLOW, "build", body))
    assert bench.errors == ["AlreadyExists"]
    assert "exists and is not ours; delete it" in str(bench.done[0][2])


async def test_a_release_takes_the_finalizer_off_and_marks_the_pod_recorded(
    bench: _Bench,
) -> None:
    bench.cache.pod = _pod()
    await bench.carry_out(RELEASE)
    (_, _, patch) = bench.client.calls[0]
    assert patch == {
        "metadata": {
            "finalizers": None,
            "resourceVersion": "5",
            "labels": {c.LABEL_RECORDED: "true"},
        }
    }


async def test_a_release_reads_anew_when_the_pod_has_changed(bench: _Bench) -> None:
    bench.cache.pod = _pod()
    bench.client.answer("patch", Conflict("changed", status=409), {"kind": "Pod"})
    bench.client.answer("get", _pod(resourceVersion="6"))
    await bench.carry_out(RELEASE)
    assert [verb for verb, _, _ in bench.client.calls] == ["patch", "get", "patch"]
    assert bench.client.calls[2][2]["metadata"]["resourceVersion"] == "6"
    assert bench.errors == []


async def test_a_release_gives_up_on_a_pod_that_always_changes(bench: _Bench) -> None:
    bench.cache.pod = _pod()
    bench.client.answer("patch", Conflict("changed", status=409))
    bench.client.answer("get", _pod())
    await bench.carry_out(RELEASE)
    assert bench.errors == ["Conflict"]
    assert "faster than it can be released" in str(bench.done[0][2])


@pytest.mark.parametrize("pod", [_pod(uid="another"), _pod(finalizers=[])])
async def test_a_pod_that_is_another_or_released_already_is_left_alone(
    bench: _Bench, pod: Body
) -> None:
    bench.cache.pod = pod
    await bench.carry_out(RELEASE)
    assert (bench.client.calls, bench.errors) == ([], [])


@pytest.mark.parametrize("error", [NotFound("gone"), Conflict("another UID")])
async def test_a_pod_to_be_stopped_may_be_gone_already(bench: _Bench, error: KubeError) -> None:
    bench.client.answer("delete", error)
    await bench.carry_out(fx.DeletePod(PHASE, "stage-work-0-1", "u", 3))
    assert bench.client.calls == [("delete", "pods", ("stage-work-0-1", "u", 3))]
    assert bench.errors == []


@pytest.mark.parametrize("effect", [fx.LookUp(PHASE), fx.LookUpPod(PHASE, "p"), RELEASE])
async def test_what_is_not_there_is_an_answer_too(bench: _Bench, effect: fx.Effect) -> None:
    bench.client.answer("get", NotFound("gone", status=404))
    await bench.carry_out(effect)
    assert [(body, error) for _, body, error in bench.done] == [(None, None)]


async def test_a_status_of_an_object_that_is_gone_is_an_error(bench: _Bench) -> None:
    for verb in ("patch", "replace"):
        bench.client.answer(verb, NotFound("gone", status=404))
    await bench.carry_out(_status(), fx.MarkFinished(PHASE))
    assert bench.errors == ["NotFound"]  # while the label is of no use to anyone


async def test_a_revision_that_is_stored_already_is_read(bench: _Bench) -> None:
    body = {"metadata": {"name": "worker-abc"}, "data": {}}
    bench.client.answer("create", AlreadyExists("exists", status=409))
    bench.client.answer("get", body | {"revision": 3})
    await bench.carry_out(agent_fx.StoreRevision(AGENT, body))
    assert bench.done[0][1] == body | {"revision": 3}


async def test_old_revisions_are_deleted_and_those_in_use_are_kept(bench: _Bench) -> None:
    def revision(number: int) -> Body:
        labels = {c.LABEL_REVISION: f"h{number}"}
        meta = {"name": f"worker-h{number}", "uid": f"u{number}", "labels": labels}
        return {"metadata": meta, "revision": number}

    bench.client.answer("list", [revision(number) for number in range(1, 15)])
    await bench.carry_out(agent_fx.PruneRevisions(AGENT, frozenset({"h2"})))
    deleted = [given for verb, _, given in bench.client.calls if verb == "delete"]
    assert sorted(deleted) == [(f"worker-h{n}", f"u{n}", None) for n in (1, 3, 4)]


async def test_an_event_is_created_once_and_then_counted(bench: _Bench) -> None:
    await bench.carry_out(
        fx.Announce(PHASE, EVENTS, {"metadata": {"name": "e"}}),
        fx.Announce(PHASE, EVENTS, {"count": 2}, "e"),
    )
    assert [(verb, what) for verb, what, _ in bench.client.calls] == [
        ("create", "events"),
        ("patch", "events/"),
    ]


async def test_no_more_calls_are_under_way_than_allowed() -> None:
    bench = _Bench(concurrency=3)
    bench.client.held = asyncio.Event()
    running = asyncio.ensure_future(bench.executor.run())
    await bench.carry_out(*[fx.LookUp(PHASE)] * 10)
    assert len(bench.client.calls) == 3
    bench.client.held.set()
    await bench.clock.settle()
    assert len(bench.client.calls) == 10
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
