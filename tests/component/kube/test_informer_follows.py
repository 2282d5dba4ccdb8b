"""The informer against a server that behaves, and one that does not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from builders.fake_api.bodies import pod
from builders.fake_api.failure import ApiFailure
from builders.fake_api.faults import CutBefore, HoldAnswer, HoldRequest, Match, Refuse
from builders.fake_api.server import FakeApi
from spectra_operator.kube.client import AiohttpClient
from spectra_operator.kube.clock import SystemClock
from spectra_operator.kube.errors import ServerError
from spectra_operator.kube.informer import Change, Informer
from spectra_operator.kube.patches import without_finalizer
from spectra_operator.kube.resources import PODS, Body, name_of, uid_of, version_of


class _Diary:
    """What an informer told, and a way to wait for more of it."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self._news = asyncio.Event()

    def __call__(self, change: Change) -> None:
        self.changes.append(change)
        self._news.set()

    def shown(self) -> list[tuple[str, str]]:
        return [(change.kind, _named(change)) for change in self.changes]

    async def wait_for(self, kind: str, name: str) -> Change:
        async with asyncio.timeout(10):
            while (kind, name) not in self.shown():
                self._news.clear()
                await self._news.wait()
        return next(c for c in self.changes if (c.kind, _named(c)) == (kind, name))


def _named(change: Change) -> str:
    body = change.new or change.old
    assert body is not None
    return name_of(body)


@asynccontextmanager
async def following(
    api: FakeApi, client: AiohttpClient, **options: Any
) -> AsyncIterator[tuple[Informer, _Diary]]:
    """Run an informer of pods that has synced and watches."""
    diary = _Diary()
    informer = Informer(client, PODS, clock=SystemClock(), on_change=diary, **options)
    running = asyncio.create_task(informer.run())
    async with asyncio.timeout(10):
        await informer.synced.wait()
    await api.wait_watched(PODS)
    try:
        yield informer, diary
    finally:
        if running.done():
            running.result()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def _rewatched(api: FakeApi, trouble: Callable[[], None]) -> None:
    """Make trouble for the watches and wait until there is a new one."""
    before = api.count("watch", "pods")
    trouble()
    await api.wait_until(lambda: api.count("watch", "pods") > before and api.watches(PODS) == 1)


@asynccontextmanager
async def nobody_watching(api: FakeApi) -> AsyncIterator[None]:
    """Cut the watch and keep the next one waiting until the end of the block."""
    held = HoldRequest()
    api.fault(Match(verb="watch"), held)
    api.drop_watches()
    await held.reached()
    yield
    held.release()


async def test_it_holds_what_was_there_and_follows_what_happens(
    api: FakeApi, client: AiohttpClient
) -> None:
    await api.create(PODS, pod("a"))
    async with following(api, client) as (informer, diary):
        assert informer.get("default", "a") == await api.get(PODS, "a")
        await api.create(PODS, pod("b"))
        await api.patch(PODS, "a", {"metadata": {"labels": {"x": "1"}}})
        await api.delete(PODS, "b")
        change = await diary.wait_for("deleted", "b")
        assert diary.shown() == [
            ("added", "a"),
            ("added", "b"),
            ("modified", "a"),
            ("deleted", "b"),
        ]
        assert (change.new, name_of(change.old or {})) == (None, "b")
        assert (len(informer), informer.get("default", "b")) == (1, None)
        assert [name_of(body) for body in informer.items()] == ["a"]
        assert diary.changes[2].old == diary.changes[0].new


async def test_a_large_population_is_read_in_pages(api: FakeApi, client: AiohttpClient) -> None:
    for number in range(1201):
        await api.create(PODS, pod(f"p{number:04d}"))
    async with following(api, client) as (informer, _):
        assert len(informer) == 1201
    assert api.count("list", "pods") == 3


async def test_it_keeps_only_what_the_selector_and_the_transform_leave(
    api: FakeApi, client: AiohttpClient
) -> None:
    def slim(body: Body) -> Body:
        return {name: value for name, value in body.items() if name != "spec"}

    await api.create_namespace("other")
    await api.create(PODS, pod("a", labels={"app": "x"}))
    await api.create(PODS, pod("b"))
    await api.create(PODS, pod("c", labels={"app": "x"}), "other")
    async with following(
        api, client, label_selector="app=x", namespace="default", transform=slim
    ) as (informer, diary):
        await api.create(PODS, pod("d", labels={"app": "x"}))
        await diary.wait_for("added", "d")
        assert [name_of(body) for body in informer.items()] == ["a", "d"]
        assert all("spec" not in body for body in informer.items())
        assert all(change.whole and "spec" in change.whole for change in diary.changes)
        await api.patch(PODS, "a", {"metadata": {"labels": {"app": "y"}}})
        await diary.wait_for("deleted", "a")


