"""However lists, events and own answers interleave, the cache never goes back in time."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncGenerator
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from builders.clock import FakeClock
from spectra_operator.kube.client import KubeClient, Listing, WatchEvent
from spectra_operator.kube.errors import Gone
from spectra_operator.kube.informer import Change, Informer
from spectra_operator.kube.resources import PODS, Body, Resource, name_of, uid_of, version_of

NAMES = ("a", "b", "c")
TURNS = 12


class _Truth:
    """A server whose answers travel only when the test says so."""

    def __init__(self) -> None:
        self.version = 10
        self.objects: dict[str, Body] = {}
        self.answers: list[Body] = []
        self.lists: list[tuple[asyncio.Future[Listing], Listing]] = []
        self.events: list[WatchEvent] = []
        self.sent = 0
        self.watch_wakes = asyncio.Event()
        self.expired = False

    def write(self, name: str) -> None:
        old = self.objects.get(name)
        body = self._body(name, uid_of(old) if old else f"uid-{self.version}")
        self.events.append(WatchEvent("MODIFIED" if name in self.objects else "ADDED", body))
        self.objects[name] = body
        self.answers.append(body)

    def delete(self, name: str) -> None:
        old = self.objects.pop(name, None)
        if old is not None:
            self.events.append(WatchEvent("DELETED", self._body(name, uid_of(old))))

    def _body(self, name: str, uid: str) -> Body:
        self.version += 1
        metadata = {"namespace": "n", "name": name, "uid": uid}
        return {"metadata": metadata | {"resourceVersion": str(self.version)}}

    async def list(self, resource: Resource, namespace: str | None, **_: Any) -> Listing:
        answer: asyncio.Future[Listing] = asyncio.get_running_loop().create_future()
        now = Listing(copy.deepcopy([*self.objects.values()]), str(self.version))
        self.lists.append((answer, now))
        return await answer

    async def watch(
        self, *_: Any, resource_version: str, **__: Any
    ) -> AsyncGenerator[WatchEvent, None]:
        since = int(resource_version)
        while True:
            for event in self.events[: self.sent]:
                if version_of(event.object) > since:
                    since = version_of(event.object)
                    yield event
            if self.expired:
                self.expired = False
                self.sent = len(self.events)  # never told; only a list can heal it
                raise Gone("too old", status=410)
            self.watch_wakes.clear()
            await self.watch_wakes.wait()

    def let_events_through(self) -> None:
        self.sent = len(self.events)
        self.watch_wakes.set()

    def let_one_event_through(self) -> None:
        self.sent = min(self.sent + 1, len(self.events))
        self.watch_wakes.set()

    def expire(self) -> None:
        self.expired = True
        self.watch_wakes.set()

    def answer_list(self, index: int) -> None:
        if self.lists:
            answer, listing = self.lists.pop(index % len(self.lists))
            if not answer.done():
                answer.set_result(listing)


class _Witness:
    """Checks every change the informer tells about."""

    def __init__(self) -> None:
        self.versions: dict[str, int] = {}
        self.informer: Informer | None = None

    def __call__(self, change: Change) -> None:
        body = change.new or change.old
        assert body is not None
        assert self.informer is not None
        name = name_of(body)
        assert self.informer.get("n", name) is change.new, "told before the cache was changed"
        assert (change.kind == "added") == (change.old is None)
        assert (change.kind == "deleted") == (change.new is None)
        if change.new is not None and change.old is not None:
            assert uid_of(change.new) == uid_of(change.old), "two lives told as one"
        if change.new is not None:
            assert version_of(change.new) > self.versions.get(name, 0), "went back in time"
            self.versions[name] = version_of(change.new)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.sampled_from(NAMES)),
        st.tuples(st.just("delete"), st.sampled_from(NAMES)),
        st.tuples(st.just("event"), st.none()),
        st.tuples(st.just("refresh"), st.none()),
        st.tuples(st.just("answer list"), st.integers(0, 3)),
        st.tuples(st.just("own answer"), st.integers(0, 5)),
        st.tuples(st.just("expire"), st.none()),
    ),
    min_size=15,  # a late answer takes a write, a deletion and their events first
    max_size=60,
)


@settings(deadline=None, max_examples=200)
@given(steps=STEPS)
def test_the_cache_only_moves_forward_and_ends_at_the_truth(
    steps: list[tuple[str, Any]],
) -> None:
    asyncio.run(_play(steps))


async def _play(steps: list[tuple[str, Any]]) -> None:
    clock, truth, witness = FakeClock(), _Truth(), _Witness()
    client = cast("KubeClient", truth)
    informer = Informer(client, PODS, clock=clock, on_change=witness)
    witness.informer = informer
    running = asyncio.create_task(informer.run())
    refreshes: list[asyncio.Task[None]] = []
    await clock.settle(TURNS)
    truth.answer_list(0)
    for step, argument in steps:
        await clock.settle(TURNS)
        if step == "refresh":
            refreshes.append(asyncio.create_task(informer.refresh()))
        _play_step(step, argument, truth, informer)
    await _come_to_rest(clock, truth)
    for task in (running, *refreshes):
        if task.done():
            task.result()
        task.cancel()
    await asyncio.gather(running, *refreshes, return_exceptions=True)
    assert {name_of(body): body for body in informer.items()} == truth.objects


def _play_step(step: str, argument: Any, truth: _Truth, informer: Informer) -> None:
    match step:
        case "write":
            truth.write(argument)
        case "delete":
            truth.delete(argument)
        case "event":
            truth.let_one_event_through()
        case "answer list":
            truth.answer_list(argument)
        case "own answer" if truth.answers:
            informer.put(truth.answers[-1 - argument % len(truth.answers)])
        case "expire":
            truth.expire()


async def _come_to_rest(clock: FakeClock, truth: _Truth) -> None:
    for _ in range(8):
        truth.let_events_through()
        await clock.run_for(40)
        while truth.lists:
            truth.answer_list(0)
            await clock.settle(TURNS)
