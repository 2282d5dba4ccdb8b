"""The benchmark's watch: what it writes down, and that it leaves nothing out."""

from __future__ import annotations

import pytest

from bench.errors import BenchError
from bench.observer import Observer
from bench.spectra_flavour import SpectraFlavour
from builders.benchmarks import a_pod
from builders.clock import FakeClock
from builders.fake_api.bodies import pod
from builders.fake_api.faults import Match, Refuse
from builders.fake_api.server import FakeApi
from spectra_operator.api import constants as c
from spectra_operator.engine.keys import WORKFLOWS
from spectra_operator.kube.client import AiohttpClient
from spectra_operator.kube.resources import PODS

FLAVOUR = SpectraFlavour()
NAMESPACE = "default"


def an_observer(client: AiohttpClient, clock: FakeClock) -> Observer:
    return Observer(client, NAMESPACE, FLAVOUR.item_of, clock.monotonic)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


async def seen(observer: Observer, pods: int, *, ended: int = 0) -> None:
    timeline = observer.timeline
    await observer.until(
        "pods", lambda: len(timeline.pods) >= pods and timeline.ended >= ended, 10.0
    )


async def test_pods_that_were_there_count_like_those_that_come(
    api: FakeApi, client: AiohttpClient, clock: FakeClock
) -> None:
    await api.create(PODS, a_pod("first"))
    observer = an_observer(client, clock)

    async with observer.watching(None, ""):
        await seen(observer, 1)
        await api.create(PODS, a_pod("second"))
        await seen(observer, 2)

    assert list(observer.timeline.pods) == ["first", "second"]


async def test_a_pods_life_is_told_by_the_observers_clock(
    api: FakeApi, client: AiohttpClient, clock: FakeClock
) -> None:
    observer = an_observer(client, clock)
    async with observer.watching(None, ""):
        await api.create(PODS, a_pod("one", phase="Running"))
        await seen(observer, 1)
        begun = clock.monotonic()
        clock.advance(2.5)
        await api.patch_status(PODS, "one", {"phase": "Succeeded"})
        await seen(observer, 1, ended=1)

    life = observer.timeline.pods["one"]
    assert (life.added, life.ended, life.released) == (begun, begun + 2.5, None)


async def test_somebody_elses_pods_are_left_out(
    api: FakeApi, client: AiohttpClient, clock: FakeClock
) -> None:
    observer = an_observer(client, clock)
    async with observer.watching(None, ""):
        await api.create(PODS, pod("other"))
        await api.create(PODS, a_pod("ours"))
        await seen(observer, 1)

    assert list(observer.timeline.pods) == ["ours"]


async def test_a_workflow_is_noted_when_it_has_its_mark(
    api: FakeApi, client: AiohttpClient, clock: FakeClock
) -> None:
    await api.create(WORKFLOWS, {"metadata": {"name": "flow"}, "spec": {}})
    observer = an_observer(client, clock)
    async with observer.watching(WORKFLOWS, c.LABEL_FINISHED):
        await api.wait_watched(WORKFLOWS)
        assert observer.timeline.workflows == {}
        await api.patch(WORKFLOWS, "flow", {"metadata": {"labels": {c.LABEL_FINISHED: "true"}}})
        await observer.until("the end", lambda: "flow" in observer.timeline.workflows, 10.0)


async def test_a_watch_that_ends_goes_on_where_it_was(
    api: FakeApi, client: AiohttpClient, clock: FakeClock
) -> None:
    observer = an_observer(client, clock)
    async with observer.watching(None, ""):
        await api.create(PODS, a_pod("before"))
        await seen(observer, 1)
        api.end_watches()
        await api.create(PODS, a_pod("after"))
        await seen(observer, 2)

    assert observer.gaps == 0


async def test_a_watch_whose_moment_is_gone_lists_again_and_says_so(
    api: FakeApi, client: AiohttpClient, clock: FakeClock
) -> None:
    api.fault(Match(verb="watch", plural="pods"), Refuse(410, "Expired"))
    observer = an_observer(client, clock)
    async with observer.watching(None, ""):
        await api.wait_watched(PODS)
        await api.create(PODS, a_pod("one"))
        await seen(observer, 1)

    assert observer.gaps == 1


async def test_a_watch_that_is_refused_ends_the_wait(
    api: FakeApi, client: AiohttpClient, clock: FakeClock
) -> None:
    api.fault(Match(verb="list", plural="pods"), Refuse(403, "Forbidden"))
    observer = an_observer(client, clock)
    async with observer.watching(None, ""):
        with pytest.raises(BenchError, match="the watch failed"):
            await seen(observer, 1)


async def test_what_does_not_come_in_time_is_named_with_what_came(
    api: FakeApi, client: AiohttpClient, clock: FakeClock
) -> None:
    observer = an_observer(client, clock)
    async with observer.watching(None, ""):
        await api.create(PODS, a_pod("one"))
        await seen(observer, 1)
        with pytest.raises(BenchError, match="not seen: the end; 1 pods seen, 0 ended"):
            await observer.until("the end", lambda: False, 0.01)