@pytest.mark.parametrize("trouble", ["drop_watches", "drop_watches_in_mid_line", "end_watches"])
async def test_a_watch_that_ends_is_resumed_without_a_new_list(
    api: FakeApi, client: AiohttpClient, trouble: str
) -> None:
    async with following(api, client) as (_, diary):
        await api.create(PODS, pod("a"))
        await diary.wait_for("added", "a")
        for name in ("b", "c"):
            await _rewatched(api, getattr(api, trouble))
            await api.create(PODS, pod(name))
            await diary.wait_for("added", name)
    assert diary.shown() == [("added", "a"), ("added", "b"), ("added", "c")]
    assert api.count("list", "pods") == 1


async def test_what_happens_between_two_watches_is_not_missed(
    api: FakeApi, client: AiohttpClient
) -> None:
    await api.create(PODS, pod("old"))
    async with following(api, client) as (_, diary):
        api.fault(Match(verb="watch"), CutBefore(), times=3)
        api.drop_watches()
        await api.delete(PODS, "old")
        await api.create(PODS, pod("new"))
        await diary.wait_for("added", "new")
        assert diary.shown() == [("added", "old"), ("deleted", "old"), ("added", "new")]
    assert api.count("list", "pods") == 1


async def test_a_bookmark_lets_it_resume_past_a_compaction(
    api: FakeApi, client: AiohttpClient
) -> None:
    async with following(api, client) as (informer, diary):
        await api.create(PODS, pod("a"))
        await diary.wait_for("added", "a")
        api.compact()
        api.bookmark()
        await api.create(PODS, pod("b"))
        await diary.wait_for("added", "b")
        await _rewatched(api, api.drop_watches)
        assert len(informer) == 2
    assert api.count("list", "pods") == 1


async def test_after_410_what_is_gone_is_reported_as_deleted(
    api: FakeApi, client: AiohttpClient
) -> None:
    for name in ("kept", "gone", "changed"):
        await api.create(PODS, pod(name))
    async with following(api, client) as (informer, diary):
        told = len(diary.changes)
        async with nobody_watching(api):
            await api.delete(PODS, "gone")
            await api.patch(PODS, "changed", {"metadata": {"labels": {"x": "1"}}})
            await api.create(PODS, pod("new"))
            api.compact()
        change = await diary.wait_for("deleted", "gone")
        assert sorted(diary.shown()[told:]) == [
            ("added", "new"),
            ("deleted", "gone"),
            ("modified", "changed"),
        ]
        assert (change.new, name_of(change.old or {})) == (None, "gone")
        assert sorted(map(name_of, informer.items())) == ["changed", "kept", "new"]
    assert api.count("list", "pods") == 2


async def test_an_object_that_another_of_its_name_replaced_is_deleted_before_that_is_added(
    api: FakeApi, client: AiohttpClient
) -> None:
    await api.create(PODS, pod("a"))
    async with following(api, client) as (informer, diary):
        async with nobody_watching(api):
            await api.delete(PODS, "a")
            again = await api.create(PODS, pod("a"))
            api.compact()
        await diary.wait_for("deleted", "a")
        assert diary.shown() == [("added", "a"), ("deleted", "a"), ("added", "a")]
        assert uid_of(diary.changes[1].old or {}) != uid_of(again)
        assert informer.get("default", "a") == diary.changes[2].new == again


async def test_an_error_in_the_stream_is_followed_by_a_new_watch(
    api: FakeApi, client: AiohttpClient
) -> None:
    async with following(api, client) as (_, diary):
        failure = ApiFailure(500, "InternalError", "lost track")
        await _rewatched(api, lambda: api.fail_watches(failure))
        await api.create(PODS, pod("a"))
        await diary.wait_for("added", "a")
    assert api.count("list", "pods") == 1


async def test_a_list_that_fails_is_tried_again(api: FakeApi, client: AiohttpClient) -> None:
    await api.create(PODS, pod("a"))
    api.fault(Match(verb="list"), Refuse(500, "InternalError"))
    async with following(api, client) as (informer, _):
        assert len(informer) == 1
    assert api.count("list", "pods") == 2


async def test_pages_that_come_slowly_lose_nothing_of_what_happens_meanwhile(
    api: FakeApi, client: AiohttpClient
) -> None:
    for number in range(501):
        await api.create(PODS, pod(f"p{number:03d}"))
    held = HoldAnswer()
    api.fault(Match(verb="list"), held)
    following_task = asyncio.create_task(_sync_and_collect(api, client))
    await held.reached()
    await api.delete(PODS, "p500")
    await api.delete(PODS, "p000")
    await api.create(PODS, pod("late"))
    held.release()
    assert await following_task == {f"p{number:03d}" for number in range(1, 500)} | {"late"}


async def _sync_and_collect(api: FakeApi, client: AiohttpClient) -> set[str]:
    async with following(api, client) as (informer, diary):
        await diary.wait_for("added", "late")
        await diary.wait_for("deleted", "p000")
        await diary.wait_for("deleted", "p500")
        return set(map(name_of, informer.items()))


