"""What the end-to-end tests follow the cluster with, where a kind's definition is replaced."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from builders.fake_api.bodies import WIDGETS, pod, widget
from builders.fake_api.faults import HoldRequest, Match, Refuse
from builders.fake_api.server import FakeApi
from e2e.harness.following import Follower
from spectra_operator.kube.errors import Gone, Throttled
from spectra_operator.kube.resources import PODS, Body, name_of

NAMESPACE = "default"
AWAY = Match("watch", "widgets")


@pytest.fixture
async def api() -> AsyncIterator[FakeApi]:
    async with FakeApi() as api:
        api.register(WIDGETS, short_names=("wd",))
        yield api


class Told:
    """What a follower's listener was told of."""

    def __init__(self, follower: Follower, kind: str) -> None:
        self.events: list[tuple[str, str]] = []
        follower.listen(kind, self._take)

    def _take(self, event: str, body: Body, _at: float) -> None:
        self.events.append((event, name_of(body)))


async def test_a_replaced_definition_ends_watches_and_what_changed_since_is_told_all_the_same(
    api: FakeApi,
) -> None:
    for name in ("changes", "goes", "stays", "another-of-its-name"):
        await api.create(WIDGETS, widget(name))
    follower = Follower(api.access(), NAMESPACE, [WIDGETS], redefined=[WIDGETS])
    async with follower.running():
        told = Told(follower, "Widget")
        await api.wait_watched(WIDGETS)
        again = HoldRequest()
        api.fault(AWAY, again)
        api.fault(Match("list", "widgets"), Refuse(429, "TooManyRequests", retry_after=0))
        api.end_watches(WIDGETS)
        await again.reached()
        await api.patch(WIDGETS, "changes", {"spec": {"size": 2}})
        await api.delete(WIDGETS, "goes")
        await api.delete(WIDGETS, "another-of-its-name")
        for name in ("another-of-its-name", "comes"):
            await api.create(WIDGETS, widget(name))
        api.compact()
        again.release()
        await follower.until("what came", lambda: follower.get("Widget", "comes"))

        assert sorted(told.events) == [
            ("ADDED", "another-of-its-name"),
            ("ADDED", "comes"),
            ("DELETED", "another-of-its-name"),
            ("DELETED", "goes"),
            ("MODIFIED", "changes"),
        ]
        await api.delete(WIDGETS, "stays")
        await follower.until("it watches on", lambda: not follower.get("Widget", "stays"))


async def test_a_watch_that_is_refused_while_the_definition_changes_begins_with_a_list(
    api: FakeApi,
) -> None:
    follower = Follower(api.access(), NAMESPACE, [WIDGETS], redefined=[WIDGETS])
    async with follower.running():
        await api.wait_watched(WIDGETS)
        api.fault(AWAY, Refuse(429, "TooManyRequests", "storage is (re)initializing"))
        api.end_watches(WIDGETS)
        await api.create(WIDGETS, widget("comes"))

        await follower.until("what came", lambda: follower.get("Widget", "comes"))


@pytest.mark.parametrize(("code", "error"), [(410, Gone), (429, Throttled)])
async def test_a_gap_in_what_nobody_redefines_ends_the_test(
    api: FakeApi, code: int, error: type[Exception]
) -> None:
    follower = Follower(api.access(), NAMESPACE, [PODS, WIDGETS], redefined=[WIDGETS])
    async with follower.running():
        await api.wait_watched(PODS)
        api.fault(Match("watch", "pods"), Refuse(code, "Refused"))
        api.end_watches(PODS)
        await api.create(PODS, pod("a"))

        with pytest.raises(error):
            await follower.until("a pod", lambda: follower.get("Pod", "a"))
