"""A worker in another language, written from the OpenAPI document alone, does a workflow."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest_asyncio

from e2e.harness.following import Follower
from e2e.harness.play import Play
from spectra_operator.api import constants as c
from spectra_operator.core.pool.page import Claim
from spectra_operator.core.pool.page_text import parse_page
from spectra_operator.kube.access import ClusterAccess
from spectra_operator.kube.resources import LEASES

EXAMPLE = "pool-go/pool-go.yaml"


@dataclass
class Pages:
    """What stood on the pages of the workers from before the run to its end.

    A claim is on its worker's page before the worker hears of it, so nothing runs unseen.

    Attributes:
        world: The Leases of the namespace.
        claims: By the claim's id: on whose pages it stood, and for which process of the worker. An
            ended one tells its page alone.
        found: The claims by id.
    """

    world: Follower
    claims: dict[str, set[tuple[str, str]]] = field(default_factory=dict)
    found: dict[str, Claim] = field(default_factory=dict)

    def event(self, _kind: str, lease: Mapping[str, Any], _at: float) -> None:
        """Take in an event of a watch of Leases."""
        meta = lease["metadata"]
        page = parse_page(meta.get("annotations") or {})
        for claim in page.claims.values():
            self.claims.setdefault(claim.id, set()).add((meta["name"], claim.instance))
            self.found[claim.id] = claim
        for claim in (end.claim for end in page.endings.values()):
            known = self.claims.setdefault(claim.id, set())
            if meta["name"] not in {page for page, _ in known}:
                known.add((meta["name"], ""))
            self.found.setdefault(claim.id, claim)


@pytest_asyncio.fixture
async def pages(play: Play, access: ClusterAccess) -> AsyncIterator[Pages]:
    """The pages of the scenario's workers."""
    seen = Pages(Follower(access, play.namespace, (LEASES,)))
    seen.world.listen("Lease", seen.event)
    async with seen.world.running():
        yield seen


async def test_a_worker_in_forty_lines_of_go_does_a_fan_out_and_what_depends_on_it(
    play: Play, pages: Pages
) -> None:
    play.given.example(EXAMPLE)
    await play.when.applied()

    status = await play.then.workflow_ends("Succeeded")
    await pages.world.caught_up("Lease")

    words = play.workflows["pool-go"]["spec"]["parameters"][0]["value"]
    shout, say = play.then.task("speak/shout"), play.then.task("speak/say")
    assert shout.outputs == [{"text": word.upper()} for word in words]
    assert say.outputs == {"text": " ".join(words).upper() + "."}
    assert status["progress"] == "21/21"
    play.then.no_pod_ever()
    _only_workers(play)
    _each_was_given_out_once(pages, {("shout", index) for index in range(20)} | {("say", 0)})


def _only_workers(play: Play) -> None:
    labels = [pod["metadata"]["labels"] for pod in play.world.all("Pod")]
    assert {found.get(c.LABEL_WORKER) for found in labels} == {"true"}


def _each_was_given_out_once(pages: Pages, items: set[tuple[str, int]]) -> None:
    given = [(claim.task, claim.index) for claim in pages.found.values()]
    assert sorted(given) == sorted(items)
    assert {claim.number for claim in pages.found.values()} == {1}
    assert [id_ for id_, places in pages.claims.items() if len(places) > 1] == []