async def test_a_refresh_that_was_overtaken_by_the_watch_changes_nothing(
    api: FakeApi, client: AiohttpClient
) -> None:
    await api.create(PODS, pod("a"))
    await api.create(PODS, pod("b"))
    async with following(api, client) as (informer, diary):
        held = HoldAnswer()
        api.fault(Match(verb="list"), held)
        refreshing = asyncio.create_task(informer.refresh())
        await held.reached()
        await api.patch(PODS, "a", {"metadata": {"labels": {"x": "1"}}})
        await api.delete(PODS, "b")
        await diary.wait_for("deleted", "b")
        told = len(diary.changes)
        held.release()
        await refreshing
        assert len(diary.changes) == told
        assert informer.get("default", "a") == await api.get(PODS, "a")
        assert informer.get("default", "b") is None


async def test_a_refresh_is_ahead_of_a_watch_that_lags_and_the_watch_does_not_undo_it(
    api: FakeApi, client: AiohttpClient
) -> None:
    await api.create(PODS, pod("a"))
    await api.create(PODS, pod("b"))
    async with following(api, client) as (informer, diary):
        async with api.silent_watches():
            await api.patch(PODS, "a", {"metadata": {"labels": {"x": "1"}}})
            await api.create(PODS, pod("short-lived"))
            await api.delete(PODS, "short-lived")
            await api.delete(PODS, "b")
            await informer.refresh()
            assert diary.shown()[2:] == [("modified", "a"), ("deleted", "b")]
        await api.create(PODS, pod("after"))
        await diary.wait_for("added", "after")
        assert diary.shown()[2:] == [("modified", "a"), ("deleted", "b"), ("added", "after")]


async def test_a_refresh_that_fails_leaves_the_cache_as_it_was(
    api: FakeApi, client: AiohttpClient
) -> None:
    await api.create(PODS, pod("a"))
    async with following(api, client) as (informer, _):
        api.fault(Match(verb="list"), Refuse(500, "InternalError"))
        with pytest.raises(ServerError):
            await informer.refresh()
        assert len(informer) == 1


async def test_the_answer_to_an_own_write_is_seen_at_once_and_its_echo_not_again(
    api: FakeApi, client: AiohttpClient
) -> None:
    async with following(api, client) as (informer, diary):
        async with api.silent_watches():
            informer.put(await client.create(PODS, "default", pod("a")))
            informer.put(
                await client.patch(PODS, "default", "a", {"metadata": {"labels": {"x": "1"}}})
            )
            assert diary.shown() == [("added", "a"), ("modified", "a")]
        await api.create(PODS, pod("b"))
        await diary.wait_for("added", "b")
        assert diary.shown() == [("added", "a"), ("modified", "a"), ("added", "b")]


async def test_an_own_answer_that_comes_after_the_deletion_does_not_bring_the_object_back(
    api: FakeApi, client: AiohttpClient
) -> None:
    async with following(api, client) as (informer, diary):
        created = await client.create(PODS, "default", pod("a"))
        await api.delete(PODS, "a")
        await diary.wait_for("deleted", "a")
        informer.put(created)
        assert informer.get("default", "a") is None
        assert diary.shown() == [("added", "a"), ("deleted", "a")]


async def test_the_answer_to_our_last_release_of_an_object_does_not_keep_it(
    api: FakeApi, client: AiohttpClient
) -> None:
    async with following(api, client) as (informer, diary):
        await client.create(PODS, "default", pod("a", finalizers=["example.com/ours"]))
        await client.delete(PODS, "default", "a")
        marked = await client.get(PODS, "default", "a")
        patch = without_finalizer(marked, "example.com/ours")
        assert patch is not None
        released = await client.patch(PODS, "default", "a", patch)
        await diary.wait_for("deleted", "a")
        informer.put(released)
        assert len(informer) == 0


async def test_an_own_answer_older_than_the_cache_is_dropped(
    api: FakeApi, client: AiohttpClient
) -> None:
    async with following(api, client) as (informer, diary):
        created = await client.create(PODS, "default", pod("a"))
        newer = await api.patch(PODS, "a", {"metadata": {"labels": {"x": "1"}}})
        await diary.wait_for("modified", "a")
        informer.put(created)
        seen = informer.get("default", "a") or {}
        assert version_of(seen) == version_of(newer)


async def test_a_listener_that_fails_ends_the_informer_rather_than_blinding_it(
    api: FakeApi, client: AiohttpClient
) -> None:
    def refuse(change: Change) -> None:
        raise RuntimeError(f"cannot take {change.kind}")

    await api.create(PODS, pod("a"))
    informer = Informer(client, PODS, clock=SystemClock(), on_change=refuse)
    with pytest.raises(RuntimeError, match="cannot take added"):
        await informer.run()
