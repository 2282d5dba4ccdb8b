"""Watches the pages of workers as they are written: nothing is given before what it waits for.

    watch = PageWatch(world, {"b": {"a"}})

notes each write that gives `b` where `a` has not succeeded (or was skipped) durably.
"""

from __future__ import annotations

from collections.abc import Mapping

from builders.engine import World
from builders.fake_api.faults import Call, Fault, Which
from builders.fake_api.store import StoreEvent
from builders.specs import NAMESPACE, Body
from spectra_operator.api import constants as c
from spectra_operator.core.attempts.evidence import Kind
from spectra_operator.core.pool.page import Page
from spectra_operator.core.pool.page_text import parse_page
from spectra_operator.engine.keys import PHASES
from spectra_operator.kube.resources import LEASES


class PageWatch:
    """What stood on pages and in the statuses of phases at any time.

    Attributes:
        writes: How often a page was written.
        most: The most claims that were open at once, over all pages.
        ahead: Tasks whose claim came to be in the write that has the result they waited for.
        broken: What must never be, in words.
    """

    def __init__(self, world: World, before: Mapping[str, set[str]]) -> None:
        self.writes = 0
        self.most = 0
        self.ahead: list[str] = []
        self.broken: list[str] = []
        self._before = before
        self._pages: dict[str, Page] = {}
        self._done: set[str] = set()
        world.api._store.listen(self._on_event)

    def check(self) -> None:
        """Fail for what must never be."""
        assert not self.broken, self.broken

    def _on_event(self, event: StoreEvent) -> None:
        name = event.body["metadata"]["name"]
        if event.resource == PHASES:
            self._done |= _over(event.body)
        if event.resource != LEASES or event.body["metadata"]["namespace"] != NAMESPACE:
            return
        if event.removed:
            self._pages.pop(name, None)
            return
        self.writes += 1
        self._take(name, parse_page(event.body["metadata"].get("annotations") or {}))

    def _take(self, name: str, page: Page) -> None:
        known = self._pages.get(name, Page())
        self._pages[name] = page
        good = {e.claim.task for e in page.endings.values() if e.end.kind is Kind.SUCCEEDED}
        fresh = good - self._done
        self._done |= good
        self.most = max(self.most, sum(len(each.claims) for each in self._pages.values()))
        for id_ in page.claims.keys() - known.claims.keys():
            self._given(page.claims[id_].task, fresh)

    def _given(self, task: str, fresh: set[str]) -> None:
        waited_for = self._before.get(task, set())
        if not waited_for <= self._done:
            self.broken.append(f"{task} is given before {sorted(waited_for - self._done)}")
        if waited_for & fresh:
            self.ahead.append(task)


def writes_a_page(call: Call) -> bool:
    """Whether a call writes the page of a worker; the Leases of shards are elsewhere."""
    return (call.verb, call.plural, call.namespace) == ("update", "leases", NAMESPACE)


def count(world: World, which: Which) -> list[Call]:
    """Gather calls about the workflow's namespace from now on."""
    seen: list[Call] = []

    def watch(call: Call) -> bool:
        if which(call) and call.namespace == NAMESPACE:
            seen.append(call)
        return False

    world.api.fault(watch, Fault())
    return seen


def writes_an_end(world: World) -> Which:
    """Return what says of a call whether it writes the end of a claim that has none yet."""

    def of_a_result(call: Call) -> bool:
        if not writes_a_page(call):
            return False
        stands = world.api._store.get(LEASES, (NAMESPACE, call.name))
        return bool(_ends(call.body) - _ends(stands))

    return of_a_result


def _ends(page: Body | None) -> set[str]:
    notes = ((page or {}).get("metadata") or {}).get("annotations") or {}
    return {key for key in notes if key.startswith(c.ENDING_PREFIX)}


def _over(phase: Body) -> set[str]:
    tasks = (phase.get("status") or {}).get("tasks") or {}
    return {name for name, task in tasks.items() if task.get("state") in ("Succeeded", "Skipped")}


def before_of(tasks: list[Body]) -> dict[str, set[str]]:
    """Return what each task waits for."""
    return {task["name"]: set(task.get("dependsOn") or ()) for task in tasks}
